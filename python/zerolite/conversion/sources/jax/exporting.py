"""JAX functions of this process as programs on disk, with the parameters that they close over."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zerolite.conversion.samples.input_spec import InputSpec

__all__ = ["NAMES_FILE", "PROGRAM_FILE", "export_jax_function", "function_name", "is_jax_function", "jax_specs"]

#: What jax.export wrote, and the names of what it takes and gives.
PROGRAM_FILE = "program.bin"
NAMES_FILE = "names.json"
_PYTHON_FUNCTIONS = ("function", "method", "partial")


def is_jax_function(value: Any) -> bool:
    """Whether it is what jax.jit gives, or a Python function, which may call JAX; seen without importing JAX."""
    kind = type(value)
    if not callable(value) or hasattr(value, "get_concrete_function"):
        return False
    return kind.__name__ in _PYTHON_FUNCTIONS or kind.__module__.startswith(("jaxlib", "jax."))


def jax_specs(function: Any, sample_inputs: Any, shapes: Mapping[str, Sequence[int]] | None) -> list[InputSpec]:
    """The inputs of a function in order, named after its parameters.

    Args:
        function: the function.
        sample_inputs: what it is called with; None where `shapes` has all of it.
        shapes: shapes by parameter, of float32.

    Raises:
        ValueError: it takes other arguments.
    """
    named, _ = _arguments(function, sample_inputs, shapes)
    return [InputSpec(name, leaf.shape, leaf.dtype.name) for name, leaf in named]


def export_jax_function(
    function: Any, sample_inputs: Any, shapes: Mapping[str, Sequence[int]] | None, folder: Path
) -> None:
    """Write the program of a function, which takes its inputs and gives its outputs one after the other.

    Parameters that the function closes over, whatever their structure, are constants of the program.

    Raises:
        OSError: there is no room for it.
        Exception: whatever JAX raises where it can't trace the function.
    """
    import jax
    from jax import export

    named, structure = _arguments(function, sample_inputs, shapes)
    names: list[str] = []

    def flat(*leaves: Any) -> list[Any]:
        arguments, keywords = jax.tree_util.tree_unflatten(structure, leaves)
        paths, _ = jax.tree_util.tree_flatten_with_path(function(*arguments, **keywords))
        names[:] = _output_names([path for path, _ in paths])
        return [leaf for _, leaf in paths]

    leaves = [leaf for _, leaf in named]
    program = export.export(jax.jit(flat, keep_unused=True), platforms=["cpu"])(*leaves)
    folder.mkdir()
    (folder / PROGRAM_FILE).write_bytes(program.serialize())
    document = {"inputs": [name for name, _ in named], "outputs": names}
    (folder / NAMES_FILE).write_text(json.dumps(document), encoding="utf-8")


def _arguments(
    function: Any, sample_inputs: Any, shapes: Mapping[str, Sequence[int]] | None
) -> tuple[list[tuple[str, Any]], Any]:
    """Name, shape and type of each array that a call takes, and the structure of a call."""
    import jax

    arguments, keywords = _call(sample_inputs, shapes)
    try:
        bound = inspect.signature(function).bind(*arguments, **keywords)
    except TypeError as error:
        raise ValueError(f"the function does not take these inputs: {error}") from error
    # In the order of the parameters, whatever the order of the names was.
    arguments, keywords = bound.args, bound.kwargs
    by_parameter = _by_parameter(bound)
    paths, structure = jax.tree_util.tree_flatten_with_path((arguments, keywords))
    named = [(_input_name(path, by_parameter), _abstract(leaf)) for path, leaf in paths]
    return named, structure


def _call(sample_inputs: Any, shapes: Mapping[str, Sequence[int]] | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    import jax

    if sample_inputs is None:
        described: Any = jax.ShapeDtypeStruct  # it has no types
        return (), {name: described(tuple(shape), np.float32) for name, shape in (shapes or {}).items()}
    if isinstance(sample_inputs, Mapping):
        return (), {str(name): one for name, one in sample_inputs.items()}
    if isinstance(sample_inputs, list | tuple):
        return tuple(sample_inputs), {}
    return (sample_inputs,), {}


def _by_parameter(bound: inspect.BoundArguments) -> list[str]:
    """The parameter of each positional argument."""
    names: list[str] = []
    for name, value in bound.arguments.items():
        parameter = bound.signature.parameters[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{name}_{place}" for place in range(len(value))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(name)
    return names


def _abstract(leaf: Any) -> Any:
    """Shape and type of an argument as JAX takes it: without jax_enable_x64, 64 bits become 32."""
    import jax

    return jax.eval_shape(lambda value: value, leaf)


def _input_name(path: Sequence[Any], by_parameter: Sequence[str]) -> str:
    """The parameter, and the way to the leaf inside it: (0, 1, "image") is the second parameter's "image"."""
    where, which, *inner = map(_word, path)
    name = by_parameter[int(which)] if where == "0" else which
    return "_".join([name, *inner])


def _output_names(paths: Sequence[Sequence[Any]]) -> list[str]:
    """The keys of a mapping and the fields of a class; "output_0" and so on for what has places alone."""
    names = []
    for place, path in enumerate(paths):
        named = any(hasattr(step, "key") or hasattr(step, "name") for step in path)
        words = list(map(_word, path)) or [str(place)]
        names.append("_".join(words if named else ["output", *words]))
    return names


def _word(step: Any) -> str:
    """One step into a structure: a key, a field or a place."""
    return str(getattr(step, "key", getattr(step, "name", getattr(step, "idx", step))))


def function_name(function: Any) -> str:
    """What errors call a function."""
    inner = function.func if isinstance(function, functools.partial) else function
    return str(getattr(inner, "__name__", type(function).__name__))
