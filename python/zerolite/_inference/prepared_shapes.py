"""Replicas of a model, each prepared for other shapes of its inputs."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from zerolite import _native
from zerolite._inference.batch import batch_layout, map_signature, named_batch, named_outputs
from zerolite._inference.shapes import is_open_to
from zerolite._inference.signature import Signature, SignatureMethods, warn_of_positions
from zerolite._runtime.tensor import TensorMap, Value
from zerolite._runtime.validation import resets_items

if TYPE_CHECKING:
    import numpy.typing as npt

    from zerolite._inference.batch import Batch, Out, Progress

    Array = npt.NDArray[Any]

__all__ = ["PreparedShapes"]

_Shapes: TypeAlias = tuple[tuple[int, ...], ...]  # of the inputs, in their order


class _Model(Protocol):
    @property
    def signatures(self) -> Mapping[str, Signature]: ...


class PreparedShapes:
    """What runs the calls of a model whose inputs have other shapes than its tensors.

    For each set of shapes there is a replica, whose preparation the first call waits for. Those that were used last are
    kept. A model with state has one set of variables, and so is resized itself.

    Attributes:
        MOST: how many replicas are kept beside the model.
    """

    MOST = 4

    def __init__(self, replicate: Callable[[SignatureMethods], _Model]) -> None:
        """Take what makes a replica of a signature's model."""
        self._replicate = replicate
        self._lock = Lock()
        self._known: OrderedDict[tuple[str, _Shapes], Signature] = OrderedDict()  # the last one was used last

    def serve(self, signature: SignatureMethods) -> None:
        """Choose for the calls of a signature from now on."""
        signature._prepared = self
        signature._set_chooser(self.choose)

    def choose(self, signature: SignatureMethods, args: tuple[Value, ...], kwargs: Mapping[str, Value]) -> Signature:
        """The signature with the shapes of a call; the given one where a call is to say itself what does not fit."""
        shapes = _given_shapes(signature._input_names(), args, kwargs)
        if shapes is None:
            return signature  # type: ignore[return-value] # it stands for one
        if len(args) > 1:
            warn_of_positions(signature)
        return self.with_shapes(signature, shapes)

    def with_shapes(self, signature: SignatureMethods, shapes: _Shapes) -> Signature:
        """The signature with these shapes, prepared where it was not.

        Raises:
            Error: the graph does not work with these shapes.
        """
        with self._lock:
            known = self._known.get((signature.key, shapes))
            if known is not None:
                self._known.move_to_end((signature.key, shapes))
                return known
            inputs = signature.inputs
            changed = {
                name: shape
                for (name, tensor), shape in zip(inputs.items(), shapes, strict=True)
                if tensor.shape != shape
            }
            if not changed or not all(is_open_to(inputs[name], shape) for name, shape in changed.items()):
                return signature  # type: ignore[return-value] # it stands for one
            if signature._keeps_state():
                signature.resize(changed)
                return signature  # type: ignore[return-value] # it stands for one
            replica = self._replicate(signature).signatures[signature.key]
            replica._settle_positions()
            replica.resize(dict(zip(inputs, shapes, strict=True)), strict=False)
            self._known[signature.key, shapes] = replica
            if len(self._known) > self.MOST:
                self._known.popitem(last=False)
            return replica

    def map(
        self,
        replicas: Sequence[SignatureMethods],
        batch: Batch,
        *,
        out: Out | None,
        chunk: int | None,
        progress: Progress | None,
        reset: str,
        timeout: float | None,
    ) -> Any:
        """Run all items of a batch whose shapes may be others than the tensors', or differ; see `SignatureMethods.map`.

        Where they differ, those of one shape go together, and the results are lists.
        """
        first = replicas[0]
        named = named_batch(batch, TensorMap(first, is_input=True), first)
        groups = _groups(named)
        if len(groups) <= 1:
            chosen = _chosen(replicas, next(iter(groups))) if groups else replicas
            return map_signature(chosen, named, out=out, chunk=chunk, progress=progress, reset=reset, timeout=timeout)
        if out is not None:
            raise ValueError("out is given, and the results of items of different shapes are lists; leave out out")
        if not resets_items(reset) and first._keeps_state():
            raise ValueError(
                "reset is 'never', and items of different shapes do not run in their order; call the model for each"
            )
        total = sum(map(len, groups.values()))
        results: dict[str, list[Any]] = {name: [None] * total for name in first.outputs}
        end = None if timeout is None else time.monotonic() + timeout
        done = 0
        for shapes, places in groups.items():
            part = {name: np.stack([np.asarray(values[place]) for place in places]) for name, values in named.items()}
            answer = map_signature(
                _chosen(replicas, shapes),
                part,
                out=None,
                chunk=chunk,
                progress=None if progress is None else _part_of(progress, done, total),
                reset=reset,
                timeout=None if end is None else max(end - time.monotonic(), 0),
            )
            for name, values in named_outputs(answer, results).items():
                for place, value in zip(places, values, strict=True):
                    results[name][place] = value
            done += len(places)
        return results if len(results) != 1 else next(iter(results.values()))

    def clear(self) -> None:
        """Keep none; one that runs comes to its end."""
        with self._lock:
            self._known.clear()


def _shape_of(value: Value) -> tuple[int, ...] | None:
    shape = getattr(value, "shape", None)
    try:
        return tuple(np.shape(value) if shape is None else shape)
    except (TypeError, ValueError):
        return None


def _given_shapes(names: Sequence[str], args: tuple[Value, ...], kwargs: Mapping[str, Value]) -> _Shapes | None:
    given = dict(args[0]) if len(args) == 1 and isinstance(args[0], Mapping) else dict(zip(names, args, strict=False))
    given |= {name: value for name, value in kwargs.items() if name in names}
    shapes = [_shape_of(given[name]) for name in names if name in given]
    known = [shape for shape in shapes if shape is not None]
    return tuple(known) if len(known) == len(names) else None


def _groups(named: Mapping[str, Any]) -> dict[_Shapes, list[int]]:
    """The items by their shapes; none where it is not told."""
    shapes: list[list[tuple[int, ...] | None]] = []
    for values in named.values():
        shape = getattr(values, "shape", None)
        if shape is not None:
            shapes.append([tuple(shape[1:])] * shape[0] if len(shape) > 0 else [])
        elif isinstance(values, list | tuple):
            shapes.append([_shape_of(value) for value in values])
        else:
            return {}
    groups: dict[_Shapes, list[int]] = {}
    for place, item in enumerate(zip(*shapes, strict=False)):
        known = tuple(shape for shape in item if shape is not None)
        if len(known) < len(shapes):
            return {}
        groups.setdefault(known, []).append(place)
    return groups if len({len(each) for each in shapes}) == 1 else {}


def _part_of(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: progress(before + done, total)


def _chosen(replicas: Sequence[SignatureMethods], item_shapes: _Shapes) -> list[_native.Signature]:
    first = replicas[0]
    shapes = item_shapes
    if batch_layout(first).leading_axis:
        shapes = tuple(
            (tensor.shape[0], *shape) for tensor, shape in zip(first.inputs.values(), item_shapes, strict=True)
        )
    return [
        replica if replica._prepared is None else replica._prepared.with_shapes(replica, shapes) for replica in replicas
    ]
