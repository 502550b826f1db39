"""The check of a conversion: source and result run on the same samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from zerolite._inference.loading import load
from zerolite._inference.model import CompiledModel
from zerolite._inference.signature import Signature
from zerolite._native import Error
from zerolite._runners.compiled_model import tensor_spec
from zerolite._runners.inner_quantization import with_inner_quantization
from zerolite._runners.input_range import InputRange, RangeMeter
from zerolite._runtime.quantization import AffineQuantization
from zerolite._runtime.tensor import Tensor
from zerolite.conversion.operators import without_kernel
from zerolite.conversion.result import OutputDifference, Verification, first_line
from zerolite.conversion.samples.input_spec import InputSpec, Specs

__all__ = ["OutputCheck", "SourceRunner", "run_signature"]

Arrays = Mapping[str, NDArray[Any]]

_RANDOM_SAMPLES = 4
# How far the sum of probabilities may be from 1: float32 over 1,000 classes stays well below.
_SUM_TOLERANCE = 1e-3


class SourceRunner(Protocol):
    """A model that was converted."""

    @property
    def specs(self) -> Specs:
        """The inputs of each signature."""
        ...

    def run(self, signature: str | None, inputs: Arrays) -> Arrays:
        """The outputs of one sample by name, as real numbers."""
        ...


class OutputCheck:
    """Compares the outputs of a source with those of its conversion.

    Attributes:
        loads: whether zerolite can load the conversion.
        skip_reason: why nothing was compared, in a clause; None when something was.
    """

    def __init__(self, source: SourceRunner, content: bytes) -> None:
        self._source = source
        self._content = content
        self.skip_reason: str | None = None
        try:
            load(content).close()
            self.loads = True
        except Error as error:
            self.loads = False
            missing = [one.name for one in without_kernel(content)]
            self.skip_reason = f"zerolite has no kernel for {', '.join(missing)}" if missing else str(error)

    def run(self, samples: Mapping[str | None, Sequence[Arrays]]) -> Verification | None:
        """Run both.

        Args:
            samples: inputs by signature; where there are none, random ones are made.

        Returns:
            The differences; None where nothing could be compared, as `skip_reason` says.
        """
        if not self.loads:
            return None
        data: Literal["representative", "random"] = "representative" if samples else "random"
        differences: dict[str, dict[str, OutputDifference]] = {}
        ranges: dict[str, dict[str, InputRange]] = {}
        counts = []
        with closing(load(self._content)) as model:
            for key, specs in self._source.specs.items():
                inputs = list(samples.get(key, samples.get(None, ())) if samples else self._random(specs))
                if not inputs:
                    self.skip_reason = self.skip_reason or f"there are no samples for the signature '{key}'"
                    return None
                # In a model without signatures, the runtime makes up one and its name.
                name = key if key in model.signatures else next(iter(model.signatures))
                try:
                    differences[str(name)] = self._differences(model.signatures[str(name)], key, inputs)
                except Exception as error:  # noqa: BLE001 - the model is converted, whatever becomes of this
                    self.skip_reason = f"a run of the signature '{name}' failed: {first_line(error)}"
                    return None
                ranges[str(name)] = self._ranges(model.signatures[str(name)], inputs)
                counts.append(len(inputs))
        return Verification(samples=min(counts), data=data, signatures=differences, inputs=ranges)

    def _ranges(self, signature: Signature, samples: Sequence[Arrays]) -> dict[str, InputRange]:
        """What the quantized inputs can hold, and how much of the samples they can't."""
        specs = with_inner_quantization(
            [tensor_spec(tensor) for tensor in signature.inputs.values()], self._content, signature.key
        )
        meters = {spec.name: RangeMeter(spec.stored_as) for spec in specs if spec.stored_as is not None}
        for sample in samples:
            for name, meter in meters.items():
                if sample[name].dtype.kind == "f":
                    meter.add(sample[name])
        return {name: found for name, meter in meters.items() if (found := meter.range()) is not None}

    def _differences(
        self, signature: Signature, key: str | None, samples: Sequence[Arrays]
    ) -> dict[str, OutputDifference]:
        expected: dict[str, list[NDArray[Any]]] = {}
        came: dict[str, list[NDArray[Any]]] = {}
        for sample in samples:
            answer = self._source.run(key, sample)
            for name, array in run_signature(signature, sample).items():
                expected.setdefault(name, []).append(np.asarray(answer[name]))
                came.setdefault(name, []).append(array)
        return {name: _difference(expected[name], came[name]) for name in came}

    def _random(self, specs: Sequence[InputSpec]) -> list[Arrays]:
        rng = np.random.default_rng(0)
        samples: list[Arrays] = []
        for _ in range(_RANDOM_SAMPLES):
            sample = {}
            for spec in specs:
                if None in spec.shape[1:]:
                    self.skip_reason = (
                        f"input '{spec.name}' has open axes, {spec.shape}; give representative_data, or fix them with "
                        "inputs"
                    )
                    return []
                shape = tuple(1 if size is None else size for size in spec.shape)
                dtype = np.dtype(spec.dtype)
                if dtype.kind in "fc":
                    sample[spec.name] = rng.standard_normal(shape).astype(dtype)
                elif dtype.kind in "biu":
                    # Whatever the integers stand for, 0 and 1 are most likely valid.
                    sample[spec.name] = rng.integers(2, size=shape).astype(dtype)
                else:
                    self.skip_reason = f"input '{spec.name}' takes {spec.dtype}; give representative_data"
                    return []
            samples.append(sample)
        return samples


