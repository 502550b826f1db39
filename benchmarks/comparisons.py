"""Figures out of `zerolite.benchmarking`'s results, and its names of runtimes as people know them."""

from __future__ import annotations

from benchmarks.figure import Figure, Goal
from zerolite.benchmarking import BenchmarkResult, FirstResults, Timing

__all__ = ["REFERENCES", "call_figure", "first_result_figure", "timing_figure"]

#: How the results call the runtimes.
REFERENCES = {
    "zerolite": "zerolite",
    "tf": "tf.lite.Interpreter",
    "litert": "ai_edge_litert Interpreter",
    "compiled_model": "ai_edge_litert CompiledModel",
    "tflite_runtime": "tflite_runtime 2.14",
    "openvino": "OpenVINO",
}


def timing_figure(
    name: str,
    subject: tuple[str, Timing],
    reference: tuple[str, Timing],
    *,
    target: float | None = None,
    noise: float = 0.0,
) -> Figure:
    """Compare two timings of the same rounds, in microseconds a call."""
    return Figure.comparing(
        name,
        "µs",
        (subject[0], list(subject[1].rounds_ns / 1e3)),
        (reference[0], list(reference[1].rounds_ns / 1e3)),
        target=target,
        noise=noise,
    )


def call_figure(
    result: BenchmarkResult,
    against: str,
    name: str,
    *,
    kind: str = "call",
    target: float | None = None,
    noise: float = 0.0,
) -> Figure:
    """Compare zerolite with another runtime of a result."""
    other = result.others[against]
    own_timing, timing = (
        (result.zerolite.call, other.call) if kind == "call" else (result.zerolite.invoke, other.invoke)
    )
    if own_timing is None or timing is None:
        raise ValueError(f"there is no timing of {kind} in {against}")
    return timing_figure(name, ("zerolite", own_timing), (REFERENCES[against], timing), target=target, noise=noise)


def first_result_figure(
    results: dict[str, FirstResults],
    against: str,
    name: str,
    quantity: str,
    *,
    target: float | None = None,
    goal: Goal = "at most",
) -> Figure:
    """Compare fresh processes in a time, or in memory."""
    unit, scale = ("MiB", 2**20) if quantity == "peak_rss_bytes" else ("ms", 1)
    values = {key: [value / scale for value in results[key].values(quantity)] for key in ("zerolite", against)}
    return Figure.comparing(
        name,
        unit,
        ("zerolite", values["zerolite"]),
        (REFERENCES[against], values[against]),
        target=target,
        goal=goal,
    )
