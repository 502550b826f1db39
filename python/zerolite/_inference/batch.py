"""Many items through one signature, or through replicas of it: the Python around the native loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zerolite import _native
from zerolite._runtime.positions import caller_level
from zerolite._runtime.tensor import Tensor, TensorMap
from zerolite._runtime.validation import positive_int, resets_items

if TYPE_CHECKING:  # these types take longer to make than everything else here
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Progress = Callable[[int, int], object]
    # An array of NumPy or of another library, a buffer, or a mapping from names to such; for inputs a sequence, too.
    Batch = Any
    Out = Any

__all__ = ["Layout", "batch_layout", "has_open_leading_axis", "map_signature", "named_batch", "named_outputs"]


class Layout(NamedTuple):
    """How a signature's tensors are made of items; an item is a slice along the leading axis.

    Attributes:
        items_per_run: how many items a run takes without another resize.
        leading_axis: whether items are along the leading axis of all tensors; if not, an item is a whole tensor.
        resizable: whether that axis may be resized without changing what an item's result is.
        output_shapes: the shape of one item of each output.
    """

    items_per_run: int
    leading_axis: bool
    resizable: bool
    output_shapes: list[list[int]]

    def item_shape(self, tensor: Tensor) -> tuple[int, ...]:
        return tensor.shape[1:] if self.leading_axis else tensor.shape


def batch_layout(signature: _native.Signature) -> Layout:
    """How the tensors of a signature are made of items, with the shapes that it has now."""
    return Layout(*_native.batch_layout(signature))


def map_signature(
    replicas: Sequence[_native.Signature],
    batch: Batch,
    *,
    out: Out | None,
    chunk: int | None,
    progress: Progress | None,
    reset: str,
    timeout: float | None,
) -> Array | dict[str, Array]:
    """Run all items of a batch; see `SignatureMethods.map`."""
    first = replicas[0]
    resets = resets_items(reset) and first._keeps_state()
    inputs, outputs = TensorMap(first, is_input=True), TensorMap(first, is_input=False)
    layout = batch_layout(first)
    arrays = _input_arrays(batch, inputs, layout, first)
    items = _count_items(arrays, inputs)
    size = None if chunk is None else _possible_chunk(chunk, inputs, layout)
    given = _given_targets(out, outputs)
    targets = _checked_targets(given, outputs, arrays)
    if not _is_plain(inputs) or not _is_plain(outputs) or _native.has_dynamic_outputs(first):
        results = _one_by_one(first, arrays, items, layout, progress=progress, resets=resets, timeout=timeout)
        return _deliver(results, targets, given, outputs)

    shapes = {name: (items, *shape) for name, shape in zip(outputs, layout.output_shapes, strict=True)}
    for name, target in targets.items():
        _require_shape(name, target, shapes[name])
    results = {
        name: wanted
        if (wanted := targets.get(name)) is not None and wanted.flags.c_contiguous
        else np.empty(shapes[name], tensor.dtype)
        for name, tensor in outputs.items()
    }
    if items > 0:
        # Larger chunks than the batch are as good as the batch.
        native_chunk = 0 if size is None else max(min(size, items), layout.items_per_run)
        try:
            _native.map_batch(
                list(replicas),
                arrays,
                list(results.values()),
                items=items,
                chunk=native_chunk,
                progress=progress,
                resets=resets,
                timeout=timeout,
            )
        except _native.RunTimeoutError:
            raise
        except _native.Error:
            if not any(_native.has_dynamic_outputs(replica) for replica in replicas):
                raise
            # Only the first run has told that the shapes of the outputs depend on the values of the inputs.
            results = _one_by_one(first, arrays, items, layout, progress=progress, resets=resets, timeout=timeout)
    return _deliver(results, targets, given, outputs)


def has_open_leading_axis(inputs: TensorMap) -> bool:
    """Whether the file leaves the leading axis of all inputs open."""
    return all(tensor.shape_signature[:1] == (-1,) for tensor in inputs.values())


def named_outputs(result: Array | dict[str, Array], names: Iterable[str]) -> dict[str, Array]:
    """The result of a call as a dict by the outputs' names, also where it is the array of a single output."""
    return result if isinstance(result, dict) else {next(iter(names)): result}


