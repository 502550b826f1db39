"""The process in which a conversion runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from zerolite.conversion.operators import UnsupportedOperator
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError

__all__ = ["ChildError", "ConversionProcess"]

#: Called with what the conversion is at, whenever that changes.
Progress = Callable[[str], None]

# The path comes first: a folder that the user happens to be in must not hide a package.
_PROGRAM = (
    "import sys; sys.path[:] = {path!r}; from zerolite.conversion.child.program import main; "
    "sys.exit(main({reply}, {preload!r}))"
)
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
    """Context manager: a fresh interpreter that converts one model; it is gone when the block ends.

    It is started, never forked, so that it has neither this process's threads nor its TensorFlow, and imports
    what it needs while this process still prepares the request. It lives in a session of its own: an interrupt
    from the terminal reaches this process alone, which ends the other one.
    """

    def __init__(self, *, preload: str = "") -> None:
        """Choose what the process imports before it is told what to do.

        Args:
            preload: the name of a module, or "".
        """
        self._preload = preload

    def __enter__(self) -> ConversionProcess:
        if not sys.executable:
            raise RuntimeError("a conversion runs in another Python process, and sys.executable names no interpreter")
        reading, writing = os.pipe()
        self._log = tempfile.TemporaryFile()
        path = [entry or str(Path.cwd()) for entry in sys.path]
        program = _PROGRAM.format(path=path, reply=writing, preload=self._preload)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", program],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(writing,),
                start_new_session=True,
                # TensorFlow would take the memory of a GPU for nothing; Keras has to be on TensorFlow.
                env={"CUDA_VISIBLE_DEVICES": "-1", **os.environ, "KERAS_BACKEND": "tensorflow"},
            )
        except BaseException:
            os.close(reading)
            self._log.close()
            raise
        finally:
            os.close(writing)
        self._replies = os.fdopen(reading, encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._replies.close()
        self._log.close()

    @property
    def log(self) -> str:
        """What the process has printed so far."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", errors="replace")

    def convert(self, request: ConversionRequest, progress: Progress | None) -> dict[str, Any]:
        """Have a model converted.

        Args:
            request: what to do.
            progress: told about each step.

        Returns:
            What the process says of the result, which is in the request's file.

        Raises:
            ConversionError: the model can't be converted, or the process ended before its time.
            ImportError, OSError, TypeError, ValueError: as the process says.
        """
        stdin = self._process.stdin
        if stdin is not None:
            # Of a process that has ended, the answer that does not come tells more than the broken pipe.
            with contextlib.suppress(BrokenPipeError):
                stdin.write(request.to_json().encode() + b"\n")
                stdin.flush()
        for line in self._replies:
            reply: dict[str, Any] = json.loads(line)
            if "step" in reply:
                if progress is not None:
                    progress(reply["step"])
            elif "error" in reply:
                raise self._error(reply["error"]) from ChildError(reply["error"]["traceback"])
            else:
                # Its libraries take long to take down, and there is nothing left that they could do.
                self._process.kill()
                result: dict[str, Any] = reply["result"]
                return result
        raise self._untimely_end(request)

    def _error(self, error: dict[str, Any]) -> Exception:
        known = _ERRORS.get(error["type"])
        if known is not None:
            return known(error["message"])
        unsupported = [UnsupportedOperator(**one) for one in error["unsupported"]]
        return ConversionError(error["message"], log=self.log, unsupported=unsupported)

    def _untimely_end(self, request: ConversionRequest) -> ConversionError:
        code = self._process.wait()
        if code == -signal.SIGKILL:
            reason = "was killed, most likely because the machine ran out of memory"
        elif code < 0:
            reason = f"crashed ({signal.Signals(-code).name})"
        else:
            reason = f"ended with exit code {code} and no answer"
        lines = [line.strip() for line in self.log.splitlines() if line.strip()]
        last = f"; its last line was: {lines[-1]}" if lines and code != -signal.SIGKILL else ""
        return ConversionError(
            f"the process that converted '{request.name}' {reason}{last}; nothing was written", log=self.log
        )
