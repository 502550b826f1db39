"""The runs that a trial of a model makes: values that kernels refuse are followed by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from zerolite import _native

__all__ = ["try_signatures"]

_LONGEST_MESSAGE = 4096
#: So many runs of each signature are wanted; values that kernels refuse are followed by others.
_FINISHED_RUNS = 2
#: For axes that the file leaves open, where its own sizes are placeholders that nothing can run with.
_SIZES = (4, 16, 64, 256, 1024, 4096)


def try_signatures(model: _native.CompiledModel) -> dict[str, str]:
    """Run each signature, until enough runs have finished.

    Returns:
        Nothing when all of it was tried; else, as "untried", what kept it from being so.

    Raises:
        MemoryError: memory ran out.
    """
    try:
        return _try_signatures(model)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, nothing was tried after it
        return {"untried": f"trying it ended with {type(error).__name__}: {error}"[:_LONGEST_MESSAGE]}


def _try_signatures(model: _native.CompiledModel) -> dict[str, str]:
    for index, key in enumerate(model._signature_keys()):
        signature = _native.Signature(model, index)
        signature._settle_positions()
        finished, reason = _run(signature)
        for size in _SIZES:
            if finished:
                break
            if _resize_open_axes(signature, size):
                finished, _ = _run(signature)
        if not finished:
            return {"untried": f"no run of its signature '{key}' finished: {reason}"[:_LONGEST_MESSAGE]}
    model.close()
    return {}


def _run(signature: _native.Signature) -> tuple[int, str]:
    """How many runs finished, and why the last of the others did not."""
    finished, reason = 0, ""
    for values in _VALUES:
        try:
            signature(*(values(tensor) for tensor in _inputs(signature)))
        except _native.Error as error:
            reason = str(error)
            continue
        finished += 1
        if finished == _FINISHED_RUNS:
            break
    return finished, reason


def _resize_open_axes(signature: _native.Signature, size: int) -> bool:
    """Whether the graph takes this size wherever it leaves one open."""
    shapes = [
        (index, [size if axis < 0 else axis for axis in tensor.shape_signature])
        for index, tensor in enumerate(_inputs(signature))
        if min(tensor.shape_signature, default=0) < 0
    ]
    try:
        signature._resize(shapes)
    except (_native.Error, ValueError):
        return False
    return bool(shapes)


def _inputs(signature: _native.Signature) -> list[_native.Tensor]:
    count = len(signature._input_names())
    return [_native.Tensor(signature, is_input=True, index=index) for index in range(count)]


def _filled(tensor: _native.Tensor, number: int, text: bytes) -> npt.NDArray[Any]:
    dtype = np.dtype(tensor.dtype)
    return np.full(tensor.shape, text, object) if dtype.kind == "O" else np.full(tensor.shape, number).astype(dtype)


def _zeros(tensor: _native.Tensor) -> npt.NDArray[Any]:
    return _filled(tensor, 0, b"")


def _ones(tensor: _native.Tensor) -> npt.NDArray[Any]:
    return _filled(tensor, 1, b"text")


def _small_numbers(tensor: _native.Tensor) -> npt.NDArray[Any]:
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "O":
        return _filled(tensor, 0, b"text")
    # As if at random, without the generators of NumPy, which are loaded when they are first used.
    numbers = (np.arange(1, int(np.prod(tensor.shape)) + 1, dtype=np.int64) * 40507 >> 8) % 3
    return numbers.reshape(tensor.shape).astype(dtype)


def _counted(tensor: _native.Tensor) -> npt.NDArray[Any]:
    """0, 1, 2 and so on, as indices, axes and permutations are."""
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "O":
        return _filled(tensor, 0, b"1")
    return np.arange(int(np.prod(tensor.shape))).reshape(tensor.shape).astype(dtype)


_VALUES: tuple[Callable[[_native.Tensor], npt.NDArray[Any]], ...] = (_zeros, _small_numbers, _ones, _counted)