def _possible_chunk(chunk: int, inputs: TensorMap, layout: Layout) -> int:
    size = positive_int("chunk", chunk, otherwise=", or None for the fastest")
    is_resizable = layout.leading_axis and has_open_leading_axis(inputs)
    if size != layout.items_per_run and not is_resizable:
        raise ValueError(
            f"chunk is {size}, and this signature takes {layout.items_per_run} at a time: "
            "its leading axis can't be resized"
        )
    return size


def _is_plain(tensors: TensorMap) -> bool:
    """Whether NumPy stores the values as the tensors do, which is not so for strings and packed integers."""
    return all(tensor.is_plain for tensor in tensors.values())


def named_batch(batch: Batch, inputs: TensorMap, signature: _native.Signature) -> dict[str, Any]:
    """The batch by the names of all inputs.

    Raises:
        ArgumentError: it has other names, or not as many arrays as there are inputs.
    """
    if isinstance(batch, Mapping):
        unknown = [name for name in batch if name not in inputs]
        missing = [name for name in inputs if name not in batch]
        if unknown or missing:
            problem = f"unknown: {', '.join(map(repr, unknown))}" if unknown else f"missing: {', '.join(missing)}"
            known = ", ".join(map(repr, inputs)) or "none"
            raise _native.ArgumentError(f"the batch does not fit the inputs {known}; {problem}")
        return {name: batch[name] for name in inputs}
    if len(inputs) == 1:
        return {next(iter(inputs)): batch}
    if not isinstance(batch, list | tuple) or len(batch) != len(inputs):
        known = ", ".join(map(repr, inputs)) or "none"
        raise _native.ArgumentError(
            f"a batch for {len(inputs)} inputs is a mapping from names, or a sequence of that many arrays; "
            f"the inputs are {known}"
        )
    signature._warn_of_positions(caller_level())
    return dict(zip(inputs, batch, strict=True))


def _input_arrays(batch: Batch, inputs: TensorMap, layout: Layout, signature: _native.Signature) -> list[Array]:
    arrays = []
    for name, value in named_batch(batch, inputs, signature).items():
        tensor = inputs[name]
        array = tensor._converted(value, f"the batch for input {name!r}")
        expected = layout.item_shape(tensor)
        if array.ndim == 0 or array.shape[1:] != expected:
            shape = ", ".join(map(str, ("items", *expected)))
            raise ValueError(
                f"the batch for input {name!r} has the shape {array.shape}, and ({shape}) is expected; reshape it"
            )
        arrays.append(array if _has_contiguous_items(array) else np.ascontiguousarray(array))
    return arrays


def _count_items(arrays: list[Array], inputs: TensorMap) -> int:
    if not arrays:
        raise ValueError("the signature has no inputs, so that a batch says nothing to it; call it instead")
    counts = {name: len(array) for name, array in zip(inputs, arrays, strict=True)}
    if len(set(counts.values())) > 1:
        raise ValueError(f"the inputs have different numbers of items: {counts}; give each input as many")
    return len(arrays[0])


def _has_contiguous_items(array: Array) -> bool:
    return array.ndim > 0 and array[:1].flags.c_contiguous


def _given_targets(out: Out | None, outputs: TensorMap) -> dict[str, Any]:
    if out is None:
        return {}
    if isinstance(out, Mapping):
        unknown = [name for name in out if name not in outputs]
        if unknown:
            known = ", ".join(map(repr, outputs))
            raise _native.ArgumentError(f"out names {unknown[0]!r}, and the outputs are {known}")
        return dict(out)
    if len(outputs) != 1:
        raise TypeError(f"out is one array, and there are {len(outputs)} outputs; pass a mapping from their names")
    return {next(iter(outputs)): out}


