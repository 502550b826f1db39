"""A SavedModel that is converted, and run to verify the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError
from zerolite.conversion.samples.input_spec import InputSpec, Specs
from zerolite.conversion.signature_order import SignatureOrder
from zerolite.conversion.sources.tensorflow.node_names import argument_name, rename_inputs

__all__ = ["SavedModel"]

_DEFAULT = "serving_default"
_TAG = "serve"


class SavedModel:
    """The signatures of a SavedModel that were chosen, with the shapes and outputs that were chosen.

    What the signatures take is read from the file's header; the model itself is loaded when it is first run.

    Attributes:
        folder: where it is.
        signatures: the names of the chosen signatures.
        specs: the inputs of each of them; by name where no order is known.
        orders: the source's order of inputs and outputs by signature, as far as it is known.
    """

    def __init__(
        self,
        folder: Path,
        request: ConversionRequest,
        inputs: Sequence[InputSpec] | None,
        orders: Mapping[str, SignatureOrder],
    ) -> None:
        """Choose.

        Args:
            folder: the SavedModel.
            request: what was asked for.
            inputs: what "serving_default" takes, in order, where that is known.
            orders: the source's order of inputs and outputs by signature, where that is known.

        Raises:
            ConversionError: the folder holds no SavedModel that can be read.
            ValueError: there is no such signature, input or output, or a rank is open.
        """
        self.folder = folder
        self._name = request.name
        self._orders = dict(orders)
        self._functions: Mapping[str, Any] = {}
        self._loaded: Any = None
        self._saved: dict[Any, list[tuple[Any, Any]]] = {}
        self._arguments: dict[str | None, dict[str, str]] = {}
        definitions = self._definitions()
        self.signatures = _chosen(request, list(definitions))
        for key in self.signatures:
            if key not in self._orders:
                self._orders[key] = SignatureOrder(_order_of_arguments(definitions[key], self._functions), ())
        if request.inputs or request.outputs:
            if len(self.signatures) != 1:
                raise ValueError("input_shapes and outputs are for one signature; name it with signatures")
            definition = definitions[self.signatures[0]]
            _check_names("input", request.inputs, definition.inputs)
            _check_names("output", request.outputs, definition.outputs)
            if not _is_narrow(request, definition):
                self.folder = self._narrowed(request, definition)
                self._loaded = None
                definitions = self._definitions()
        self.specs: Specs = {key: self._inputs(key, definitions[key], inputs) for key in self.signatures}
        self.orders = {
            key: SignatureOrder(
                [name for name in order.inputs if name in definitions[key].inputs],
                [name for name in order.outputs if name in definitions[key].outputs],
            )
            for key, order in self._orders.items()
            if key in self.signatures
        }

    def run(self, signature: str | None, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """The outputs of one sample by name. Each begins with the variables as they were saved."""
        import tensorflow as tf

        function = self._load().signatures[signature]
        for variable, value in self._changed(function):
            variable.assign(value)
        answer = function(**{self._arguments[signature][name]: tf.constant(array) for name, array in inputs.items()})
        return {name: np.asarray(value) for name, value in answer.items()}

    def _changed(self, function: Any) -> list[tuple[Any, Any]]:
        """The variables of a function that may write some, with their values when it was first asked for."""
        key = function.name
        if key not in self._saved:
            self._saved[key] = [(one, one.numpy()) for one in function.variables] if _writes_variables(function) else []
        return self._saved[key]

    def _load(self) -> Any:
        import tensorflow as tf

        if self._loaded is None:
            self._loaded = tf.saved_model.load(str(self.folder), tags=[_TAG])
        return self._loaded

    def _definitions(self) -> dict[str, Any]:
        """The signatures as the file describes them."""
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf import saved_model_pb2

        content = saved_model_pb2.SavedModel()
        try:
            content.ParseFromString((self.folder / "saved_model.pb").read_bytes())
        except DecodeError as error:
            raise ConversionError(f"'{self._name}' is no sound SavedModel: {error}", log="") from error
        for graph in content.meta_graphs:
            if _TAG in graph.meta_info_def.tags:
                self._functions = graph.object_graph_def.concrete_functions
                found = {key: value for key, value in sorted(graph.signature_def.items()) if not key.startswith("__")}
                self._arguments = {
                    key: {name: argument_name(key, name, info) for name, info in value.inputs.items()}
                    for key, value in found.items()
                }
                return found
        raise ConversionError(f"the SavedModel '{self._name}' has no graph for serving (tag '{_TAG}')", log="")

    def _inputs(self, key: str, definition: Any, known: Sequence[InputSpec] | None) -> list[InputSpec]:
        import tensorflow as tf

        found = {}
        for name in sorted(definition.inputs):
            info = definition.inputs[name]
            if info.tensor_shape.unknown_rank:
                raise ValueError(
                    f"input '{name}' of '{self._name}' has no fixed rank, which a .tflite model needs; give its shape, "
                    f"as input_shapes={{'{name}': (1, 8)}} (--input {name}=1,8)"
                )
            shape = tuple(None if dim.size < 0 else int(dim.size) for dim in info.tensor_shape.dim)
            found[name] = InputSpec(name, shape, np.dtype(tf.dtypes.as_dtype(info.dtype).as_numpy_dtype).name)
        if key == _DEFAULT and known is not None and {spec.name for spec in known} == set(found):
            return [found[spec.name] for spec in known]
        order = self._orders.get(key)
        if order is not None and set(order.inputs) == set(found):
            return [found[name] for name in order.inputs]
        return list(found.values())

    def _narrowed(self, request: ConversionRequest, definition: Any) -> Path:
        """The same signature with fixed shapes and fewer outputs, as another SavedModel."""
        import tensorflow as tf

        (key,) = self.signatures
        shapes = {name: list(shape) for name, shape in request.inputs.items()}
        arguments = self._arguments[key]
        kept = list(request.outputs or definition.outputs)
        holder = tf.Module()
        holder.source = source = self._load()
        function = source.signatures[key]
        signature = {
            arguments[name]: tf.TensorSpec(
                shapes.get(name, None if info.tensor_shape.unknown_rank else tf.TensorShape(info.tensor_shape)),
                tf.dtypes.as_dtype(info.dtype),
                name=arguments[name],
            )
            for name, info in definition.inputs.items()
        }

        def chosen(**inputs: Any) -> Any:
            answer = function(**inputs)
            return {name: answer[name] for name in kept}

        try:
            traced = tf.function(chosen, autograph=False).get_concrete_function(**signature)
        except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
            raise ValueError(f"'{self._name}' does not take inputs of these shapes ({shapes}): {error}") from error
        folder = Path(request.result).with_name("narrowed")
        tf.saved_model.save(holder, str(folder), signatures={key: traced})
        rename_inputs(folder, key, {argument: name for name, argument in arguments.items()})
        return folder


def _order_of_arguments(definition: Any, functions: Mapping[str, Any]) -> list[str]:
    """The inputs of a signature in the order in which a function that was saved beside it takes them.

    Signatures know names alone. Keras and tf.function save what they trace, too, with its positional arguments. Empty
    where no function has arguments of these names, or some have them in different orders.
    """
    import tensorflow as tf
    from tensorflow.python.saved_model import nested_structure_coder

    found: set[tuple[str, ...]] = set()
    for function in functions.values():
        try:
            positional, _ = nested_structure_coder.decode_proto(function.canonicalized_input_signature)
        except (TypeError, ValueError):  # a structure of types that are not registered here
            continue
        names = [str(getattr(spec, "name", "")) for spec in tf.nest.flatten(positional)]
        if len(names) == len(definition.inputs) and set(names) == set(definition.inputs):
            found.add(tuple(names))
    return list(found.pop()) if len(found) == 1 else []


def _writes_variables(function: Any) -> bool:
    graph = function.graph.as_graph_def()
    nodes = [graph.node, *(inner.node_def for inner in graph.library.function)]
    return any(node.op.startswith(("Assign", "ResourceScatter")) for part in nodes for node in part)


def _chosen(request: ConversionRequest, known: Sequence[str]) -> list[str]:
    wanted = list(request.signatures)
    unknown = [key for key in wanted if key not in known]
    if unknown:
        raise ValueError(f"'{request.name}' has no signature '{unknown[0]}'; it has {', '.join(known) or 'none'}")
    if not known:
        raise ValueError(f"'{request.name}' has no signatures; save it with tf.saved_model.save(..., signatures=...)")
    return wanted or ([_DEFAULT] if _DEFAULT in known else list(known))


def _is_narrow(request: ConversionRequest, definition: Any) -> bool:
    """Whether a signature has the wanted shapes already, and no other outputs."""
    same = all(
        not definition.inputs[name].tensor_shape.unknown_rank
        and [dim.size for dim in definition.inputs[name].tensor_shape.dim] == list(shape)
        for name, shape in request.inputs.items()
    )
    return same and (not request.outputs or set(request.outputs) == set(definition.outputs))


def _check_names(what: str, wanted: Any, known: Any) -> None:
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"the model has no {what} '{unknown[0]}'; it has {', '.join(sorted(known))}")
