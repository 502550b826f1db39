"""A model in the schema's object form, with what edits of it have in common: its tensors, constants and codes."""

from __future__ import annotations

import copy
import functools
import json
import math
import random
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.models.generate.graph_builder import serialize
from tests.mutations.single_operator import DTYPES, NUMBERS, single_operator
from tests.support import model_zoo as zoo

# The numbers of models of one operator that "full" takes and that run, by its name.
_SOUND: dict[str, list[int]] = json.loads(Path(__file__).with_name("sound_operators.json").read_text(encoding="utf-8"))


@functools.cache
def origins() -> tuple[str, ...]:
    """What edits begin with: the test models, and models of one operator as `OPERATOR:NUMBER`."""
    models = (name for name, entry in zoo.load_manifest().items() if entry.runs and name != "huge_tensor")
    return (*models, *(f"{operator}:{number}" for operator in _SOUND for number in _SOUND[operator]))


@functools.lru_cache(maxsize=512)
def _content_of(origin: str) -> bytes:
    operator, _, number = origin.rpartition(":")
    if operator:
        return single_operator(operator, int(number))
    return zoo.MODELS.joinpath(f"{origin}.tflite").read_bytes()


class EditableModel:
    """`root` is the model; vectors of numbers in it are lists."""

    def __init__(self, origin: str, rng: random.Random) -> None:
        self._rng = rng
        self.root = schema.ModelT.InitFromPackedBuf(bytearray(_content_of(origin)))
        self.root.operatorCodes = self.root.operatorCodes or []
        self.root.subgraphs = self.root.subgraphs or []
        for graph in self.root.subgraphs:
            for field in ("tensors", "operators"):
                setattr(graph, field, list(getattr(graph, field) or []))
            for holder in (graph, *graph.operators):
                for field in ("inputs", "outputs"):
                    setattr(holder, field, _numbers(getattr(holder, field)))
            for tensor in graph.tensors:
                tensor.shape = _numbers(tensor.shape)

    def serialized(self) -> bytes:
        for graph in self.root.subgraphs:
            for tensor in graph.tensors:
                _fit_quantization(tensor)
        return serialize(self.root)

    def operand(self, graph: Any) -> Any:
        """A tensor that an operator reads or writes."""
        used = sorted({index for node in graph.operators for index in (*node.inputs, *node.outputs)} - {-1})
        return graph.tensors[self._rng.choice(used)] if used else self._rng.choice(graph.tensors)

    def is_constant(self, tensor: Any) -> bool:
        data = self.buffer_of(tensor).data
        return data is not None and len(data) > 0

    def buffer_of(self, tensor: Any) -> Any:
        return self.root.buffers[tensor.buffer]

    def add_input(self, graph: Any, index: int) -> None:
        graph.inputs.append(index)
        self.root.signatureDefs = None

    def add_tensor(self, graph: Any, tensor: Any) -> int:
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    def copy_tensor(self, graph: Any, tensor: Any, donor: Any) -> int:
        copied = copy.copy(tensor)
        data = donor.buffers[tensor.buffer].data
        copied.buffer = 0 if data is None else self.new_buffer(bytes(bytearray(data)))
        return self.add_tensor(graph, copied)

    def add_code(self, code: Any) -> int:
        self.root.operatorCodes.append(code)
        return len(self.root.operatorCodes) - 1

    def new_buffer(self, content: bytes) -> int:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8)
        self.root.buffers.append(buffer)
        return len(self.root.buffers) - 1

    def refill(self, tensor: Any) -> None:
        """Give a constant as many values as its type and shape now say."""
        dtype = DTYPES.get(tensor.type)
        if dtype is not None and self.is_constant(tensor):
            values = [self.number() for _ in range(math.prod(tensor.shape))]
            self.give_values(tensor, np.array(values, np.float64).astype(dtype))

    def give_values(self, tensor: Any, values: Any) -> None:
        # Without a byte it would be no constant.
        tensor.buffer = self.new_buffer(values.tobytes() or b"\0\0\0\0")

    def number(self) -> int:
        return self._rng.choice((0, 0, 1, 1, 2, 3, -1, -2, 4, 100))


def _numbers(vector: Any) -> list[int]:
    return [] if vector is None else [int(number) for number in vector]


def _fit_quantization(tensor: Any) -> None:
    """Scales along an axis have to be as many as its size, or the file would be refused for that alone."""
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) < 2:
        return
    axis = quantization.quantizedDimension
    size = tensor.shape[axis] if axis < len(tensor.shape) else 1
    quantization = tensor.quantization = copy.copy(quantization)
    quantization.quantizedDimension = axis if axis < len(tensor.shape) else 0
    quantization.scale = [float(quantization.scale[0])] * size
    quantization.zeroPoint = [0] * size


def operator_code(operator: str, version: int) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.version = NUMBERS[operator], version
    code.deprecatedBuiltinCode = min(code.builtinCode, NUMBERS["PLACEHOLDER_FOR_GREATER_OP_CODES"])
    return code


def new_tensor(type_: int, shape: list[int]) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape, tensor.buffer, tensor.hasRank = "added", type_, shape, 0, True
    return tensor


def can_be_packed(options: Any) -> bool:
    try:
        options.Pack(flatbuffers.Builder(64))
    except (TypeError, AttributeError):
        return False
    return True
