"""How a Keras model is called: the names, shapes and types of its inputs, in the structure that its call takes."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zerolite.conversion.samples.input_spec import InputSpec, shown_shape

__all__ = ["KerasCall"]

_SINGLE = 1
# What a call takes besides inputs.
_MODES = ("self", "training", "mask")


@dataclass(frozen=True, slots=True)
class KerasCall:
    """What a Keras model's call takes.

    Attributes:
        arguments: parameter -> an input, or a list or mapping of inputs. The first one is passed by position.
    """

    arguments: Mapping[str, Any]

    @classmethod
    def of(cls, model: Any, shapes: Mapping[str, Sequence[int]] | None = None) -> KerasCall | None:
        """Find out.

        Args:
            model: the model.
            shapes: shapes by input, batch included, that take the place of what the model says.

        Returns:
            The call; None where only the model's own code knows what it takes, and no shapes are given.

        Raises:
            ValueError: a shape does not fit, or the model has no input of that name.
        """
        known = _of_inputs(model) or _of_build(model)
        if known is None:
            return cls(_of_shapes(model, shapes)) if shapes and _has_own_call(model) else None
        names = [spec.name for spec in cls(known).specs]
        for name, shape in (shapes or {}).items():
            if name in names:
                continue
            # Keras keeps the shapes of the first argument alone.
            others = _parameters(model)[0] if _has_own_call(model) else []
            if name not in others:
                raise ValueError(f"the model has no input '{name}'; it has {', '.join(sorted({*names, *others}))}")
            known[name] = InputSpec(name, tuple(map(int, shape)), _float_type(model))
        return cls({key: _mapped(value, lambda spec: _fixed(spec, shapes or {})) for key, value in known.items()})

    @staticmethod
    def unknown(model: Any) -> str:
        """What to do about a model whose call is not known, in a sentence."""
        if not _has_own_call(model):
            return "the model has no inputs yet: build it with the shape of its input, as model.build((None, 8))"
        names = _parameters(model)[1] or ["inputs"]
        example = ", ".join(f"'{name}': (1, 8)" for name in names)
        return (
            "the model was not called yet, and what it takes is not known: call it on an example first, or give the "
            f"shape of each input, as input_shapes={{{example}}}"
        )

    @property
    def specs(self) -> list[InputSpec]:
        """The inputs in order."""
        return [spec for value in self.arguments.values() for spec in _leaves(value)]

    def signature(self, leaf: Callable[[InputSpec], Any]) -> list[Any]:
        """The arguments in order, with what `leaf` makes of each input."""
        return [_mapped(value, leaf) for value in self.arguments.values()]

    def bound(self, arguments: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
        """The first of the arguments, and the others by parameter."""
        return arguments[0], dict(zip(list(self.arguments)[1:], arguments[1:], strict=True))


def _of_inputs(model: Any) -> dict[str, Any] | None:
    """The call of a functional or Sequential model, which keeps its symbolic inputs."""
    # A Sequential model has inputs, and no input; a functional one's input keeps the structure.
    with contextlib.suppress(AttributeError, ValueError):
        if isinstance(model.input, dict):
            return {"inputs": {str(name): _spec(str(name), tensor) for name, tensor in model.input.items()}}
    try:
        inputs = [_spec(str(tensor.name), tensor) for tensor in getattr(model, "inputs", None) or ()]
    except ValueError:  # a Sequential model that has not been built
        return None
    if not inputs:
        return None
    return {"inputs": inputs[0] if len(inputs) == _SINGLE else inputs}


def _of_build(model: Any) -> dict[str, Any] | None:
    """The call of a subclassed model of Keras 3 that was called or built: it keeps the shapes, and no types."""
    shapes = getattr(model, "_build_shapes_dict", None)
    if not shapes or not _has_own_call(model):
        return None
    parameters, _ = _parameters(model)
    arguments = {}
    for place, (key, shape) in enumerate(shapes.items()):
        # "input_shape" is whatever comes first; "mask_shape" is that of the parameter `mask`.
        name = key.removesuffix("_shape")
        parameter = name if name in parameters else parameters[place] if place < len(parameters) else name
        arguments[parameter] = _specs_of_shapes(parameter, shape, _float_type(model))
    return arguments


def _of_shapes(model: Any, shapes: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """The call of a subclassed model that was neither called nor built, from the shapes that its user gives."""
    parameters, required = _parameters(model)
    dtype = _float_type(model)
    specs = {name: InputSpec(name, tuple(map(int, shape)), dtype) for name, shape in shapes.items()}
    if all(name in parameters for name in specs):
        missing = [name for name in required if name not in specs]
        if missing:
            raise ValueError(f"the model's call takes {', '.join(required)}; give the shape of '{missing[0]}', too")
        return {name: specs[name] for name in parameters if name in specs}
    if len(required) == _SINGLE and len(specs) > _SINGLE and not set(specs) & set(parameters):
        return {required[0]: specs}
    unknown = next(name for name in specs if name not in parameters)
    raise ValueError(f"the model has no input '{unknown}'; it has {', '.join(parameters)}")


def _has_own_call(model: Any) -> bool:
    """Whether it is a model of Keras 3 whose call is its author's code."""
    return callable(getattr(model, "call", None)) and not hasattr(type(model), "inputs")


def _parameters(model: Any) -> tuple[list[str], list[str]]:
    """The parameters of a model's call that take inputs: all, and those without a default."""
    found = [
        one
        for one in inspect.signature(model.call).parameters.values()
        if one.name not in _MODES and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    ]
    return [one.name for one in found], [one.name for one in found if one.default is one.empty]


def _specs_of_shapes(name: str, shape: Any, dtype: str) -> Any:
    """The inputs of one argument; its batch is open, whatever it was called with."""
    if isinstance(shape, Mapping):
        return {str(key): _specs_of_shapes(str(key), part, dtype) for key, part in shape.items()}
    if all(size is None or isinstance(size, int) for size in shape):
        return InputSpec(name, (None, *shape[1:]), dtype)
    return [_specs_of_shapes(f"{name}_{place}", part, dtype) for place, part in enumerate(shape)]


def _float_type(model: Any) -> str:
    dtype = str(getattr(model, "input_dtype", "float32"))
    return "float32" if dtype in ("float16", "bfloat16") else dtype


def _fixed(spec: InputSpec, shapes: Mapping[str, Sequence[int]]) -> InputSpec:
    wanted = shapes.get(spec.name)
    if wanted is None:
        return spec
    shape = tuple(map(int, wanted))
    fits = len(shape) == len(spec.shape) and all(
        known in (None, size) for known, size in zip(spec.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"the model does not take inputs of these shapes: input '{spec.name}' takes {shown_shape(spec.shape)}; "
            f"inputs asks for {shown_shape(shape)}"
        )
    return replace(spec, shape=shape)


def _mapped(structure: Any, leaf: Callable[[InputSpec], Any]) -> Any:
    if isinstance(structure, InputSpec):
        return leaf(structure)
    if isinstance(structure, Mapping):
        return {key: _mapped(part, leaf) for key, part in structure.items()}
    return [_mapped(part, leaf) for part in structure]


def _leaves(structure: Any) -> Iterator[InputSpec]:
    if isinstance(structure, InputSpec):
        yield structure
        return
    for part in structure.values() if isinstance(structure, Mapping) else structure:
        yield from _leaves(part)


def _spec(name: str, tensor: Any) -> InputSpec:
    shape = tuple(None if size is None else int(size) for size in tensor.shape)
    dtype = tensor.dtype
    return InputSpec(name, shape, dtype if isinstance(dtype, str) else dtype.as_numpy_dtype().dtype.name)
