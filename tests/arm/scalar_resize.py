"""A pytest plugin for aarch64: keep the reference from resizing an input to the shape of a scalar.

In ai-edge-litert 2.3.0 for aarch64, `Interpreter.resize_tensor_input(index, [])` ends the process with a segmentation
fault, and a signature runner makes that call before every run. Of a scalar there is nothing to resize.
"""

from __future__ import annotations

from typing import Any

import pytest
from ai_edge_litert import interpreter as litert


class WithoutScalarResize:
    """The native interpreter, but for that call."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def __getattr__(self, name: str) -> Any:
        return getattr(self._native, name)

    def ResizeInputTensor(self, tensor: int, shape: Any, *options: Any) -> None:  # noqa: N802 - the native name
        if len(shape) > 0:
            self._native.ResizeInputTensor(tensor, shape, *options)


def pytest_configure(config: pytest.Config) -> None:
    create = litert.SignatureRunner.__init__

    def create_without_scalar_resize(runner: Any, *arguments: Any, **options: Any) -> None:
        create(runner, *arguments, **options)
        runner._interpreter_wrapper = WithoutScalarResize(runner._interpreter_wrapper)

    litert.SignatureRunner.__init__ = create_without_scalar_resize
