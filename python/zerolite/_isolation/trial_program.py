"""What runs in a trial's process: it reads a model from stdin, and loads and runs it."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from zerolite import _native
from zerolite._isolation.trial_settings import TrialSettings

__all__ = ["main"]


def main(settings: str) -> None:
    """Load the model and run each of its signatures; end the process with an exit code of `TrialSettings`."""
    code = TrialSettings.NOT_BEGUN
    try:
        native = TrialSettings.from_json(settings).native
        content = sys.stdin.buffer.read()
        code = 0
        _load_and_run(content, native)
    except MemoryError:
        code = TrialSettings.OUT_OF_MEMORY
    except _native.Error:
        pass  # which the caller is told when it loads or runs the model itself
    finally:
        # Nothing of the model is taken down: it may be broken, and the process is at its end anyway.
        sys.stderr.flush()
        os._exit(code)


def _load_and_run(content: bytes, native: dict[str, Any]) -> None:
    model = _native.CompiledModel(content=content, **native)
    for index in range(len(model._signature_keys())):
        signature = _native.Signature(model, index)
        signature._settle_positions()
        for values in (_zeros, _small_numbers):
            try:
                signature(*(values(tensor) for tensor in _inputs(signature)))
            except _native.Error:
                break
    model.close()


def _inputs(signature: _native.Signature) -> list[_native.Tensor]:
    count = len(signature._input_names())
    return [_native.Tensor(signature, is_input=True, index=index) for index in range(count)]


def _zeros(tensor: _native.Tensor) -> npt.NDArray[Any]:
    if np.dtype(tensor.dtype).kind == "O":
        return np.full(tensor.shape, b"", object)
    return np.zeros(tensor.shape, tensor.dtype)


def _small_numbers(tensor: _native.Tensor) -> npt.NDArray[Any]:
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "O":
        return np.full(tensor.shape, b"text", object)
    numbers = np.random.default_rng(0).integers(0, 3, tensor.shape)
    return np.asarray(numbers).astype(dtype)
