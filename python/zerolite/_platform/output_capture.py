"""Capturing what libraries print, so that it stays off the terminal."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import tempfile
from types import TracebackType
from typing import IO

__all__ = ["CapturedOutput", "import_tensorflow"]


class CapturedOutput:
    """Context manager: collects what is written to the process's stdout and stderr meanwhile.

    TensorFlow writes its log from C++ straight to the file descriptors, which `contextlib.redirect_stderr`
    does not see, so descriptors 1 and 2 are pointed at a temporary file and restored afterwards. They belong
    to the whole process: what another thread prints in the meantime is collected too.

    `text` holds everything that was collected, also while the block is still running.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._saved: dict[int, int] = {}
        self._python_stdout = io.StringIO()
        self._redirection: contextlib.redirect_stdout[io.StringIO] | None = None
        self._final_text = ""

    def __enter__(self) -> CapturedOutput:
        _flush_python_streams()
        self._file = tempfile.TemporaryFile()
        for descriptor in (1, 2):
            # A process may run with either of them closed; then there is nothing to keep clean.
            with contextlib.suppress(OSError):
                self._saved[descriptor] = os.dup(descriptor)
                os.dup2(self._file.fileno(), descriptor)
        # A notebook's or a test runner's sys.stdout is not descriptor 1, and Keras prints through it.
        self._redirection = contextlib.redirect_stdout(self._python_stdout)
        self._redirection.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._redirection is not None:
            self._redirection.__exit__(kind, error, traceback)
        _flush_python_streams()
        for descriptor, saved in self._saved.items():
            os.dup2(saved, descriptor)
            os.close(saved)
        self._saved.clear()
        self._final_text = self.text
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def text(self) -> str:
        """What was printed: the descriptors' part first, then what went through Python's own stdout."""
        if self._file is None:
            return self._final_text
        size = os.fstat(self._file.fileno()).st_size
        printed = os.pread(self._file.fileno(), size, 0).decode("utf-8", errors="replace")
        return printed + self._python_stdout.getvalue()


def import_tensorflow() -> None:
    """Import TensorFlow and Keras for the CPU, with captured output and with their logs at errors only.

    Environment variables are the only way to say so, and they count for the whole process: this is for
    processes that are about to start with TensorFlow. Variables that are set already stay as they are.

    Raises:
        ImportError: TensorFlow is not installed (extra "convert").
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # The runtimes are compared on the CPU; looking for a GPU costs time and prints errors where there is
    # none.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # What is printed before the log level counts goes nowhere.
    with CapturedOutput():
        importlib.import_module("tensorflow.keras")


def _flush_python_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
