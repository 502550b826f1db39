"""Models on the command line: files of this machine, and addresses on the Hugging Face Hub, which are downloaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.text import Text

from zerolite._hub.address import HubFile, address_of
from zerolite.cli.output import console, failures_in_one_line, wrong_use
from zerolite.cli.printable import printable

__all__ = ["model_file", "model_file_or_folder", "shown_file"]


def model_file(word: str) -> Path:
    """The file that a word of the command line names.

    Raises:
        typer.BadParameter: there is no such file, or it is a folder, can't be read, or is no address of the Hub's.
        typer.Exit: it can't be downloaded.
    """
    path = model_file_or_folder(word)
    if path.is_dir():
        raise wrong_use(f"File '{path}' is a directory.")
    return path


def model_file_or_folder(word: str) -> Path:
    """The file or folder that a word of the command line names; errors as for `model_file`."""
    address = address_of(word)
    if address is not None:
        return _downloaded(address)
    path = Path(word)
    if not path.exists():
        raise wrong_use(f"File '{path}' does not exist.")
    if not os.access(path, os.R_OK):
        raise wrong_use(f"File '{path}' is not readable.")
    return path


def shown_file(path: Path) -> str:
    """What a file is called in the answer: one from the Hub by its address, with the commit."""
    return str(HubFile.of_cached(str(path.absolute())) or path)


def _downloaded(address: str) -> Path:
    from zerolite._hub.download import local_file

    try:
        file = HubFile.parse(address)
    except ValueError as error:
        raise wrong_use(f"{error}.") from error
    with failures_in_one_line():
        if not sys.stderr.isatty():
            return Path(local_file(address))
        with console(stderr=True).status(Text(printable(f"Fetching {file}"))):
            return Path(local_file(address))
