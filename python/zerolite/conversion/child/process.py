"""The process in which a conversion runs."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from zerolite._platform.fresh_python import Ended, FreshPython, last_told_line
from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.options import QUANTIZATION_MODES
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError

__all__ = ["ChildError", "ConversionProcess"]

#: Called with what the conversion is at, whenever that changes.
OnStep = Callable[[str], None]

_PROGRAM = "import sys; from zerolite.conversion.child.program import main; sys.exit(main(reply, {preload!r}))"
_ERRORS: dict[str, type[Exception]] = {
    "FileNotFoundError": FileNotFoundError,
    "ImportError": ImportError,
    "OSError": OSError,
    "TypeError": TypeError,
    "ValueError": ValueError,
}


class ChildError(Exception):
    """What went wrong in the other process, with its traceback as text: the cause of the error raised here."""


class ConversionProcess:
    """Context manager: a fresh interpreter that converts one model after another; it is gone when the block ends.

    It has none of this process's TensorFlow, and imports what it needs while this process still prepares the request.

    Attributes:
        is_ready: whether it can convert a model: it has not ended, and is at none.
    """

    def __init__(self, *, preload: str = "") -> None:
        """Choose what the process imports before it is told what to do.

        Args:
            preload: the name of a module, or "".

        Raises:
            RuntimeError: there is no interpreter to start.
        """
        # TensorFlow would take the memory of a GPU for nothing; Keras has to be on TensorFlow.
        environment = {
            "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "-1"),
            "KERAS_BACKEND": "tensorflow",
        }
        # TensorFlow imports JAX where it is installed, and JAX sets the level where nobody did.
        if "jax" in sys.modules and os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "1":
            environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
        try:
            self._python = FreshPython(_PROGRAM.format(preload=preload), environment=environment)
        except RuntimeError as error:
            raise RuntimeError(f"a conversion runs in another Python process, and {error}") from error
        self.is_ready = True
        self._is_used = False
        self._told_before = 0

    def __enter__(self) -> ConversionProcess:
        self._python.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._python.__exit__(kind, error, traceback)

    @property
    def log(self) -> str:
        """What the process has printed since its present conversion began, or its last one."""
        return self._python.log[self._told_before :]

    def convert(self, request: ConversionRequest, on_step: OnStep | None) -> dict[str, Any]:
        """Have a model converted.

        Args:
            request: what to do.
            on_step: told about each step.

        Returns:
            What the process says of the result, which is in the request's file.

        Raises:
            ConversionError: the model can't be converted, or the process ended before its time.
            ImportError, OSError, TypeError, ValueError: as the process says.
        """
        self.is_ready = False
        self._step = ""
        self._told_before = len(self._python.log) if self._is_used else 0
        self._is_used = True
        # The process ends itself once its stdin is closed, so that stays open.
        self._python.send(request.to_json().encode() + b"\n")
        while (line := self._python.next_line()) is not None:
            reply: dict[str, Any] = json.loads(line)
            if "step" in reply:
                self._step = reply["step"]
                if on_step is not None:
                    on_step(reply["step"])
                continue
            self.is_ready = True
            if "error" in reply:
                raise self._error(reply["error"]) from ChildError(reply["error"]["traceback"])
            result: dict[str, Any] = reply["result"]
            return result
        raise self._untimely_end(request, self._python.finish())

    def _error(self, error: dict[str, Any]) -> Exception:
        known = _ERRORS.get(error["type"])
        if known is not None:
            return known(error["message"])
        unsupported = [UnsupportedOperator(**one) for one in error["unsupported"]]
        return ConversionError(error["message"], log=self.log, unsupported=unsupported)

    def _untimely_end(self, request: ConversionRequest, ended: Ended) -> ConversionError:
        code = ended.code or 0
        if code == -signal.SIGKILL:
            reason = "was killed, most likely because the machine ran out of memory"
        elif code < 0:
            reason = f"crashed ({signal.Signals(-code).name})"
        else:
            reason = f"ended with exit code {code} and no answer"
        step = f" at the step '{self._step}'" if self._step else ""
        words = "" if code == -signal.SIGKILL else last_told_line(self.log)
        last = f"; the last that it told was: {words}" if words else ""
        advice = ""
        if code < 0 and code != -signal.SIGKILL and QUANTIZATION_MODES[request.quantize].needs_data:
            # TensorFlow 2.21's calibration does not survive the loops that Keras makes of these layers.
            advice = (
                "; calibration ends so where a model has recurrent layers such as LSTM or GRU: make them with "
                "unroll=True, or quantize with quantize='dynamic' (--quantize dynamic)"
            )
        return ConversionError(
            f"the process that converted '{request.name}' {reason}{step}{last}; nothing was written{advice}",
            log=self.log,
        )
