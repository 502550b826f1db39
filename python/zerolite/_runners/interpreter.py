"""tf.lite.Interpreter, and its twin in ai_edge_litert, as runners."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zerolite._platform.output_capture import CapturedOutput
from zerolite._runners.inner_quantization import with_inner_quantization
from zerolite._runners.input_range import StoredAs
from zerolite._runners.runner import ModelFile, OpenItems, TensorSpec, check_inputs, chosen_output
from zerolite._runners.score_kind import ScoreKind, kind_by_operators
from zerolite._runtime.quantization import AffineQuantization

if TYPE_CHECKING:
    from zerolite._runtime.validation import Reset

__all__ = ["InterpreterRunner", "reference_interpreter"]


class InterpreterRunner:
    """An interpreter: set_tensor, invoke, get_tensor."""

    items_per_call = 1

    def __init__(
        self,
        interpreter: Any,
        *,
        output: str | None = None,
        reset: Reset = "item",
        source: ModelFile | None = None,
    ) -> None:
        """Adapt `interpreter` and allocate its tensors.

        Args:
            interpreter: a `tf.lite.Interpreter` or `ai_edge_litert.interpreter.Interpreter`.
            output: the name of the output to read, as its signature has it; it may be left out when there is
                only one.
            reset: when `map` resets variable tensors. An interpreter has no way to reset resources.
            source: the file or the bytes that it was made of, which it does not tell.

        Raises:
            ValueError: the model has no inputs, or inputs that don't count the same items, or no such output.
        """
        interpreter.allocate_tensors()
        inputs, outputs = _named_details(interpreter)
        self.inputs_in_doubt = _are_in_doubt(interpreter, inputs)
        chosen_name = chosen_output(outputs, output)
        chosen = outputs[chosen_name]
        self.runtime = "tf.lite" if type(interpreter).__module__.startswith("tensorflow") else "ai_edge_litert"
        specs = [_spec(name, details, source) for name, details in inputs.items()]
        if source is None:
            operators = _operators(interpreter)
            self.score_kind: ScoreKind | None = kind_by_operators(operators, int(chosen["index"]))
            stored = _stored_inside(interpreter, operators)
            places = [int(details["index"]) for details in inputs.values()]
            self.inputs = tuple(
                replace(spec, inside=stored.get(place)) for spec, place in zip(specs, places, strict=True)
            )
        else:
            self.score_kind = None  # which the file tells
            self.inputs = with_inner_quantization(specs, source)
        self.output = _spec(chosen_name, chosen, source)
        check_inputs(self.inputs)
        self.reset: Callable[[], object] | None = getattr(interpreter, "reset_all_variables", None)
        self._reset_each = self.reset if reset == "item" else None
        set_tensor, invoke, get_tensor = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor
        input_indices, output_index = [details["index"] for details in inputs.values()], chosen["index"]
        input_index = input_indices[0]

        def run_one_input(x: NDArray[Any]) -> NDArray[Any]:
            set_tensor(input_index, x)
            invoke()
            result: NDArray[Any] = get_tensor(output_index)
            return result

        def run_several_inputs(*arrays: NDArray[Any]) -> NDArray[Any]:
            for index, array in zip(input_indices, arrays, strict=True):
                set_tensor(index, array)
            invoke()
            result: NDArray[Any] = get_tensor(output_index)
            return result

        def resize(shapes: Mapping[str, tuple[int, ...]]) -> None:
            for name, shape in shapes.items():
                interpreter.resize_tensor_input(inputs[name]["index"], shape)
            interpreter.allocate_tensors()

        self.function: Callable[..., NDArray[Any]] = OpenItems(self.inputs, resize).fitted(
            run_one_input if len(input_indices) == 1 else run_several_inputs
        )

    def map(self, *batches: NDArray[Any]) -> NDArray[Any]:
        """Run many items in a Python loop: an interpreter has no other way that gives the same results."""
        results = []
        for index in range(len(batches[0])):
            if self._reset_each is not None:
                self._reset_each()
            results.append(self.function(*(batch[index : index + 1] for batch in batches)))
        return np.concatenate(results)

    def close(self) -> None:
        """Nothing to give back: an interpreter has no close."""


def reference_interpreter(
    content: bytes, *, runtime: Literal["tf.lite", "ai_edge_litert"] = "tf.lite", threads: int | None = 1
) -> Any:
    """An interpreter for the model in `content`, its tensors allocated.

    Raises:
        ImportError: TensorFlow is not installed (extra "convert").
        ValueError: the content is not a sound model.
    """
    # TensorFlow 2.20 and later announce the class's move to ai_edge_litert with a warning, and XNNPACK
    # announces itself on stderr when the tensors are allocated.
    with warnings.catch_warnings(), CapturedOutput():
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        interpreter = _interpreter_class(runtime)(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter


def _named_details(interpreter: Any) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    """Inputs and outputs by the names of the default signature, or by tensor names in a model without signatures."""
    signatures = interpreter.get_signature_list()
    if not signatures:
        return (
            {str(details["name"]): details for details in interpreter.get_input_details()},
            {str(details["name"]): details for details in interpreter.get_output_details()},
        )
    default = "serving_default" if "serving_default" in signatures else next(iter(signatures))
    runner = interpreter.get_signature_runner(default)
    # The signature has them by the alphabet.
    places = [details["index"] for details in interpreter.get_input_details()]
    inputs = runner.get_input_details().items()
    in_order = sorted(inputs, key=lambda item: places.index(item[1]["index"]) if item[1]["index"] in places else 0)
    return dict(in_order), dict(runner.get_output_details())


class _Operator(NamedTuple):
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def _operators(interpreter: Any) -> list[_Operator]:
    """The operators of an interpreter's graph; none where it does not tell."""
    details: Sequence[Mapping[str, Any]] = getattr(interpreter, "_get_ops_details", list)()
    return [
        _Operator(str(one["op_name"]), tuple(map(int, one["inputs"])), tuple(map(int, one["outputs"])))
        for one in details
        if one["op_name"] != "DELEGATE"  # which stands for some of the others
    ]