def run_signature(signature: CompiledModel | Signature, inputs: Arrays) -> dict[str, NDArray[Any]]:
    """Run a signature on real numbers, quantized where its inputs are, and give real numbers back.

    Samples do not depend on one another: a model with variables begins anew.
    """
    shapes = {name: array.shape for name, array in inputs.items() if tuple(signature.inputs[name].shape) != array.shape}
    if shapes:
        signature.resize(shapes)
    signature.reset()
    stored = {name: _stored(signature.inputs[name], array) for name, array in inputs.items()}
    answer = signature(stored)
    names = list(signature.outputs)
    outputs = answer if isinstance(answer, Mapping) else {names[0]: answer}
    return {name: _real(signature.outputs[name], np.asarray(array)) for name, array in outputs.items()}


def _stored(tensor: Tensor, array: NDArray[Any]) -> NDArray[Any]:
    dtype = np.dtype(tensor.dtype)
    if tensor.quantization is not None and array.dtype.kind == "f" and dtype.kind in "iu":
        return AffineQuantization.of(*tensor.quantization).quantize(array, dtype)
    return np.asarray(array, dtype=dtype, order="C")


def _real(tensor: Tensor, array: NDArray[Any]) -> NDArray[Any]:
    if tensor.quantization is None or array.dtype.kind not in "iu":
        return array
    return AffineQuantization.of(*tensor.quantization).dequantize(array)


def _difference(expected: Sequence[NDArray[Any]], came: Sequence[NDArray[Any]]) -> OutputDifference:
    largest, total, elements = 0.0, 0.0, 0
    for one, other in zip(expected, came, strict=True):
        if one.shape != other.shape:
            raise ValueError(f"the shapes of an output are {one.shape} and {other.shape}")
        if one.dtype.kind not in "biufc":
            distance = (one != other).astype(np.float64)
        else:
            wide = np.complex128 if one.dtype.kind == "c" else np.float64
            with np.errstate(invalid="ignore"):
                distance = np.abs(one.astype(wide) - other.astype(wide))
            same = (one == other) | (np.isnan(one.astype(wide)) & np.isnan(other.astype(wide)))
            distance = np.where(same, 0.0, np.where(np.isnan(distance), math.inf, distance))
        if distance.size:
            largest = max(largest, float(distance.max()))
            total += float(distance.sum())
            elements += distance.size
    return OutputDifference(largest, total / elements if elements else 0.0, _top1_agreement(expected, came))


def _top1_agreement(expected: Sequence[NDArray[Any]], came: Sequence[NDArray[Any]]) -> float | None:
    """The share of rows with the same largest element, if the source's rows are probabilities."""
    if not all(map(_is_probabilities, expected)):
        return None
    agree = [
        # NaN is no largest element, though argmax finds it.
        (np.argmax(one, axis=-1) == np.argmax(other, axis=-1)) & ~np.isnan(other).any(axis=-1)
        for one, other in zip(expected, came, strict=True)
    ]
    return float(np.mean(np.concatenate(agree)))


def _is_probabilities(array: NDArray[Any]) -> bool:
    if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind != "f":  # noqa: PLR2004 - rows, classes
        return False
    return bool((array >= 0).all() and (np.abs(array.sum(axis=1) - 1) < _SUM_TOLERANCE).all())
