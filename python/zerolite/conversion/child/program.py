"""What runs in a conversion's process: it reads requests from stdin and answers on a descriptor of its own."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import asdict
from queue import SimpleQueue
from typing import IO, Any

from zerolite._platform.peak_memory import forget_peak
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError

__all__ = ["main"]

_TITLES = {"tensorflow": "TensorFlow", "litert_torch": "PyTorch"}
# The errors that reach the caller with their own type, from the most specific to the least.
_TYPES = (FileNotFoundError, OSError, ImportError, TypeError, ValueError)


def main(reply: int, preload: str) -> int:
    """Convert one model after another, until the other end of stdin is closed.

    Args:
        reply: the descriptor for answers, a line of JSON each: {"step": ...} now and then, and at the end of each
            conversion {"result": ...} or {"error": ...}.
        preload: a module to import before a request is there, or "".

    Returns:
        The exit code of a process that could not begin.
    """
    with os.fdopen(reply, "w", encoding="utf-8") as answers:

        def say(**answer: Any) -> None:
            sys.stdout.flush()  # what was printed belongs to what is answered
            # The caller may have ended; then this process ends soon, too.
            with contextlib.suppress(BrokenPipeError):
                answers.write(json.dumps(answer) + "\n")
                answers.flush()

        try:
            if preload:
                say(step=f"Loading {_TITLES[preload]}")
                importlib.import_module(preload)
            from zerolite.conversion.child.steps import convert_here
        except Exception as error:  # noqa: BLE001 - everything goes to whoever asked
            say(error=_described(error))
            return 1
        for line in _requests():
            try:
                say(result=convert_here(ConversionRequest.from_json(line), lambda step: say(step=step)))
            except Exception as error:  # noqa: BLE001 - everything goes to whoever asked
                say(error=_described(error))
            forget_peak()
    return 1


def _requests() -> Iterator[str]:
    """The lines of stdin, as they come."""
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin, lines), daemon=True).start()
    while True:
        yield lines.get()


def _read(stdin: IO[str], lines: SimpleQueue[str]) -> None:
    """Take lines, and end this process when the other end is closed: then nobody waits for a model any more."""
    with contextlib.suppress(OSError, ValueError):
        for line in stdin:
            lines.put(line)
    os._exit(1)


def _described(error: Exception) -> dict[str, Any]:
    if isinstance(error, ConversionError):
        name, message = "ConversionError", str(error)
    else:
        name = next((known.__name__ for known in _TYPES if isinstance(error, known)), "ConversionError")
        message = str(error) if name != "ConversionError" else f"the conversion failed: {type(error).__name__}: {error}"
    return {
        "type": name,
        "message": message or type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
        "unsupported": [asdict(one) for one in getattr(error, "unsupported", ())],
    }
