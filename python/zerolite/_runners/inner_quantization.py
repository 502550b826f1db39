"""Inputs of real numbers that a model quantizes itself, before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zerolite import _native
from zerolite._runners.input_range import StoredAs
from zerolite._runners.runner import ModelFile, TensorSpec
from zerolite._runners.score_kind import places, read_model
from zerolite._runtime.quantization import AffineQuantization

__all__ = ["inner_quantization", "with_inner_quantization"]


def with_inner_quantization(
    specs: Sequence[TensorSpec], source: ModelFile | None, signature: str | None = None
) -> tuple[TensorSpec, ...]:
    """The inputs of a model, those of real numbers with what these are quantized to inside.

    Args:
        specs: the inputs.
        source: the path of the model's file, or its bytes; None where neither is known.
        signature: the signature that they belong to; None where that is not known.
    """
    if source is None or all(spec.dtype.kind != "f" for spec in specs):
        return tuple(specs)
    try:
        contents = read_model(source)
    except (OSError, ValueError, _native.Error):
        return tuple(specs)
    return tuple(
        replace(spec, inside=inner_quantization(contents, spec.name, signature)) if spec.dtype.kind == "f" else spec
        for spec in specs
    )


def inner_quantization(contents: _native.ModelContents, name: str, signature: str | None = None) -> StoredAs | None:
    """As what an input is stored, if it goes into operators QUANTIZE of the same scale alone; None if it does not."""
    found: list[StoredAs] = []
    scales = set()
    for graph, tensor in places(contents, name, "inputs", signature):
        for operator in graph.operators:
            if tensor not in operator.inputs:
                continue
            stored = graph.tensors[operator.outputs[0]] if operator.name == "QUANTIZE" else None
            if stored is None or not stored.scales or tensor in graph.outputs:
                return None
            try:
                quantization = AffineQuantization.of(stored.scales, stored.zero_points, stored.axis)
                found.append(StoredAs(quantization, np.dtype(stored.dtype)))
                scales.add((stored.scales, stored.zero_points, stored.dtype))
            except (TypeError, ValueError):  # parameters that contradict one another, or a type that NumPy has not
                return None
    return found[0] if len(scales) == 1 else None