def _stored_inside(interpreter: Any, operators: Sequence[_Operator]) -> dict[int, StoredAs]:
    """Tensor -> as what it is stored, for those that go into QUANTIZE alone."""
    found: dict[int, StoredAs] = {}
    quantizing = [one for one in operators if one.name == "QUANTIZE"]
    taken = {tensor for one in operators if one.name != "QUANTIZE" for tensor in one.inputs}
    tensors = {int(one["index"]): one for one in interpreter.get_tensor_details()} if quantizing else {}
    for one in quantizing:
        details = tensors.get(one.outputs[0])
        stored = None if details is None else _spec("", details, None)
        if stored is not None and stored.quantization is not None and one.inputs[0] not in taken:
            found[one.inputs[0]] = StoredAs(stored.quantization, stored.dtype)
    return found


def _are_in_doubt(interpreter: Any, inputs: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the model comes from a SavedModel, which knows its inputs by name alone."""
    keys = list(interpreter.get_signature_list()) or ["serving_default"]
    return any(str(details["name"]).startswith(f"{key}_") for details in inputs.values() for key in keys)


def _spec(name: str, details: Mapping[str, Any], source: ModelFile | None) -> TensorSpec:
    parameters = details["quantization_parameters"]
    quantization = None
    if len(parameters["scales"]):
        quantization = AffineQuantization.of(
            parameters["scales"], parameters["zero_points"], int(parameters["quantized_dimension"])
        )
    return TensorSpec(
        name=name,
        shape=tuple(int(size) for size in details["shape"]),
        dtype=np.dtype(details["dtype"]),
        quantization=quantization,
        open_axes=tuple(axis for axis, size in enumerate(details["shape_signature"]) if size < 0),
        source=source,
    )


def _interpreter_class(runtime: str) -> Any:
    if runtime == "tf.lite":
        try:
            import tensorflow as tf
        except ImportError as error:
            raise ImportError(
                "tf.lite.Interpreter needs TensorFlow, which is not installed; pip install 'zerolite[convert]'"
            ) from error
        return tf.lite.Interpreter
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter
