"""Modules and exported programs of this process as .pt2 files, which any process can read without their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["export_module", "is_module", "is_program", "save_program"]


def is_module(value: Any) -> bool:
    """Whether it is a `torch.nn.Module`, seen without importing PyTorch."""
    return _has_base(value, "torch.nn.modules.module", "Module")


def is_program(value: Any) -> bool:
    """Whether it is a program of `torch.export`, seen without importing PyTorch."""
    return _has_base(value, "torch.export.exported_program", "ExportedProgram")


def export_module(module: Any, sample_inputs: Any) -> Any:
    """The program of a module's inference, for inputs of the shapes of the samples.

    Args:
        module: the module; it is in the mode that it was in afterwards.
        sample_inputs: what it is called with: a tensor, several in order, or several by name. Arrays become tensors.

    Raises:
        Exception: whatever torch.export raises where it can't follow the module.
    """
    import torch

    with _evaluating(module), torch.no_grad():
        return torch.export.export(module, *_arguments(sample_inputs))


def save_program(program: Any, path: Path) -> None:
    """Write a program.

    Raises:
        OSError: there is no room for it.
    """
    import torch

    torch.export.save(program, path)


def _arguments(samples: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a call takes by position, and by name."""
    if isinstance(samples, Mapping):
        return (), {str(name): _tensors(one) for name, one in samples.items()}
    if isinstance(samples, Sequence) and not hasattr(samples, "__array__"):
        return tuple(map(_tensors, samples)), {}
    return (_tensors(samples),), {}


def _tensors(value: Any) -> Any:
    """The value with tensors in the place of arrays, on the CPU."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return {name: _tensors(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_tensors, value))
    return torch.as_tensor(value) if hasattr(value, "__array__") else value


@contextmanager
def _evaluating(module: Any) -> Any:
    """Context manager: dropout and batch normalization of the module are those of inference."""
    modes = [(one, one.training) for one in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for one, mode in modes:
            one.training = mode


def _has_base(value: Any, module: str, name: str) -> bool:
    return any(base.__module__ == module and base.__name__ == name for base in type(value).__mro__)
