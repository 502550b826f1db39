"""A program of jax.export that is converted, and run to verify the result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.result import ConversionError, first_line
from zerolite.conversion.samples.input_spec import InputSpec, Specs
from zerolite.conversion.sources.jax.exporting import NAMES_FILE, PROGRAM_FILE
from zerolite.conversion.sources.tensorflow.exported_model import export_functions
from zerolite.conversion.sources.tensorflow.node_names import node_names, rename_inputs

__all__ = ["JaxProgram"]

_SIGNATURE = "serving_default"


class JaxProgram:
    """One program, as JAX itself runs it.

    Attributes:
        inputs: what it takes, in order.
        outputs: the names of what it gives, in order.
        specs: the inputs by signature.
    """

    def __init__(self, request: ConversionRequest) -> None:
        """Read it.

        Raises:
            ConversionError: this process's JAX can't read it.
        """
        import jax
        from jax import export

        self._name = request.name
        folder = Path(request.path)
        names = json.loads((folder / NAMES_FILE).read_text(encoding="utf-8"))
        try:
            self._program: Any = export.deserialize(bytearray((folder / PROGRAM_FILE).read_bytes()))
        except ValueError as error:
            raise ConversionError(
                f"JAX {jax.__version__} can't read '{request.name}': {first_line(error)}", log=""
            ) from error
        self.inputs = [
            InputSpec(name, tuple(map(int, one.shape)), one.dtype.name)
            for name, one in zip(names["inputs"], self._program.in_avals, strict=True)
        ]
        self.outputs: list[str] = names["outputs"]
        self.specs: Specs = {_SIGNATURE: self.inputs}

    def run(self, signature: str | None, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:  # noqa: ARG002 - there is one
        """The outputs of one sample by name."""
        answer = self._program.call(*[inputs[spec.name] for spec in self.inputs])
        return {name: _array(value) for name, value in zip(self.outputs, answer, strict=True)}

    def save(self, folder: Path) -> None:
        """Write it as a SavedModel, under the signature "serving_default".

        Raises:
            ConversionError: jax2tf or TensorFlow refused it.
            OSError: there is no room for it.
        """
        import tensorflow as tf
        from jax.experimental import jax2tf

        safe = node_names(spec.name for spec in self.inputs)
        native = jax2tf.convert(self._program.call, with_gradient=False)

        def infer(**tensors: Any) -> dict[str, Any]:
            answer = native(*[tensors[safe[spec.name]] for spec in self.inputs])
            return dict(zip(self.outputs, answer, strict=True))

        try:
            traced = tf.function(infer, autograph=False).get_concrete_function(
                **{safe[spec.name]: tf.TensorSpec(spec.shape, spec.dtype, name=safe[spec.name]) for spec in self.inputs}
            )
            export_functions({_SIGNATURE: traced}, folder)
        except (OSError, MemoryError):
            raise
        except Exception as error:
            raise ConversionError(
                f"'{self._name}' can't be made a program of TensorFlow by jax2tf: {first_line(error)}", log=""
            ) from error
        rename_inputs(folder, _SIGNATURE, {argument: name for name, argument in safe.items()})


def _array(value: Any) -> NDArray[Any]:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.name in ("bfloat16", "float16") else array
