"""Requests and answers of the Open Inference Protocol (KServe v2), as documents of JSON with binary parts after them.

Nothing here knows of sockets, threads or models. What the protocol leaves open is fixed here: ``timeout`` among the
parameters of a request is in microseconds, as Triton takes it, and ``signature`` is the signature to run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from zerolite.serving.datatypes import datatype_of, from_bytes, from_json, to_bytes, to_json
from zerolite.serving.errors import InvalidRequestError
from zerolite.serving.shared_memory import Place, SharedMemory, refuse_overlaps

__all__ = [
    "Arrays",
    "InferenceRequest",
    "Interface",
    "RequestedOutput",
    "TensorMetadata",
    "encode_response",
    "parse_object",
    "read_request",
    "refuse_unsupported",
    "split_body",
    "string_parameter",
    "timeout_of",
]

Arrays = dict[str, npt.NDArray[Any]]
_MOST_AXES = 8
_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class TensorMetadata:
    """An input or output as clients see it: `shape` has -1 where a request chooses the size."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @cached_property
    def datatype(self) -> str:
        """The protocol's name of the dtype."""
        return str(datatype_of(self.dtype))

    def to_json(self) -> dict[str, Any]:
        """The tensor as the protocol describes it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}

    def require_shape(self, shape: Any) -> tuple[int, ...]:
        """The shape of a request's input, if the model takes it.

        Raises:
            InvalidRequestError: it is no list of sizes, or the model has another number of axes or other fixed sizes.
        """
        if not isinstance(shape, list | tuple) or not all(type(size) is int and size >= 0 for size in shape):
            raise InvalidRequestError(f"the shape of input {self.name!r} must be a list of sizes, such as [1, 3]")
        fits = len(shape) == len(self.shape) and all(
            fixed == size or (fixed == -1 and 1 <= size < 2**31) for fixed, size in zip(self.shape, shape, strict=True)
        )
        if not fits:
            came = list(shape) if len(shape) <= _MOST_AXES else f"a list of {len(shape)}"
            raise InvalidRequestError(f"the shape of input {self.name!r} is {came}, and must be {list(self.shape)}")
        return tuple(shape)

    def require_datatype(self, datatype: Any) -> None:
        """Refuse another datatype than the tensor's.

        Raises:
            InvalidRequestError: it is another one.
        """
        if datatype != self.datatype:
            came = _quoted(datatype)
            raise InvalidRequestError(f"the datatype of input {self.name!r} is {came}, and must be {self.datatype!r}")


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of one signature, by name and in the order of the model."""

    inputs: Mapping[str, TensorMetadata]
    outputs: Mapping[str, TensorMetadata]

    def require_all_inputs(self, given: Mapping[str, object]) -> None:
        """Refuse a request without some of the inputs.

        Raises:
            InvalidRequestError: some are missing.
        """
        if missing := [name for name in self.inputs if name not in given]:
            raise InvalidRequestError(f"the request has no input {', '.join(map(repr, missing))}")

    def input_named(self, name: Any, given: Mapping[str, object]) -> TensorMetadata:
        """The next input of a request.

        Raises:
            InvalidRequestError: there is none of that name, or it was given already.
        """
        if not isinstance(name, str) or name not in self.inputs:
            known = ", ".join(map(repr, self.inputs)) or "none"
            raise InvalidRequestError(f"there is no input {_quoted(name)}; the model's are {known}")
        if name in given:
            raise InvalidRequestError(f"input {name!r} is there twice")
        return self.inputs[name]

    def require_output(self, name: Any) -> str:
        """The name of an output that is asked for.

        Raises:
            InvalidRequestError: there is none of that name.
        """
        if not isinstance(name, str) or name not in self.outputs:
            known = ", ".join(map(repr, self.outputs)) or "none"
            raise InvalidRequestError(f"there is no output {_quoted(name)}; the model's are {known}")
        return name


@dataclass(frozen=True)
class RequestedOutput:
    """An output that a request asks for: in JSON, as binary data, or in shared memory at `place`."""

    name: str
    binary: bool
    place: Place | None = None


