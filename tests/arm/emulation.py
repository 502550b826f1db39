"""A pytest plugin for runs on an emulated aarch64 processor; `tools/emulated_tests.py` loads it."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from ai_edge_litert import interpreter as litert


class WithoutScalarResize:
    """The reference's native interpreter, but for the resize of an input to the shape of a scalar.

    In ai-edge-litert 2.3.0 for aarch64, `Interpreter.resize_tensor_input(index, [])` ends the process with a
    segmentation fault, and a signature runner makes that call before every run. Of a scalar there is nothing to resize.
    """

    def __init__(self, native: Any) -> None:
        self._native = native

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def ResizeInputTensor(self, tensor: int, shape: Any, *options: Any) -> None:  # noqa: N802 - the native name
        if len(shape) > 0:
            self._native.ResizeInputTensor(tensor, shape, *options)


def pytest_configure(config: pytest.Config) -> None:
    # The machine can't start the interpreter itself, only the emulator with it.
    sys.executable = os.environ.get("ZEROLITE_EMULATED_PYTHON", sys.executable)
    create = litert.SignatureRunner.__init__

    def create_without_scalar_resize(runner: Any, *arguments: Any, **options: Any) -> None:
        create(runner, *arguments, **options)
        runner._interpreter_wrapper = WithoutScalarResize(runner._interpreter_wrapper)

    litert.SignatureRunner.__init__ = create_without_scalar_resize
