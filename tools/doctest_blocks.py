"""Examples of docstrings as blocks of code: Markdown takes the three signs of a prompt for three quotations."""

from __future__ import annotations

import re
from typing import Any

import griffe

__all__ = ["DoctestBlocks", "with_blocks"]

# From a prompt to the next empty line, with the indentation of its first line.
_EXAMPLE = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?! *$).*)*", re.MULTILINE)


def with_blocks(text: str) -> str:
    """The text with each example between fences."""
    return _EXAMPLE.sub(lambda found: f"{found['indent']}```pycon\n{found[0]}\n{found['indent']}```", text)


class DoctestBlocks(griffe.Extension):
    """Puts fences around the examples of every docstring; mkdocstrings loads it by the name of this file."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of one module, class or function."""
        if obj.docstring is not None:
            obj.docstring.value = with_blocks(obj.docstring.value)
