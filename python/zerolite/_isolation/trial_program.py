"""What runs in a trial's process: it reads a model from stdin, and loads and runs it under limits."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from zerolite import Error, Tensor
from zerolite._inference.model import CompiledModel
from zerolite._isolation.trial_settings import RecordedChoice, TrialSettings

__all__ = ["main"]


def main(settings: str) -> None:
    """Load the model and run each of its signatures; end the process with an exit code of `TrialSettings`."""
    code = TrialSettings.NOT_BEGUN
    try:
        choice = TrialSettings.from_json(settings)
        content = sys.stdin.buffer.read()
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_AS, choice.address_space)
        _limit(resource.RLIMIT_CPU, choice.cpu_seconds)
        code = 0
        _load_and_run(content, choice)
    except MemoryError:
        code = TrialSettings.OUT_OF_MEMORY
    except Error:
        pass  # which the caller is told when it loads or runs the model itself
    finally:
        # Nothing of the model is taken down: it may be broken, and the process is at its end anyway.
        sys.stderr.flush()
        os._exit(code)


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    allowed = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(kind, (allowed, most))


def _load_and_run(content: bytes, choice: TrialSettings) -> None:
    model = CompiledModel(content, choice=RecordedChoice(choice.native))
    for signature in model.signatures.values():
        for values in (_zeros, _small_numbers):
            try:
                signature(*(values(tensor) for tensor in signature.inputs.values()))
            except Error:
                break
    model.close()


def _zeros(tensor: Tensor) -> npt.NDArray[Any]:
    if np.dtype(tensor.dtype).kind == "O":
        return np.full(tensor.shape, b"", object)
    return np.zeros(tensor.shape, tensor.dtype)


def _small_numbers(tensor: Tensor) -> npt.NDArray[Any]:
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "O":
        return np.full(tensor.shape, b"text", object)
    numbers = np.random.default_rng(0).integers(0, 3, tensor.shape)
    return np.asarray(numbers).astype(dtype)
