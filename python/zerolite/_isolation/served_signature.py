"""One signature of an isolated model, in the process that runs it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from zerolite import _native
from zerolite._isolation.stand_in import TYPES

__all__ = ["ServedSignature"]

Bytes = npt.NDArray[np.uint8]

_CONTROL = {"CALL", "CALL_ONCE", "IF", "WHILE", "STABLEHLO_COMPOSITE", "STABLEHLO_WHILE", "STABLEHLO_CASE"}
_MOST_NAMES = 6  # of operators that one step stands for


class ServedSignature:
    """Does what the other process asks, over the memory that both share.

    Attributes:
        native: the signature.
        varies: whether some tensor's size is not that of its shape, as with strings, or is known only after a run; then
            values are copied to and from the shared memory, where they are used in place else.
    """

    def __init__(self, model: _native.CompiledModel, index: int, server: _native.ModelServer, key: str) -> None:
        """Prepare the signature."""
        self.native = _native.Signature(model, index)
        self._server = server
        self._model = model
        self._key = key
        self._inputs = _tensors(self.native, is_input=True)
        self._outputs = _tensors(self.native, is_input=False)
        self._in_doubt = self.native._inputs_in_doubt()
        self.native._settle_positions()
        self._results: list[Bytes] = []
        tensors = [*self._inputs, *self._outputs]
        self.varies = not all(tensor.is_plain for tensor in tensors) or _share_memory(tensors)
        self._known = self._settle_shapes()

    def description(self, subgraph: int) -> dict[str, Any]:
        """What the other process has to know; see `stand_in`."""
        outputs = [
            _described(tensor) | {"size": tensor.array.nbytes if tensor.is_plain and self._known else 0}
            for tensor in self._outputs
        ]
        return {
            "key": self._key,
            "inputs": [_described(tensor) for tensor in self._inputs],
            "outputs": outputs,
            "known": self._known,
            "varies": self.varies,
            "in_doubt": self._in_doubt,
            "steps": _steps(self.native, subgraph),
        }

    def resize(self) -> None:
        """Give the inputs the shapes that are asked for, and answer with those of the outputs."""
        numbers = iter(self._server.numbers)
        shapes = [tuple(int(next(numbers)) for _ in range(int(next(numbers)))) for _ in self._inputs]
        changed = [(index, shape) for index, shape in enumerate(shapes) if shape != self._inputs[index].shape]
        self.native._resize(changed)
        self._known = self._settle_shapes()
        self._tell(
            [tensor.array.nbytes if self._known and not _holds_strings(tensor) else 0 for tensor in self._outputs]
        )

    def place(self) -> None:
        """Note where the tensors lie in shared memory, and use them there where that is possible."""
        tensors = [*self._inputs, *self._outputs]
        places = self._server.numbers[: len(tensors)].tolist()
        self._places = places[: len(self._inputs)]
        if self.varies:
            return
        for tensor in tensors:
            tensor.unbind()
        for tensor, place in zip(tensors, places, strict=True):
            size = tensor.array.nbytes
            if size:
                tensor.bind(self._server.memory(place, size).view(tensor.dtype).reshape(tensor.shape))

    def run(self) -> None:
        """Run over copies of the inputs."""
        sizes = self._server.numbers[: len(self._inputs)].tolist()
        values = [self._server.memory(place, size) for place, size in zip(self._places, sizes, strict=True)]
        if any(_holds_strings(tensor) for tensor in self._inputs):
            _native.fill_inputs(self.native, *map(_value, self._inputs, values))
        else:
            for tensor, value in zip(self._inputs, values, strict=True):
                _bytes_of(tensor)[:] = value
        self._server.run(self.native)
        self.collect()

    def collect(self) -> None:
        """After a run: keep copies of the results until there is room for them, and answer with their sizes."""
        self.varies = True
        self._results = [
            _encoded(tensor.array) if _holds_strings(tensor) else _bytes_of(tensor).copy() for tensor in self._outputs
        ]
        self._known = not _native.has_dynamic_outputs(self.native)
        self._tell([result.nbytes for result in self._results])

    def fetch(self) -> None:
        """Put the results where they are wanted."""
        places = self._server.numbers[: len(self._results)].tolist()
        for place, result in zip(places, self._results, strict=True):
            self._server.memory(place, result.nbytes)[:] = result

    def _tell(self, sizes: list[int]) -> None:
        numbers = [int(self._known)]
        for tensor, size in zip(self._outputs, sizes, strict=True):
            numbers += [size, len(tensor.shape), *tensor.shape]
        self._server.numbers[: len(numbers)] = numbers

    def _settle_shapes(self) -> bool:
        """Whether the outputs' shapes are known before a run; a first one tells those that depend on no value."""
        if not _native.knows_output_shapes(self.native) and not _native.has_dynamic_outputs(self.native):
            try:
                variables = self.native._read_variables() if self.native._keeps_state() else []
                self.native.run()
                if variables:
                    self.native._write_variables([(graph, tensor, values) for graph, tensor, _, values in variables])
            except _native.Error:
                self.varies = True
                return False
        known = not _native.has_dynamic_outputs(self.native)
        self.varies = self.varies or not known
        return known


