"""An ONNX file that is converted, and run to verify the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite._inference.loading import load
from zerolite.conversion.child.output_check import run_signature
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError, first_line
from zerolite.conversion.samples.input_spec import InputSpec, Specs, shown_shape
from zerolite.conversion.signature_order import SignatureOrder
from zerolite.conversion.sources.channel_order import (
    channels_first_arrays,
    channels_last_arrays,
    channels_last_shape,
    has_channels,
    with_transposed_outputs,
)
from zerolite.conversion.sources.onnx.command import run_command

__all__ = ["OnnxModel"]

_SIGNATURE = "serving_default"
_LEAST_WITH_CHANNELS = 3  # batch, channels, length


class OnnxModel:
    """One ONNX file, with the shapes and outputs that were chosen, as ONNX Runtime runs it.

    Attributes:
        specs: the inputs in the order of the file, in the wanted order of axes.
        order: the names of inputs and outputs in that order.
    """

    def __init__(self, request: ConversionRequest) -> None:
        """Read it.

        Raises:
            ConversionError: it is no sound ONNX file, or has operators that ONNX Runtime does not know.
            ValueError: there is no such input or output, or a shape does not fit.
        """
        import onnx
        import onnxruntime

        self._request = request
        self._path = Path(request.path)
        try:
            model = onnx.load(self._path)
            onnx.checker.check_model(str(self._path))
        except OSError:
            raise
        except Exception as error:  # protobuf's and the checker's own
            raise ConversionError(f"'{request.name}' is no sound ONNX file: {first_line(error)}", log="") from error
        self._choose(model)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(self._path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ConversionError(
                f"ONNX Runtime {onnxruntime.__version__} can't run '{request.name}', which it is verified with: "
                f"{first_line(error)}",
                log="",
            ) from error
        inputs = self._session.get_inputs()
        self._source = [InputSpec(one.name, _shape(one.shape), _dtype(one.type)) for one in inputs]
        self._outputs = [one.name for one in self._session.get_outputs()]
        self._is_last = request.layout == "nhwc"
        specs = [
            InputSpec(one.name, channels_last_shape(one.shape) if self._is_last else one.shape, one.dtype)
            for one in self._source
        ]
        self.specs: Specs = {_SIGNATURE: specs}
        self.order = SignatureOrder([spec.name for spec in specs], self._outputs)

    def run(self, signature: str | None, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:  # noqa: ARG002 - there is one
        """The outputs of one sample by name."""
        arrays = channels_first_arrays(inputs) if self._is_last else inputs
        answer = dict(zip(self._outputs, self._session.run(self._outputs, dict(arrays)), strict=True))
        return channels_last_arrays(answer) if self._is_last else answer

    def convert(self) -> bytes:
        """The .tflite file's bytes, in float32, in the wanted order of axes.

        Raises:
            ConversionError: onnx2tf refused the model, or changed its inputs or outputs.
        """
        folder = Path(self._request.result).with_name("onnx2tf")
        kept = [one.name for one in self._source if not (self._is_last and has_channels(one.shape))]
        content = run_command(self._path, folder, kept=kept, name=self._request.name)
        with load(content) as model:
            found = (list(model.inputs), list(model.outputs))
        if tuple(map(set, found)) != (set(self.order.inputs), set(self.order.outputs)):
            raise ConversionError(
                f"onnx2tf made other inputs and outputs of '{self._request.name}': {', '.join(found[0])} and "
                f"{', '.join(found[1])}, in the place of {', '.join(self.order.inputs)} and "
                f"{', '.join(self.order.outputs)}",
                log="",
            )
        return with_transposed_outputs(content, self._turned(content))

    def _choose(self, model: Any) -> None:
        """Write a file with the shapes and outputs that were asked for, where any were."""
        import onnx

        stored = {one.name for one in model.graph.initializer}
        inputs = {one.name: one for one in model.graph.input if one.name not in stored}
        outputs = [one.name for one in model.graph.output]
        for what, wanted, known in (
            ("input", self._request.inputs, inputs),
            ("output", self._request.outputs, outputs),
        ):
            unknown = [name for name in wanted if name not in known]
            if unknown:
                raise ValueError(f"the model has no {what} '{unknown[0]}'; it has {', '.join(known)}")
        if not self._request.inputs and not self._request.outputs:
            return
        for name, shape in self._request.inputs.items():
            axes = inputs[name].type.tensor_type.shape.dim
            present = tuple(axis.dim_value or None for axis in axes)
            if len(axes) != len(shape) or any(k not in (None, size) for k, size in zip(present, shape, strict=True)):
                raise ValueError(
                    f"'{self._request.name}' does not take inputs of these shapes: input '{name}' is "
                    f"{shown_shape(present)}, and {shown_shape(tuple(shape))} is asked for"
                )
            for axis, size in zip(axes, shape, strict=True):
                axis.dim_value = int(size)
        if self._request.outputs:
            for one in [one for one in model.graph.output if one.name not in self._request.outputs]:
                model.graph.output.remove(one)
        # Shapes of what is between follow from those of the inputs.
        del model.graph.value_info[:]
        if self._request.inputs:
            for one in model.graph.output:
                one.type.tensor_type.ClearField("shape")
            model = onnx.shape_inference.infer_shapes(model)
        self._path = Path(self._request.result).with_name("chosen.onnx")
        onnx.save(model, self._path)

    def _turned(self, content: bytes) -> dict[str, Sequence[int]]:
        """The outputs whose axes onnx2tf has in another order than is wanted, each with the order that mends it.

        Which one it chose for an output depends on the operators before that, and is not written anywhere: an answer to
        random numbers tells it.
        """
        rng = np.random.default_rng(0)
        specs = self.specs[_SIGNATURE]
        sample = {
            spec.name: rng.integers(2, size=shape).astype(spec.dtype)
            if np.dtype(spec.dtype).kind in "biu"
            else rng.standard_normal(shape).astype(spec.dtype)
            for spec in specs
            for shape in [tuple(1 if size is None else size for size in spec.shape)]
        }
        try:
            expected = self.run(_SIGNATURE, sample)
            with load(content) as model:
                came = run_signature(model, sample)
        except Exception:  # noqa: BLE001 - open axes that fit no size of one; the verification tells
            return {}
        turned: dict[str, Sequence[int]] = {}
        for name, wanted in expected.items():
            orders = _orders(came[name].shape, wanted.shape)
            distances = {order: float(np.abs(came[name].transpose(order) - wanted).mean()) for order in orders}
            best = min(distances, key=lambda order: distances[order], default=())
            if best and best != tuple(range(len(best))):
                turned[name] = best
        return turned


def _orders(came: Sequence[int], wanted: Sequence[int]) -> list[tuple[int, ...]]:
    """The orders of axes that make one shape of the other, of these: as they are, and channels moved to an end."""
    places = tuple(range(len(came)))
    first, last = (0, *places[-1:], *places[1:-1]), (0, *places[2:], 1)
    known = dict.fromkeys([places, first, last]) if len(places) >= _LEAST_WITH_CHANNELS else {places: None}
    return [order for order in known if [came[axis] for axis in order] == list(wanted)]


def _shape(axes: Sequence[Any]) -> tuple[int | None, ...]:
    """Axes with names are open."""
    return tuple(size if isinstance(size, int) and size > 0 else None for size in axes)


def _dtype(name: str) -> str:
    """NumPy's name of ONNX Runtime's "tensor(float)"."""
    inner = name.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(inner, inner)