@dataclass(frozen=True)
class InferenceRequest:
    """What a client wants to be run: the inputs, and the outputs in the order of the answer.

    Attributes:
        id: the client's name for the request; it comes back with the answer.
        inputs: arrays by name, all of the signature's.
        outputs: what goes into the answer.
    """

    id: str | None
    inputs: Arrays
    outputs: tuple[RequestedOutput, ...]


def split_body(body: bytes, header_length: str | None) -> tuple[memoryview, memoryview]:
    """The JSON of a body and the binary data after it.

    Args:
        body: all of the body.
        header_length: the value of ``Inference-Header-Content-Length``; None means that all is JSON.

    Raises:
        InvalidRequestError: the header is no number up to the body's length.
    """
    view = memoryview(body)
    if header_length is None:
        return view, view[:0]
    digits = header_length.isascii() and header_length.isdecimal() and len(header_length) <= len(str(2**63))
    if not digits or int(header_length) > len(body):
        raise InvalidRequestError(
            f"Inference-Header-Content-Length must be the number of bytes of JSON, up to the body's {len(body)}"
        )
    length = int(header_length)
    return view[:length], view[length:]


def parse_object(content: bytes | memoryview, *, empty_is_object: bool = False) -> dict[str, Any]:
    """The object of JSON in these bytes.

    Args:
        content: UTF-8.
        empty_is_object: whether no bytes at all mean an object without keys.

    Raises:
        InvalidRequestError: it is no JSON, or not an object. NaN and Infinity are no JSON.
    """
    if empty_is_object and not content:
        return {}
    try:
        document = _DECODER.decode(str(content, "utf-8"))
    except RecursionError as error:
        raise InvalidRequestError("the JSON of the request is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"the JSON of the request is no UTF-8, from byte {error.start} on") from error
    except json.JSONDecodeError as error:
        raise InvalidRequestError(f"the request is no JSON: {error}") from error
    except ValueError as error:  # a number of thousands of digits, among others
        raise InvalidRequestError("the JSON of the request holds a number that can't be read") from error
    if not isinstance(document, dict):
        raise InvalidRequestError("the JSON of the request must be an object")
    return document


def _refuse_constant(constant: str) -> None:
    raise InvalidRequestError(f"the request is no JSON: it holds {constant}; send such values as binary data")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


def string_parameter(document: Mapping[str, Any], name: str) -> str | None:
    """A parameter of a request that is a string; None where it is not given.

    Raises:
        InvalidRequestError: it is something else.
    """
    value = _parameters(document).get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidRequestError(f"the parameter {name!r} must be a string")
    return value


def timeout_of(document: Mapping[str, Any]) -> float | None:
    """The seconds that a client is willing to wait, from the parameter ``timeout`` in microseconds; None without it.

    Raises:
        InvalidRequestError: it is no whole number above 0.
    """
    value = _parameters(document).get("timeout")
    if value is None:
        return None
    if type(value) is not int or not 0 < value < 2**63:
        raise InvalidRequestError("the parameter 'timeout' must be a whole number of microseconds above 0")
    return value / _MICROSECONDS


def read_request(
    document: Mapping[str, Any], binary: memoryview, memory: SharedMemory, interface: Interface
) -> InferenceRequest:
    """The request of a document and the binary data after it, checked against what the model takes.

    Arrays of binary data are views of it; what lies in shared memory is copied.

    Raises:
        InvalidRequestError: the request is not what the protocol or the model takes; the message says where.
        TooLargeError: its inputs in shared memory are too large.
    """
    identity = document.get("id")
    if identity is not None and not isinstance(identity, str):
        raise InvalidRequestError("the id of the request must be a string")
    inputs: Arrays = {}
    places: list[Place] = []
    for entry in _objects(document, "inputs"):
        tensor = interface.input_named(entry.get("name"), inputs)
        tensor.require_datatype(entry.get("datatype"))
        shape = tensor.require_shape(entry.get("shape"))
        parameters = _parameters(entry)
        refuse_unsupported(parameters)
        size = parameters.get("binary_data_size")
        place = memory.place(parameters)
        if place is not None:
            if "data" in entry or size is not None:
                raise InvalidRequestError(f"input {tensor.name!r} is in shared memory, and has data in the request too")
            memory.require_room([*places, place])
            places.append(place)
            inputs[tensor.name] = from_bytes(place.read(), tensor.dtype, shape, name=tensor.name)
            continue
        if size is None:
            inputs[tensor.name] = from_json(entry.get("data"), tensor.dtype, shape, name=tensor.name)
            continue
        if "data" in entry:
            raise InvalidRequestError(f"input {tensor.name!r} has both data and a binary_data_size")
        if type(size) is not int or not 0 <= size <= len(binary):
            raise InvalidRequestError(
                f"the binary_data_size of input {tensor.name!r} must be a number of bytes up to the {len(binary)} that "
                "are left"
            )
        inputs[tensor.name] = from_bytes(binary[:size], tensor.dtype, shape, name=tensor.name)
        binary = binary[size:]
    if len(binary):
        raise InvalidRequestError(f"{len(binary)} bytes of binary data belong to no input")
    interface.require_all_inputs(inputs)
    return InferenceRequest(identity, inputs, _requested_outputs(document, memory, interface))


def _requested_outputs(
    document: Mapping[str, Any], memory: SharedMemory, interface: Interface
) -> tuple[RequestedOutput, ...]:
    all_binary = _flag(_parameters(document), "binary_data_output", otherwise=False)
    if document.get("outputs") in (None, []):
        return tuple(RequestedOutput(name, all_binary) for name in interface.outputs)
    wanted = []
    for entry in _objects(document, "outputs"):
        parameters = _parameters(entry)
        refuse_unsupported(parameters)
        name = interface.require_output(entry.get("name"))
        binary = _flag(parameters, "binary_data", otherwise=all_binary)
        place = memory.place(parameters)
        wanted.append(RequestedOutput(name, binary and place is None, place))
    refuse_overlaps([output.place for output in wanted if output.place is not None])
    return tuple(wanted)


def _objects(document: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    entries = document.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidRequestError(f"{key!r} must be a list of objects")
    return entries


def _parameters(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = entry.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise InvalidRequestError("'parameters' must be an object")
    return parameters


def refuse_unsupported(parameters: Mapping[str, Any]) -> None:
    """Refuse what the parameters of a tensor ask for and is not there: classes for numbers.

    Raises:
        InvalidRequestError: they ask for it.
    """
    if parameters.get("classification"):
        raise InvalidRequestError("outputs are given as tensors; the parameter 'classification' is not supported")


def _flag(parameters: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    value = parameters.get(name, otherwise)
    if not isinstance(value, bool):
        raise InvalidRequestError(f"the parameter {name!r} must be true or false")
    return value


def _quoted(value: Any) -> str:
    longest = 100
    if not isinstance(value, str):
        return "not a string"
    return repr(value if len(value) <= longest else value[:longest])


def encode_response(
    outputs: Mapping[str, npt.NDArray[Any]], request: InferenceRequest, *, model: str, version: str
) -> tuple[bytes, bytes]:
    """The answer to a request: its JSON, and the binary data that goes after it.

    Outputs that are asked for in shared memory are written there.

    Raises:
        InvalidRequestError: an output that is asked for as JSON holds values that JSON does not have, or one does not
            fit into its place in shared memory.
        UnavailableError: there is no memory behind that place.
    """
    parts: list[bytes] = []
    entries = []
    for wanted in request.outputs:
        array = outputs[wanted.name]
        entry: dict[str, Any] = {
            "name": wanted.name,
            "datatype": datatype_of(array.dtype),
            "shape": list(array.shape),
        }
        if wanted.place is not None:
            entry["parameters"] = wanted.place.write(to_bytes(array), tensor=wanted.name)
        elif wanted.binary:
            parts.append(to_bytes(array))
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            entry["data"] = to_json(array, name=wanted.name)
        entries.append(entry)
    document: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": entries}
    if request.id is not None:
        document["id"] = request.id
    return _ENCODER.encode(document).encode(), parts[0] if len(parts) == 1 else b"".join(parts)