def _tensors(signature: _native.Signature, *, is_input: bool) -> list[_native.Tensor]:
    names = signature._input_names() if is_input else signature._output_names()
    return [_native.Tensor(signature, is_input=is_input, index=index) for index in range(len(names))]


def _holds_strings(tensor: _native.Tensor) -> bool:
    return tensor.dtype == np.dtype(object)


def _share_memory(tensors: list[_native.Tensor]) -> bool:
    """Whether some of them are one and the same, so that they can't lie in different places."""
    places = [tensor.array.ctypes.data for tensor in tensors if tensor.is_plain and tensor.array.nbytes]
    return len({*places}) < len(places)


def _described(tensor: _native.Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "type": TYPES[tensor.dtype.name],
        "shape": [*tensor.shape],
        "shape_signature": [*tensor.shape_signature],
        "quantization": tensor._quantization,
    }


def _bytes_of(tensor: _native.Tensor) -> Bytes:
    """The tensor's own memory."""
    return tensor.array.reshape(-1).view(np.uint8)


def _value(tensor: _native.Tensor, values: Bytes) -> npt.NDArray[Any]:
    if _holds_strings(tensor):
        return _decoded(values, tensor.shape)
    return values.view(tensor.dtype).reshape(tensor.shape)


def _decoded(values: Bytes, shape: tuple[int, ...]) -> npt.NDArray[np.object_]:
    """The strings of a tensor: how many there are, where each begins and the last one ends, and their bytes."""
    strings = np.full(math.prod(shape), b"", object)
    if values.nbytes:
        count = int(values[:4].view(np.int32)[0])
        offsets = values[4 : 4 * (count + 2)].view(np.int32).tolist()
        content = values.tobytes()
        strings[:] = [content[begin:end] for begin, end in pairwise(offsets)]
    return strings.reshape(shape)


def _encoded(strings: npt.NDArray[np.object_]) -> Bytes:
    texts = strings.reshape(-1).tolist()
    offsets = np.cumsum([4 * (len(texts) + 2), *map(len, texts)], dtype=np.int32)
    return np.frombuffer(np.int32(len(texts)).tobytes() + offsets.tobytes() + b"".join(texts), np.uint8)


def _steps(signature: _native.Signature, subgraph: int) -> list[str]:
    """What the nodes of a run are called, where one comes after the other."""
    try:
        nodes = _native.planned_nodes(signature)
    except _native.Error:
        return []
    steps = []
    for graph, _, operators, delegate, _ in nodes:
        names = [name for name, _ in operators]
        if not _CONTROL.isdisjoint(names):
            return []
        if graph == subgraph:
            listed = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
            steps.append(f"{listed or 'an operator'} (by {delegate})" if delegate else listed)
    return steps
