"""Text from outside (names in models, files and archives) as a terminal or a log may show it."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

__all__ = ["printable", "printable_streams", "unfiltered"]

# Control characters (ESC and BEL among them, which begin and end commands to a terminal), bytes that are no UTF-8,
# what turns the direction of text or shows as nothing, and ends of lines other than the usual one.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joiners shape letters in Persian and Hindi words and hold pictures together; they command nothing.
_HARMLESS = {"\u200c", "\u200d"}


def printable(text: str, *, keep: str = "") -> str:
    r"""`text` with whatever a terminal would obey or hide shown as Python writes it: ESC as ``\x1b``.

    Args:
        text: any text.
        keep: characters that stay as they are, for text of several lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character in keep or not _is_hidden(character) else _escaped(character) for character in text
    )


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN and character not in _HARMLESS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


class _PrintableStream:
    """Writes to another stream what `printable` makes of text, but for the ends of lines."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write `text`, made printable; gives its length, as every stream does."""
        self.stream.write(printable(text, keep="\n"))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each of `lines`, made printable."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        # Bytes would go past the filter.
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.stream, name)


@contextmanager
def printable_streams() -> Iterator[None]:
    """Context manager: whatever is printed on stdout and stderr is made printable, also by libraries.

    JSON has no such characters: it writes them as escapes of its own.
    """
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_PrintableStream(stream) for stream in streams)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def unfiltered(stream: TextIO) -> TextIO:
    """The stream behind one of `printable_streams`, for what draws on a terminal; it makes text printable itself."""
    return stream.stream if isinstance(stream, _PrintableStream) else stream