def _checked_targets(given: Mapping[str, Any], outputs: TensorMap, arrays: list[Array]) -> dict[str, Array]:
    """Arrays over the memory that was given."""
    targets: dict[str, Array] = {}
    others = list(arrays)
    for name, value in given.items():
        dtype = outputs[name].dtype
        target = _native.array_over_memory(value, f"the array for output {name!r}")
        if target is None:
            raise TypeError(f"the array for output {name!r} is of type {type(value).__name__}; pass an array")
        if target.dtype != dtype:
            raise TypeError(f"the array for output {name!r} has the dtype {target.dtype}, and {dtype} is expected")
        if not target.flags.writeable:
            raise ValueError(f"the array for output {name!r} is read-only; pass a writable one")
        if any(np.may_share_memory(target, other) for other in others):
            raise ValueError(
                f"the array for output {name!r} shares memory with an input or another output; pass another one"
            )
        others.append(target)
        targets[name] = target
    return targets


def _require_shape(name: str, target: Array, expected: tuple[int, ...]) -> None:
    if target.shape != expected:
        raise ValueError(f"the array for output {name!r} has the shape {target.shape}, and {expected} is expected")


def _one_by_one(
    signature: _native.Signature,
    arrays: list[Array],
    items: int,
    layout: Layout,
    *,
    progress: Progress | None,
    resets: bool,
    timeout: float | None,
) -> dict[str, Array]:
    """The loop in Python: for values that NumPy stores differently, and for shapes that are known only after a run."""
    step = layout.items_per_run
    if items % step:
        raise ValueError(
            f"the batch has {items} items, and this signature takes {step} at a time; pad the batch to a multiple"
        )
    outputs = TensorMap(signature, is_input=False)
    parts: dict[str, list[Array]] = {name: [] for name in outputs}
    end = None if timeout is None else time.monotonic() + timeout
    for start in range(0, items, step):
        values = {
            name: array[start : start + step] if layout.leading_axis else array[start]
            for name, array in zip(signature._input_names(), arrays, strict=True)
        }
        try:
            if resets:
                signature._reset()
            left = None if end is None else max(end - time.monotonic(), 0)
            result = signature(values, timeout=left)
        except _native.RunTimeoutError:
            raise
        except _native.Error as error:
            raise _native.Error(f"item {start}: {error}") from error
        for name, value in named_outputs(result, outputs).items():
            parts[name].append(value)
        if progress is not None:
            progress(start + step, items)
    if resets:
        signature._reset()
    return {name: _join(name, values, outputs[name], layout) for name, values in parts.items()}


def _join(name: str, values: list[Array], output: Tensor, layout: Layout) -> Array:
    if not values:
        return np.empty((0, *layout.item_shape(output)), output.dtype)
    if len({value.shape for value in values}) > 1:
        raise ValueError(
            f"the results for output {name!r} have different shapes from item to item, which no array can hold; "
            "call the model for each item instead"
        )
    if layout.leading_axis and values[0].shape[:1] != (layout.items_per_run,):
        raise ValueError(
            f"the results for output {name!r} have the shape {values[0].shape} for {layout.items_per_run} items a run, "
            "and so none for each item; call the model for each item instead"
        )
    return np.concatenate(values) if layout.leading_axis else np.stack(values)


def _deliver(
    results: dict[str, Array], targets: Mapping[str, Array], given: Mapping[str, Any], outputs: TensorMap
) -> Array | dict[str, Array]:
    for name, target in targets.items():
        if target is not results[name]:
            _require_shape(name, target, results[name].shape)
            target[...] = results[name]
        results[name] = given[name]
    return results if len(outputs) != 1 else next(iter(results.values()))
