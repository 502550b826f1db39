"""Building and editing `.tflite` files with the FlatBuffers schema that ai-edge-litert ships."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

TensorType = schema.TensorType
Op = schema.BuiltinOperator

_NUMPY_TO_TENSOR_TYPE: dict[str, int] = {
    "float16": TensorType.FLOAT16,
    "float32": TensorType.FLOAT32,
    "float64": TensorType.FLOAT64,
    "bool": TensorType.BOOL,
    "int8": TensorType.INT8,
    "int16": TensorType.INT16,
    "int32": TensorType.INT32,
    "int64": TensorType.INT64,
    "uint8": TensorType.UINT8,
    "uint16": TensorType.UINT16,
    "uint32": TensorType.UINT32,
    "uint64": TensorType.UINT64,
    "complex64": TensorType.COMPLEX64,
    "complex128": TensorType.COMPLEX128,
}


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer on a 16-byte boundary, as the schema asks; FlatBuffers' Python code ignores force_align."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 - overrides generated code
        vector = None
        if self.data is not None and len(self.data) > 0:
            content = bytes(bytearray(self.data))
            builder.StartVector(1, len(content), 16)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


def serialize(model: schema.ModelT) -> bytes:
    """The bytes of a model in the schema's object form."""
    aligned = []
    for buffer in model.buffers:
        copy = _AlignedBuffer()
        copy.data = buffer.data
        aligned.append(copy)
    model.buffers = aligned
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def edit(content: bytes, change: Callable[[schema.ModelT], None]) -> bytes:
    """Read a model, apply `change` to its object form, and serialize it again."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(content))
    change(model)
    return serialize(model)


def without_signatures(content: bytes) -> bytes:
    """The same model with its signatures removed."""

    def strip(model: schema.ModelT) -> None:
        model.signatureDefs = None

    return edit(content, strip)


def quantization(
    scales: Sequence[float], zero_points: Sequence[int], *, axis: int = 0
) -> schema.QuantizationParametersT:
    """Affine quantization: one scale for the tensor, or one for each slice along `axis`."""
    parameters = schema.QuantizationParametersT()
    parameters.scale = np.asarray(scales, np.float32)
    parameters.zeroPoint = np.asarray(zero_points, np.int64)
    parameters.quantizedDimension = axis
    return parameters


class GraphBuilder:
    """A model under construction. Tensors are known by their index in the subgraph that is being built."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.description = "zerolite test model"
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._model.subgraphs = []
        self._model.signatureDefs = []
        self._codes: dict[tuple[int, str, int], int] = {}
        self.start_subgraph("main")

    def start_subgraph(self, name: str) -> int:
        """Begin another subgraph, to which everything that follows belongs; returns its index."""
        self._graph = schema.SubGraphT()
        self._graph.name = name
        self._graph.tensors, self._graph.operators = [], []
        self._graph.inputs, self._graph.outputs = [], []
        self._model.subgraphs.append(self._graph)
        return len(self._model.subgraphs) - 1

    def tensor(
        self,
        name: str | None,
        shape: Sequence[int],
        dtype: str | int = "float32",
        *,
        shape_signature: Sequence[int] | None = None,
        quantized: schema.QuantizationParametersT | None = None,
        variable: bool = False,
    ) -> int:
        """Add a tensor without content; `dtype` is NumPy's name, or a TensorType where NumPy has none."""
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = list(shape)
        tensor.shapeSignature = None if shape_signature is None else list(shape_signature)
        tensor.hasRank = True
        tensor.type = dtype if isinstance(dtype, int) else _NUMPY_TO_TENSOR_TYPE[dtype]
        tensor.quantization = quantized
        tensor.isVariable = variable
        tensor.buffer = 0
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def constant(
        self,
        name: str,
        values: NDArray[Any],
        *,
        quantized: schema.QuantizationParametersT | None = None,
        dtype: int | None = None,
        shape: Sequence[int] | None = None,
    ) -> int:
        """Add a tensor with content; `dtype` and `shape` override those of the array, for packed types."""
        index = self.tensor(
            name,
            values.shape if shape is None else shape,
            values.dtype.name if dtype is None else dtype,
            quantized=quantized,
        )
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        self._graph.tensors[index].buffer = len(self._model.buffers) - 1
        return index

    def sparse(
        self,
        tensor: int,
        *,
        traversal_order: Sequence[int],
        block_map: Sequence[int],
        dense_sizes: Mapping[int, int],
        segments: NDArray[np.integer[Any]],
        indices: NDArray[np.integer[Any]],
    ) -> None:
        """Declare that a constant is stored sparsely.

        Of the traversed dimensions (those of the tensor, then those of a block) the ones in `dense_sizes` are
        dense with that size; the one other dimension is compressed, with `segments` and `indices` as in CSR.
        """
        parameters = schema.SparsityParametersT()
        parameters.traversalOrder, parameters.blockMap = list(traversal_order), list(block_map)
        parameters.dimMetadata = []
        for dimension in traversal_order:
            metadata = schema.DimensionMetadataT()
            if dimension in dense_sizes:
                metadata.format, metadata.denseSize = schema.DimensionType.DENSE, dense_sizes[dimension]
            else:
                metadata.format = schema.DimensionType.SPARSE_CSR
                metadata.arraySegmentsType = metadata.arrayIndicesType = schema.SparseIndexVector.Int32Vector
                metadata.arraySegments, metadata.arrayIndices = schema.Int32VectorT(), schema.Int32VectorT()
                metadata.arraySegments.values = [int(value) for value in segments]
                metadata.arrayIndices.values = [int(value) for value in indices]
            parameters.dimMetadata.append(metadata)
        self._graph.tensors[tensor].sparsity = parameters

    def metadata(self, name: str, content: bytes) -> None:
        """Add an entry to the model's metadata."""
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = np.frombuffer(content, np.uint8)
        self._model.buffers.append(buffer)
        entry.name, entry.buffer = name, len(self._model.buffers) - 1
        self._model.metadata = [*(self._model.metadata or []), entry]

    def operator(
        self,
        code: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        options: object | None = None,
        version: int = 1,
    ) -> None:
        """Add a builtin operator; `options` is an object of the schema, such as AddOptionsT()."""
        self._add_operator(code, "", version, inputs, outputs)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            second = hasattr(schema.BuiltinOptions2, kind)
            enumeration = schema.BuiltinOptions2 if second else schema.BuiltinOptions
            prefix = "builtinOptions2" if second else "builtinOptions"
            setattr(self._graph.operators[-1], prefix, options)
            setattr(self._graph.operators[-1], f"{prefix}Type", getattr(enumeration, kind))

    def custom_operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], *, options: bytes = b""
    ) -> None:
        """Add a custom operator; `options` is what its kernel reads, often a FlexBuffer."""
        self._add_operator(Op.CUSTOM, name, 1, inputs, outputs)
        self._graph.operators[-1].customOptions = list(options)

    def interface(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Set the inputs and outputs of the current subgraph."""
        self._graph.inputs, self._graph.outputs = list(inputs), list(outputs)

    def signature(self, key: str, inputs: Mapping[str, int], outputs: Mapping[str, int], *, subgraph: int = 0) -> None:
        """Add a signature, whose inputs and outputs are given by name and tensor."""
        definition = schema.SignatureDefT()
        definition.signatureKey = key
        definition.subgraphIndex = subgraph
        definition.inputs = [self._tensor_map(name, index) for name, index in inputs.items()]
        definition.outputs = [self._tensor_map(name, index) for name, index in outputs.items()]
        self._model.signatureDefs.append(definition)

    def finish(self) -> bytes:
        """The model's bytes."""
        return serialize(self._model)

    @staticmethod
    def _tensor_map(name: str, index: int) -> schema.TensorMapT:
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, index
        return entry

    def _add_operator(
        self, code: int, custom: str, version: int, inputs: Sequence[int], outputs: Sequence[int]
    ) -> None:
        key = (code, custom, version)
        if key not in self._codes:
            entry = schema.OperatorCodeT()
            # Codes beyond 127 do not fit the deprecated byte: a placeholder there points to the new field.
            entry.deprecatedBuiltinCode = min(code, Op.PLACEHOLDER_FOR_GREATER_OP_CODES)
            entry.builtinCode = code
            entry.version = version
            entry.customCode = custom or None
            self._codes[key] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes[key]
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        self._graph.operators.append(operator)
