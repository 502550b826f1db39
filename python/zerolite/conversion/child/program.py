"""What runs in a conversion's process: it reads one request from stdin and answers on a descriptor of its own."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import threading
import traceback
from dataclasses import asdict
from typing import IO, Any

from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError

__all__ = ["main"]

_TITLES = {"tensorflow": "TensorFlow", "litert_torch": "PyTorch"}
# The errors that reach the caller with their own type, from the most specific to the least.
_TYPES = (FileNotFoundError, OSError, ImportError, TypeError, ValueError)


def main(reply: int, preload: str) -> int:
    """Convert one model.

    Args:
        reply: the descriptor for answers, a line of JSON each: {"step": ...} now and then, and at the end
            {"result": ...} or {"error": ...}.
        preload: a module to import before the request is there, or "".

    Returns:
        The exit code of the process.
    """
    with os.fdopen(reply, "w", encoding="utf-8") as answers:

        def say(**answer: Any) -> None:
            # The caller may have ended; then this process ends soon, too.
            with contextlib.suppress(BrokenPipeError):
                answers.write(json.dumps(answer) + "\n")
                answers.flush()

        try:
            if preload:
                say(step=f"Loading {_TITLES[preload]}")
                importlib.import_module(preload)
            line = sys.stdin.readline()
            if not line:
                return 1
            threading.Thread(target=_end_with_the_caller, args=(sys.stdin,), daemon=True).start()
            from zerolite.conversion.child.steps import convert_here

            say(result=convert_here(ConversionRequest.from_json(line), lambda step: say(step=step)))
        except Exception as error:  # noqa: BLE001 - everything goes to whoever asked
            say(error=_described(error))
            return 1
    return 0


def _end_with_the_caller(stdin: IO[str]) -> None:
    """End this process when the other end of stdin is closed: then nobody waits for the model any more."""
    with contextlib.suppress(OSError, ValueError):
        stdin.read()
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
