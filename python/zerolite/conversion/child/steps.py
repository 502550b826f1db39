"""One conversion from beginning to end, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from zerolite._platform.files import write_atomically
from zerolite._platform.peak_memory import peak_of_children, peak_resident_bytes
from zerolite.conversion.child.output_check import OutputCheck, SourceRunner
from zerolite.conversion.operators import count_operators, without_kernel
from zerolite.conversion.options import QUANTIZATION_MODES
from zerolite.conversion.quantization.quantizer import FloatModel
from zerolite.conversion.request import ConversionRequest
from zerolite.conversion.samples.input_spec import InputSpec
from zerolite.conversion.samples.reader import SampleReader

__all__ = ["convert_here"]

_SAMPLES_COMPARED = 32


def convert_here(request: ConversionRequest, step: Callable[[str], None]) -> dict[str, Any]:
    """Convert the model into the request's file.

    Args:
        request: what to do.
        step: told what comes next.

    Returns:
        What a `ConversionResult` says beside the bytes, as plain values.

    Raises:
        ConversionError: the model can't be converted.
        ImportError, OSError, TypeError, ValueError: see `convert`.
    """
    if request.kind == "tflite":
        return _convert_file(request, step)
    if request.kind in ("torch_program", "onnx_file"):
        return _convert_to_float(request, step)
    return _convert_with_tensorflow(request, step)


def _convert_file(request: ConversionRequest, step: Callable[[str], None]) -> dict[str, Any]:
    content = Path(request.path).read_bytes()
    model = FloatModel(content, request.name)
    samples = SampleReader(request.samples, model.specs)
    to_compare = samples.first(_SAMPLES_COMPARED) if request.verify else {}
    result, kept = _quantized(model, request, samples, step)
    told = _finish(request, result, source=model, samples=to_compare, source_size=len(content), step=step)
    return told | {"kept_float": kept}


def _convert_to_float(request: ConversionRequest, step: Callable[[str], None]) -> dict[str, Any]:
    """Sources whose converters make float32 models: litert-quantizer does the rest."""
    from zerolite.conversion.signature_order import with_signature_order

    step("Reading the model")
    source = _float_source(request)
    samples = SampleReader(request.samples, source.specs)
    to_compare = samples.first(_SAMPLES_COMPARED) if request.verify else {}
    step("Converting")
    content = with_signature_order(source.convert(), {"serving_default": source.order})
    kept: list[str] = []
    if request.quantize != "none":
        content, kept = _quantized(FloatModel(content, request.name), request, samples, step)
    size = Path(request.path).stat().st_size
    told = _finish(request, content, source=source, samples=to_compare, source_size=size, step=step)
    return told | {"kept_float": kept}


def _float_source(request: ConversionRequest) -> Any:
    if request.kind == "onnx_file":
        from zerolite.conversion.sources.onnx.model import OnnxModel

        return OnnxModel(request)
    from zerolite.conversion.sources.pytorch.program import TorchProgram

    return TorchProgram(request)


def _convert_with_tensorflow(request: ConversionRequest, step: Callable[[str], None]) -> dict[str, Any]:
    from zerolite.conversion.signature_order import SignatureOrder, with_signature_order
    from zerolite.conversion.sources.tensorflow.converter import convert_saved_model
    from zerolite.conversion.sources.tensorflow.saved_model import SavedModel

    step("Reading the model")
    exported = Path(request.result).with_name("exported")
    folder, specs, heads, program = _saved_model(request, exported)
    orders = {key: SignatureOrder(*order) for key, order in request.orders.items()}
    if specs is not None or heads:
        orders["serving_default"] = SignatureOrder([spec.name for spec in specs or ()], heads)
    model = SavedModel(folder, request, specs, orders)
    samples = SampleReader(request.samples, model.specs)
    to_compare = samples.first(_SAMPLES_COMPARED) if request.verify else {}
    step("Converting")
    mode = QUANTIZATION_MODES[request.quantize]
    kept: list[str] = []
    if mode.needs_quantizer or request.keep_float:
        content = with_signature_order(convert_saved_model(model, request, quantize="none", samples=None), model.orders)
        content, kept = _quantized(FloatModel(content, request.name), request, samples, step)
    else:
        content = convert_saved_model(
            model, request, quantize=request.quantize, samples=samples if mode.needs_data and request.samples else None
        )
        content = with_signature_order(content, model.orders)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    told = _finish(request, content, source=program or model, samples=to_compare, source_size=size, step=step)
    return told | {
        "kept_float": kept,
        "positions": [] if any(order.inputs for order in model.orders.values()) else samples.positions,
    }


def _quantized(
    model: FloatModel, request: ConversionRequest, samples: SampleReader, step: Callable[[str], None]
) -> tuple[bytes, list[str]]:
    """The quantized model, and the names of the layers that stay as they are."""
    kept = model.layers(request.keep_float)
    step("Quantizing")
    content = model.quantized(
        request.quantize,
        request.io_dtype,
        samples,
        block_size=request.block_size,
        keep_float=kept,
        kept_as=request.kept_as,
        kept_ranges=Path(request.ranges) if request.ranges else None,
    )
    return content, [layer.name for layer in kept]


def _saved_model(
    request: ConversionRequest, exported: Path
) -> tuple[Path, Sequence[InputSpec] | None, Sequence[str], SourceRunner | None]:
    """A SavedModel of the source, what it takes and gives where that is known, and what else the source runs with."""
    if request.kind != "jax_program":
        from zerolite.conversion.sources.tensorflow.saved_model_making import make_saved_model

        return *make_saved_model(request, exported), None
    from zerolite.conversion.sources.jax.program import JaxProgram

    program = JaxProgram(request)
    program.save(exported)
    return exported, program.inputs, program.outputs, program


def _finish(
    request: ConversionRequest,
    content: bytes,
    *,
    source: SourceRunner,
    samples: Mapping[str | None, Sequence[Mapping[str, NDArray[Any]]]],
    source_size: int,
    step: Callable[[str], None],
) -> dict[str, Any]:
    """Write the model, look into it, and compare it with its source."""
    write_atomically(request.result_path, content)
    check = OutputCheck(source, content)
    verification = None
    if request.verify:
        step("Verifying")
        verification = check.run(samples)
    return {
        "source_size": source_size,
        "operators": count_operators(content),
        "unsupported": [asdict(one) for one in (() if check.loads else without_kernel(content))],
        "verification": None if verification is None else verification.to_dict(),
        "not_verified": check.skip_reason if request.verify else None,
        "peak_memory": max(peak_resident_bytes(), peak_of_children()),
    }
