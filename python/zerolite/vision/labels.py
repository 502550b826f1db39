"""The names of a model's classes."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zerolite._platform.files import read_file
from zerolite.metadata import read_labels

__all__ = ["Labels", "check_labels", "load_labels"]

_PAIR = 2
_NUMBERED_LINE = re.compile(r"\s*(\d+)[\s:,]+(\S.*)")
_PBTXT_FIELD = re.compile(r"\b(id|name|display_name)\s*:\s*(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\d+)")
_SYNSET_LINE = re.compile(r"\s*(n\d{8})[\s,:]+(\S.*)")  # WordNet's, which ImageNet's folders are named after
_PLACEHOLDER = "???"
_MOST_PLACEHOLDERS = 1000


class Labels(list[str]):
    """The names of classes, in the order of a model's outputs.

    Attributes:
        identifiers: what a data set's folders may be called instead, such as ImageNet's "n01440764", in the same order;
            empty where the file has none.
    """

    def __init__(self, names: Iterable[str] = (), identifiers: Iterable[str] = ()) -> None:
        """Hold names, and their identifiers where there are some."""
        super().__init__(names)
        self.identifiers = tuple(identifiers)


def load_labels(path: str | os.PathLike[str]) -> Labels:
    """Read the names of classes, in the order of a model's outputs.

    Args:
        path: one of these, told apart by the end of the name:

            - a text file with one name a line (empty lines at the end don't count); where every line begins with its
              number, as in "0 cat" or "1: dog", the numbers, from 0 or from 1 on, give the order; where every one
              begins with a synset, as in "n01440764 tench", that is its identifier;
            - a .json file: a list of names, a mapping from names to class numbers (Keras's class_indices), or from
              class numbers, from 0 or from 1 on, to names or to pairs of an identifier and a name (Keras's
              imagenet_class_index.json);
            - a .csv or .tsv file: names alone, or a number and a name, under a line of titles or not;
            - a .pbtxt label map, of which display names are preferred;
            - a .tflite file with labels packed into it.

    Returns:
        The names, with `identifiers` where the file has some.
        In label maps, which number objects from 1 on, "???" stands for each number that is left out.

    Raises:
        OSError: the file can't be read.
        ValueError: the file holds no labels, a line in the middle is empty, or numbers are missing or come twice.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix == ".tflite":
        packed = read_labels(file)
        if packed is None:
            raise ValueError(f"{file} has no labels packed into it; write them into a text file, one name a line")
        found = Labels(packed)
    else:
        try:
            found = _parsed(read_file(file).decode("utf-8-sig"), suffix)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError, csv.Error) as error:
            raise ValueError(f"{file} holds no labels: {error}") from error
    labels = Labels((label.strip() for label in found), found.identifiers)
    if not labels:
        raise ValueError(f"{file} holds no labels; write one name a line, in the order of the model's outputs")
    if "" in labels:
        raise ValueError(f"{file}: line {labels.index('') + 1} is empty; every output needs a name")
    return labels


def check_labels(labels: Sequence[str], classes: int) -> None:
    """Refuse labels that do not fit a model's outputs.

    Raises:
        ValueError: there are fewer or more labels than `classes`.
    """
    if len(labels) == classes:
        return
    hint = "name each class, in the order of the outputs"
    if abs(len(labels) - classes) == 1 and classes > _PAIR:
        hint = "some models count a background class as number 0 and some do not; add or remove its line"
    raise ValueError(f"there are {len(labels)} labels for a model with {classes} classes; {hint}")


def _parsed(text: str, suffix: str) -> Labels:
    if suffix == ".json":
        return _from_json(json.loads(text))
    if suffix in (".csv", ".tsv"):
        return Labels(_from_rows(list(csv.reader(text.splitlines(), delimiter="\t" if suffix == ".tsv" else ","))))
    if suffix == ".pbtxt":
        return Labels(_from_pbtxt(text))
    return _from_lines(text.rstrip().splitlines())


def _from_lines(lines: list[str]) -> Labels:
    """Names alone, or names after their numbers: only where the numbers are those of all classes; or after synsets."""
    synsets = [match for match in map(_SYNSET_LINE.fullmatch, lines) if match is not None]
    if lines and len(synsets) == len(lines):
        return Labels((match[2] for match in synsets), (match[1] for match in synsets))
    found = [_NUMBERED_LINE.fullmatch(line) for line in lines]
    numbers = [int(match[1]) for match in found if match is not None]
    # "7 up" may be a name.
    if len(numbers) < len(lines) or sorted(numbers) not in (
        list(range(len(lines))),
        list(range(1, len(lines) + 1)),
    ):
        return Labels(lines)
    names = _by_number([(int(match[1]), match[2]) for match in found if match is not None])
    return Labels(names[number] for number in sorted(names))


def _from_rows(rows: list[list[str]]) -> list[str]:
    while rows and not any(cell.strip() for cell in rows[-1]):
        del rows[-1]
    if not rows:
        return []
    if all(len(row) == 1 for row in rows):
        return [row[0] for row in rows]
    titles = [] if any(cell.strip().isdecimal() for cell in rows[0]) else rows.pop(0)
    if any(len(row) < _PAIR for row in rows):
        raise ValueError("a .csv file of labels has a number and a name in each line, or a name alone")
    columns = list(zip(*(row[:_PAIR] for row in rows), strict=True))
    numbers = next(
        (place for place, cells in enumerate(columns) if all(cell.strip().isdecimal() for cell in cells)), None
    )
    if numbers is None:
        raise ValueError(
            f"no column of the .csv file holds class numbers{' under ' + ', '.join(titles) if titles else ''}; "
            "write a number and a name in each line, or a name alone"
        )
    return _numbered([(int(row[numbers]), row[1 - numbers]) for row in rows])


def _from_pbtxt(text: str) -> list[str]:
    entries = []
    # A comment ends with its line; a name may hold '#', but only in quotes.
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    for block in re.split(r"\bitem\s*:?\s*\{", text)[1:]:
        fields: dict[str, str] = dict(_PBTXT_FIELD.findall(block))
        if "id" not in fields or not {"name", "display_name"} & set(fields):
            raise ValueError("an item of the .pbtxt label map has no id or no name")
        name: str = fields["display_name"] if "display_name" in fields else fields["name"]
        entries.append((int(fields["id"]), re.sub(r"\\(.)", r"\1", name[1:-1])))
    if not entries:
        raise ValueError("the .pbtxt label map has no item { id: 1 name: '...' }")
    return _from_label_map(entries)


def _from_json(document: Any) -> Labels:
    if isinstance(document, Mapping):
        if document and all(isinstance(value, int) for value in document.values()):
            return Labels(_numbered([(number, name) for name, number in document.items()]))
        if not all(str(number).isdecimal() for number in document):
            raise ValueError("a mapping of labels is from class numbers to names, or from names to class numbers")
        in_order = sorted(document.items(), key=lambda item: int(item[0]))
        names = _numbered([(int(number), _name_of(label)) for number, label in in_order])
        return Labels(names, _identifiers_of([label for _, label in in_order]))
    if not isinstance(document, list):
        raise TypeError("a .json file of labels is a list of names, or a mapping")
    return Labels(map(_name_of, document), _identifiers_of(document))


def _identifiers_of(labels: Sequence[Any]) -> list[str]:
    """The first of each pair of an identifier and a name; none where one of them is a name alone."""
    return [str(label[0]) for label in labels] if not any(isinstance(label, str) for label in labels) else []


def _name_of(label: Any) -> str:
    """A name, or the name of an identifier and a name."""
    return str(label if isinstance(label, str) else label[1])


def _numbered(entries: list[tuple[int, str]]) -> list[str]:
    """Names in the order of their numbers, which are 0, 1 and so on, or 1, 2 and so on."""
    names = _by_number(entries)
    first = min(names, default=0)
    if first not in (0, 1) or sorted(names) != list(range(first, first + len(names))):
        missing = min(set(range(min(first, 1), max(names) + 1)) - set(names))
        raise ValueError(
            f"{len(names)} names are numbered from {first} to {max(names)}, and number {missing} is missing; "
            "class numbers count from 0 or from 1, without a gap"
        )
    return [names[number] for number in sorted(names)]


def _from_label_map(entries: list[tuple[int, str]]) -> list[str]:
    """Names by their numbers, with placeholders for those that a label map leaves out, such as the background's 0."""
    names = _by_number(entries)
    if max(names) > _MOST_PLACEHOLDERS + len(names):
        raise ValueError(f"{len(names)} names are numbered up to {max(names)}; too many numbers are left out")
    return [names.get(number, _PLACEHOLDER) for number in range(max(names) + 1)]


def _by_number(entries: list[tuple[int, str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for number, name in entries:
        if number in names:
            raise ValueError(f"the class number {number} comes twice")
        names[number] = name
    return names
