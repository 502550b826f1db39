"""Labelled texts and questions in files: JSON, lines of JSON, and CSV with headings."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zerolite._platform.files import read_file

__all__ = ["read_json", "read_records"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def read_json(file: str | os.PathLike[str]) -> Any:
    """What a JSON file holds.

    Raises:
        OSError: it can't be read.
        ValueError: it is no JSON.
    """
    try:
        return json.loads(read_file(file))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(file)} is no JSON file: {error}") from error


def read_records(file: str | os.PathLike[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of a .csv or .tsv file by their headings, or the objects of a file with one of JSON in each line.

    Raises:
        OSError: it can't be read.
        ValueError: a line is none of these, or a row has more cells than there are headings.
    """
    path = Path(file)
    delimiter = _DELIMITERS.get(path.suffix.lower())
    with path.open(encoding="utf-8-sig", newline="") as lines:
        try:
            if delimiter is None:
                yield from _of_json_lines(lines, path)
                return
            for row in csv.DictReader(lines, delimiter=delimiter):
                if None in row or None in row.values():
                    raise ValueError(f"{path} has a row that does not fit its headings: {list(row.values())!r:.200}")
                yield row
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} can't be read as text in UTF-8: {error}") from error


def _of_json_lines(lines: Iterator[str], path: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"line {number} of {path} is no JSON: {error}; give a .csv file, or JSON lines") from error
        if not isinstance(record, Mapping):
            raise ValueError(f"line {number} of {path} is no JSON object: {line.strip():.100}")
        yield record
