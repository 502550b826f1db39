"""What OpenVINO gains in a part of a graph, by the size of the part, and in several parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import zerolite as zl
from benchmarks.comparisons import timing_figure
from benchmarks.figure import Figure
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from tests.models.generate.graph_builder import GraphBuilder, Op
from zerolite.benchmarking import Timing, time_interleaved

__all__ = ["run"]

# Millions of multiplications of a part: a convolution of 3 by 3 over so many pixels, and so many channels.
_SIZES = {0.6: (8, 32), 2.4: (16, 32), 9.4: (16, 64), 37.7: (16, 128), 151.0: (32, 128)}
_PARTS = (1, 2, 4, 8)


def run(settings: Settings) -> Outcome:
    """Time convolutions with an operator after each that OpenVINO does not take, with and without it, in turns."""
    figures: list[Figure] = []
    for millions, (pixels, channels) in _SIZES.items():
        timings = _timings(_network(pixels, channels, parts=1, whole=True), settings)
        figures.append(_figure(f"a whole graph of {millions:g} million multiplications", timings))
    for parts in _PARTS:
        timings = _timings(_network(16, 128, parts=parts), settings)
        figures.append(
            _figure(f"{parts} times 37.7 million multiplications, with another operator after each", timings)
        )
    return Outcome(
        title="Parts of a graph for OpenVINO",
        method="Float32 convolutions, one thread, array in to array out, `zl.OpenVino()` beside XNNPACK, in turns.",
        figures=figures,
    )


def _network(pixels: int, channels: int, *, parts: int, whole: bool = False) -> bytes:
    builder = GraphBuilder()
    rng = np.random.default_rng(0)
    shape = (1, pixels, pixels, channels)
    first = last = builder.tensor("x", shape)
    for _ in range(parts):
        filters = rng.normal(size=(channels, 3, 3, channels)).astype(np.float32) / np.float32((9 * channels) ** 0.5)
        operands = [
            last,
            builder.constant("filters", filters),
            builder.constant("bias", np.zeros(channels, np.float32)),
        ]
        last = builder.tensor("convolved", shape)
        options: Any = schema.Conv2DOptionsT()
        options.strideH = options.strideW = 1
        builder.operator(Op.CONV_2D, operands, [last], options=options)
        if not whole:
            clamped = builder.tensor("clamped", shape)
            builder.operator(Op.RELU_N1_TO_1, [last], [clamped])
            last = clamped
    builder.interface([first], [last])
    return builder.finish()


def _timings(content: bytes, settings: Settings) -> dict[str, Timing]:
    with zl.load(content) as plain, zl.load(content, delegates=zl.OpenVino()) as parted:
        x = np.random.default_rng(0).normal(size=plain.inputs[0].shape).astype(np.float32)
        works = {
            name: ("model(x)", {"model": model, "x": x}) for name, model in (("OpenVINO", parted), ("XNNPACK", plain))
        }
        return time_interleaved(works, seconds=settings.seconds(1.0), rounds=settings.rounds)


def _figure(name: str, timings: dict[str, Timing]) -> Figure:
    return timing_figure(name, ("OpenVINO", timings["OpenVINO"]), ("XNNPACK", timings["XNNPACK"]))
