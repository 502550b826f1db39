"""The names of a model's classes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["check_labels", "load_labels"]


def load_labels(path: str | os.PathLike[str]) -> list[str]:
    """Read the names of classes, in the order of a model's outputs.

    Args:
        path: a text file with one name a line (empty lines at the end don't count), or a .json file: a list of names,
            or a mapping from class numbers to names or to pairs of an identifier and a name, as Keras's
            imagenet_class_index.json is.

    Raises:
        OSError: the file can't be read.
        ValueError: the file holds no labels, or a line in the middle is empty.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
        labels = _from_json(json.loads(text)) if file.suffix == ".json" else text.rstrip().splitlines()
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{file} holds no labels: {error}") from error
    labels = [label.strip() for label in labels]
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
    if abs(len(labels) - classes) == 1:
        hint = "some models count a background class as number 0 and some do not; add or remove its line"
    raise ValueError(f"there are {len(labels)} labels for a model with {classes} classes; {hint}")


def _from_json(document: Any) -> list[str]:
    if isinstance(document, dict):
        document = [document[str(number)] for number in range(len(document))]
    return [str(label if isinstance(label, str) else label[1]) for label in document]
