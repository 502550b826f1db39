"""The messages of the protocol over gRPC, and how tensors go into them and come out of them.

The messages are made when this is imported, of the description in `open_inference.binpb`: code that protoc generates
would only run with some versions of protobuf. They are in a pool of their own, so that a client of others in the same
process, which brings messages of the same names, does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from zerolite.serving.datatypes import datatype_of, from_bytes, to_bytes
from zerolite.serving.errors import InvalidRequestError
from zerolite.serving.protocol import (
    Arrays,
    InferenceRequest,
    Interface,
    RequestedOutput,
    TensorMetadata,
    refuse_unsupported,
)
from zerolite.serving.shared_memory import Place, SharedMemory, refuse_overlaps

__all__ = ["METHODS", "SERVICE", "message_class", "parameters_of", "read_request", "response_of"]

_FILE = "open_inference.binpb"
SERVICE = "inference.GRPCInferenceService"

# The list of a tensor's contents, by datatype.
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def _pool() -> Any:
    described = descriptor_pb2.FileDescriptorSet.FromString(files(__package__).joinpath(_FILE).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _pool()


def message_class(name: str) -> Any:
    """The class of a message, by its name without the package."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"inference.{name}"))


#: The classes of request and answer of each method.
METHODS: Mapping[str, tuple[Any, Any]] = {
    method.name: (message_class(method.input_type.name), message_class(method.output_type.name))
    for method in _POOL.FindServiceByName(SERVICE).methods
}

_Response = METHODS["ModelInfer"][1]


def parameters_of(entry: Any) -> dict[str, Any]:
    """The parameters of a request or tensor, as JSON would have them."""
    if not entry.parameters:
        return {}
    found = {}
    for name, parameter in entry.parameters.items():
        kind = parameter.WhichOneof("parameter_choice")
        found[name] = None if kind is None else getattr(parameter, kind)
    return found


def read_request(message: Any, memory: SharedMemory, interface: Interface) -> InferenceRequest:
    """The request in a ModelInferRequest, checked against what the model takes.

    Raises:
        InvalidRequestError: the request is not what the protocol or the model takes; the message says where.
        TooLargeError: its inputs in shared memory are too large.
    """
    inputs: Arrays = {}
    raw = message.raw_input_contents
    places = [memory.place(parameters_of(entry)) for entry in message.inputs]
    memory.require_room([place for place in places if place is not None])
    sent = places.count(None)
    if raw and len(raw) != sent:
        raise InvalidRequestError(
            f"the request has {sent} inputs and {len(raw)} raw_input_contents; it must have one for each"
        )
    contents = iter(raw)
    for entry, place in zip(message.inputs, places, strict=True):
        tensor = interface.input_named(entry.name, inputs)
        tensor.require_datatype(entry.datatype)
        shape = tensor.require_shape(list(entry.shape))
        refuse_unsupported(parameters_of(entry))
        if place is not None:
            inputs[tensor.name] = _from_memory(place, entry, tensor, shape)
        elif not raw:
            inputs[tensor.name] = _from_contents(entry.contents, tensor, shape)
        elif entry.HasField("contents"):
            raise InvalidRequestError(f"input {tensor.name!r} has contents beside the raw_input_contents")
        else:
            inputs[tensor.name] = from_bytes(next(contents), tensor.dtype, shape, name=tensor.name)
    interface.require_all_inputs(inputs)
    binary = bool(raw) or sent == 0  # answers are of the form that the request has
    outputs = []
    for entry in message.outputs:
        parameters = parameters_of(entry)
        refuse_unsupported(parameters)
        name, place = interface.require_output(entry.name), memory.place(parameters)
        outputs.append(RequestedOutput(name, binary and place is None, place))
    refuse_overlaps([output.place for output in outputs if output.place is not None])
    wanted = outputs or [RequestedOutput(name, binary) for name in interface.outputs]
    return InferenceRequest(message.id or None, inputs, tuple(wanted))


def _from_memory(place: Place, entry: Any, tensor: TensorMetadata, shape: Sequence[int]) -> npt.NDArray[Any]:
    if entry.HasField("contents"):
        raise InvalidRequestError(f"input {tensor.name!r} is in shared memory, and has contents in the request too")
    return from_bytes(place.read(), tensor.dtype, shape, name=tensor.name)


def _from_contents(contents: Any, tensor: TensorMetadata, shape: Sequence[int]) -> npt.NDArray[Any]:
    name, datatype, dtype = tensor.name, tensor.datatype, tensor.dtype
    field = _CONTENTS.get(datatype)
    if field is None:
        raise InvalidRequestError(f"input {name!r} is {datatype}, which only goes into raw_input_contents")
    if other := [known.name for known, _ in contents.ListFields() if known.name != field]:
        raise InvalidRequestError(f"input {name!r} is {datatype}, which goes into {field}, and has {other[0]}")
    values = list(getattr(contents, field))
    if len(values) != math.prod(shape):
        raise InvalidRequestError(
            f"input {name!r} has {len(values)} elements, and its shape {list(shape)} takes {math.prod(shape)}"
        )
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        for number in (min(values, default=0), max(values, default=0)):
            if not limits.min <= number <= limits.max:
                raise InvalidRequestError(
                    f"input {name!r} holds {number}, and {datatype} goes from {limits.min} to {limits.max}"
                )
    array = np.empty(len(values), dtype)
    array[:] = values
    return array.reshape(shape)


def response_of(outputs: Mapping[str, npt.NDArray[Any]], request: InferenceRequest, *, model: str, version: str) -> Any:
    """The ModelInferResponse to a request: raw, or with typed contents where the request has such.

    Outputs that are asked for in shared memory are written there.

    Raises:
        InvalidRequestError: one does not fit into its place in shared memory.
        UnavailableError: there is no memory behind that place.
    """
    response = _Response(model_name=model, model_version=version, id=request.id or "")
    arrays = [(wanted, outputs[wanted.name]) for wanted in request.outputs]
    raw = any(
        wanted.binary or (wanted.place is None and datatype_of(array.dtype) not in _CONTENTS)
        for wanted, array in arrays
    )
    for wanted, array in arrays:
        datatype = str(datatype_of(array.dtype))
        entry = response.outputs.add(name=wanted.name, datatype=datatype, shape=array.shape)
        if wanted.place is not None:
            for key, value in wanted.place.write(to_bytes(array), tensor=wanted.name).items():
                setattr(entry.parameters[key], "string_param" if isinstance(value, str) else "int64_param", value)
            if raw:
                response.raw_output_contents.append(b"")  # clients count the outputs
        elif raw:
            response.raw_output_contents.append(to_bytes(array))
        else:
            getattr(entry.contents, _CONTENTS[datatype]).extend(array.ravel().tolist())
    return response
