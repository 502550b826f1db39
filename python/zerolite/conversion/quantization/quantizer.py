"""Quantizing a float .tflite model with litert-quantizer, which needs no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zerolite import _native
from zerolite._inference.loading import load
from zerolite._platform.files import write_atomically
from zerolite._platform.machine import usable_cores
from zerolite.conversion.child.output_check import run_signature
from zerolite.conversion.quantization.layer_choice import Layer, chosen_layers, layers_of
from zerolite.conversion.quantization.recipe import quantization_recipe
from zerolite.conversion.result import ConversionError, first_line
from zerolite.conversion.samples.input_spec import InputSpec, Specs

__all__ = ["FloatModel"]

Samples = Callable[[], Iterable[tuple[str | None, Mapping[str, NDArray[Any]]]]]


class FloatModel:
    """A .tflite model whose weights and activations are float32.

    Attributes:
        specs: the inputs of each signature.
    """

    def __init__(self, content: bytes, name: str) -> None:
        """Load it.

        Args:
            content: the file's bytes.
            name: what errors call it.

        Raises:
            InvalidModelError: no sound model.
            ValueError: the model is quantized already.
        """
        self._content = content
        self._name = name
        self._model = load(content)
        quantized = _quantized_tensor(content)
        if quantized is not None:
            raise ValueError(f"{name} is quantized already (its tensor '{quantized}'); give the float32 model")
        self.specs: Specs = {
            key: [
                InputSpec(
                    tensor.name,
                    tuple(None if size < 0 else size for size in tensor.shape_signature),
                    np.dtype(tensor.dtype).name,
                )
                for tensor in signature.inputs.values()
            ]
            for key, signature in self._model.signatures.items()
        }

    def run(self, signature: str | None, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """The outputs of one sample by name."""
        return run_signature(self._model.signatures[str(signature)], inputs)

    def layers(self, patterns: Sequence[str]) -> list[Layer]:
        """The layers that `chosen_layers` finds for the patterns.

        Raises:
            ValueError: a pattern means none.
        """
        return chosen_layers(layers_of(self._content), patterns, self._name)

    def quantized(
        self,
        quantize: str,
        io_dtype: str | Sequence[str] | None,
        samples: Samples,
        *,
        block_size: int | None = None,
        keep_float: Sequence[Layer] = (),
        kept_as: str = "float32",
        kept_ranges: Path | None = None,
    ) -> bytes:
        """The model in another quantization.

        Args:
            quantize: a key of `QUANTIZATION_MODES` other than "none".
            io_dtype: the type of inputs and outputs, or one for either; None is the mode's default.
            samples: the representative data, for the modes that need it.
            block_size: how many weights share a scale; None for all of a channel.
            keep_float: layers that stay as they are, or that have activations of another type.
            kept_as: that type, "float32" or "int16".
            kept_ranges: a file with the ranges of activations, which is written where it is not there yet.

        Raises:
            ConversionError: the quantizer refused the model.
            ImportError: litert-quantizer is not installed.
            ValueError: a signature has no samples, or a sample does not fit.
        """
        from litert_quantizer import quantizer

        try:
            recipe = quantization_recipe(
                quantize, io_dtype, block_size=block_size, keep_float=keep_float, kept_as=kept_as
            )
            worker = quantizer.Quantizer(self._content, recipe)
            ranges = None
            if worker.need_calibration:
                self._check_signatures(quantize)
                # Of all activations: there may be none beside the layers that are kept, and no ranges are an error.
                everything = quantization_recipe(quantize, io_dtype)
                ranges = _read_ranges(kept_ranges) or self._ranges(everything, samples)
                if kept_ranges is not None:
                    _write_ranges(kept_ranges, ranges)
            result = worker.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
        except (OSError, MemoryError, ConversionError):
            raise
        except Exception as error:
            own: Exception | None = getattr(samples, "error", None)
            if own is not None or isinstance(error, _MissingSamplesError):
                raise ValueError(str(own or error)) from None
            raise ConversionError(
                f"litert-quantizer refused '{self._name}' with quantize='{quantize}': {first_line(error)}", log=""
            ) from error
        return bytes(result.quantized_model)

    def _check_signatures(self, quantize: str) -> None:
        """The quantizer takes the ranges of activations by signature (0.11)."""
        if not _native.read_contents(self._content).signatures:
            raise ConversionError(
                f"'{self._name}' has no signatures, which litert-quantizer needs for quantize='{quantize}'; convert "
                "its source again with a newer TensorFlow, or choose 'dynamic'",
                log="",
            )

    def _ranges(self, recipe: Any, samples: Samples) -> Any:
        """The smallest and largest value of each activation over all samples.

        The quantizer's own `calibrate` (0.11) takes moving averages, which start from the first sample and move by
        a twentieth: of some dozens of samples that differ, much is clipped.
        """
        from litert_quantizer import calibrator, recipe_manager
        from litert_quantizer.utils import qsv_utils

        manager = recipe_manager.RecipeManager()
        manager.load_quantization_recipe(recipe)
        threads = usable_cores()
        work = calibrator.Calibrator(self._content, num_threads=threads, qsv_update_func=qsv_utils.min_max_update)
        work.calibrate(self._by_signature(samples), manager)
        return work.get_model_qsvs()

    def _by_signature(self, samples: Samples) -> dict[str, Iterable[Mapping[str, NDArray[Any]]]]:
        """The samples of each signature, read as they are used."""
        keys = [str(key) for key in self.specs]
        if len(keys) == 1:
            return {keys[0]: _Samples(samples, None)}
        covered = {str(signature) for signature, _ in samples()}
        missing = [key for key in keys if key not in covered]
        if missing:
            raise _MissingSamplesError(
                f"representative_data has no samples for the signature{'s' if len(missing) > 1 else ''} "
                f"{', '.join(missing)}; give a mapping from every signature to data"
            )
        return {key: _Samples(samples, key) for key in keys}


class _MissingSamplesError(ValueError):
    """Told apart from the quantizer's own errors."""


class _Samples:
    """The samples of one signature, an iterable that begins anew each time."""

    def __init__(self, samples: Samples, signature: str | None) -> None:
        self._samples = samples
        self._signature = signature

    def __iter__(self) -> Iterator[Mapping[str, NDArray[Any]]]:
        return (sample for signature, sample in self._samples() if self._signature in (None, signature))


def _read_ranges(path: Path | None) -> dict[str, dict[str, NDArray[Any]]] | None:
    if path is None or not path.exists():
        return None
    document: dict[str, dict[str, Any]] = json.loads(path.read_text())
    return {
        tensor: {side: np.asarray(value, np.float32) for side, value in sides.items()}
        for tensor, sides in document.items()
    }


def _write_ranges(path: Path, ranges: Mapping[str, Mapping[str, Any]]) -> None:
    document = {
        tensor: {side: np.asarray(value).tolist() for side, value in sides.items()} for tensor, sides in ranges.items()
    }
    write_atomically(path, json.dumps(document).encode())


def _quantized_tensor(content: bytes) -> str | None:
    """The name of a tensor that is stored with scales, or as float16 or int4; None when there is none."""
    for subgraph in _native.read_contents(content).subgraphs:
        for tensor in subgraph.tensors:
            if tensor.scales or tensor.dtype in ("float16", "int4"):
                return tensor.name
    return None
