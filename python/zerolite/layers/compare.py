"""The function `compare_layers`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from zerolite import _native
from zerolite._data.block import SampleBlock
from zerolite._data.open import open_samples
from zerolite._inference.loading import load
from zerolite._inference.model import CompiledModel, signature_of
from zerolite._inference.signature import Signature, warn_of_positions
from zerolite._inference.source import ModelSource
from zerolite._instrumentation import Trace
from zerolite._instrumentation.tracer import builtin_replica, trace_replica
from zerolite._runners.compiled_model import tensor_spec
from zerolite.layers.layer_error import ErrorSum
from zerolite.layers.result import LayerComparison

if TYPE_CHECKING:
    from collections.abc import Callable

    from zerolite._runners import TensorSpec
    from zerolite.vision import Resampling

__all__ = ["compare_layers"]


def compare_layers(
    float_model: ModelSource | CompiledModel | Signature,
    quantized_model: ModelSource | CompiledModel | Signature,
    data: Any,
    *,
    signature: str | None = None,
    preprocessing: str | None = None,
    resampling: Resampling = "nearest",
    progress: Callable[[int, int | None], None] | None = None,
) -> LayerComparison:
    """Run a model and its quantized version over the same items, and compare every tensor that both compute.

    Tensors are matched by name, in the graph of the signature. Each model goes its own way from the inputs on, so the
    error of a layer holds what the layers before it have lost; where it leaps, a layer loses much itself.

    Args:
        float_model: a path, bytes or a loaded model; the values that count as right.
        quantized_model: the same for the other model, whose integers are compared as the real numbers they stand for.
        data: items as `evaluate` takes them, labels left out: an array with the items along its leading axis, a tuple
            or mapping of such arrays for several inputs, the path of an .npz or .npy file or of a folder of images by
            class. Real numbers are quantized where an input is.
        signature: the key of the signature to run, where it is not the default.
        preprocessing: of images; see `evaluate`.
        resampling: of images; see `evaluate`.
        progress: called as ``progress(done, total)`` after each item; the total may be None.

    Raises:
        TypeError, ValueError: the data does not fit a model, or the models compute no tensor of one name and shape.
        OSError, InvalidModelError, Error: a model can't be loaded or run.
    """
    with ExitStack() as stack:
        exact_signature = _opened(float_model, signature, stack)
        other_signature = _opened(quantized_model, signature, stack)
        specs = [_specs(one) for one in (exact_signature, other_signature)]
        replicas = [builtin_replica(one) for one in (exact_signature, other_signature)]
    order = [spec.name for spec in specs[0]]
    source = open_samples(
        data,
        None,
        specs,
        preprocessing=preprocessing,
        resampling=resampling,
        on_positions=lambda: warn_of_positions(replicas[0]),
    )
    sums: dict[str, ErrorSum] = {}
    computed: tuple[set[str], set[str]] = (set(), set())
    matched: set[str] = set()
    done = 0
    for block in source.blocks(1):
        traces = [_trace(replica, block, spec, order) for replica, spec in zip(replicas, specs, strict=True)]
        for names, trace in zip(computed, traces, strict=True):
            names.update(trace)
        matched.update(_add(sums, *traces))
        done += 1
        if progress is not None:
            progress(done, source.total)
    layers = tuple(one.layer() for one in sums.values() if one.is_finite)
    if not layers:
        raise ValueError(
            f"the models compute no tensors of the same names and shapes, so there is nothing to compare: the first "
            f"computes {_some(computed[0])}, and the second {_some(computed[1])}"
        )
    return LayerComparison(
        float_model=_name(float_model, exact_signature),
        quantized_model=_name(quantized_model, other_signature),
        signature=replicas[1].key,
        items=done,
        layers=layers,
        only_float=tuple(sorted(computed[0] - matched)),
        only_quantized=tuple(sorted(computed[1] - matched)),
    )


def _opened(
    model: ModelSource | CompiledModel | Signature, signature: str | None, stack: ExitStack
) -> CompiledModel | Signature:
    if isinstance(model, Signature):
        return model
    opened = model if isinstance(model, CompiledModel) else stack.enter_context(load(model))
    return signature_of(opened, signature)


def _specs(signature: CompiledModel | Signature) -> list[TensorSpec]:
    specs = [tensor_spec(tensor) for tensor in signature.inputs.values()]
    if not specs:
        raise ValueError("the model has no inputs that data could go into")
    for spec in specs:
        if not spec.shape or spec.shape[0] != 1:
            raise ValueError(
                f"input '{spec.name}' has the shape {spec.shape}, and layers are compared item by item, with a leading "
                "axis of 1; resize it"
            )
    return specs


def _trace(replica: _native.Signature, block: SampleBlock, specs: list[TensorSpec], order: Sequence[str]) -> Trace:
    replica._reset()  # the items do not depend on one another
    stored = block.stored(specs, order)
    return trace_replica(replica, ({spec.name: array for spec, array in zip(specs, stored, strict=True)},), {})


def _add(sums: dict[str, ErrorSum], exact: Trace, other: Trace) -> set[str]:
    """Add one item's errors; the names of all tensors that both models compute in the same shape."""
    matched = set()
    for name in other:
        tensor = other.tensor(name)
        if name not in exact or exact[name].shape != tensor.values.shape:
            continue
        matched.add(name)
        # Float models also compute shapes and indices; those are no layers.
        if exact[name].dtype.kind in "fV" and tensor.values.dtype.kind in "fiuV":
            sums.setdefault(name, ErrorSum(tensor)).add(tensor.real, exact[name])
    return matched


def _name(source: object, signature: CompiledModel | Signature) -> str:
    return os.fspath(source) if isinstance(source, str | os.PathLike) else _native.model_name(signature)


def _some(names: set[str]) -> str:
    few = sorted(names)[:3]
    return ", ".join(map(repr, few)) + (", ..." if len(names) > len(few) else "") if few else "none"
