"""What one call of a tiny model costs: the price of everything but the arithmetic."""

from __future__ import annotations

from benchmarks.comparisons import call_figure, timing_figure
from benchmarks.models import DENSE
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import benchmark, make_inputs, open_quietly, time_interleaved

__all__ = ["run"]


def run(settings: Settings) -> Outcome:
    """Time a two-layer dense model in every runtime, and beside itself."""
    seconds = settings.seconds(1.0)
    result = benchmark(
        DENSE,
        against=["tf", "litert", "compiled_model"],
        seconds=seconds,
        turns=settings.rounds,
        warmup_s=settings.seconds(0.3),
        processes=0,
    )
    with open_quietly("zerolite", DENSE) as one, open_quietly("zerolite", DENSE) as another:
        works = {name: session.call(make_inputs(session.inputs)) for name, session in (("a", one), ("b", another))}
        same = time_interleaved(works, seconds=seconds, rounds=settings.rounds)
    whole, alone = "array in to array out", "run() / invoke() alone"
    return Outcome(
        title="One call of a two-layer dense model",
        method=(
            "Float32 (1, 64) to (1, 10), one thread. Tight loops in one process, runtimes in turns; TensorFlow is "
            "imported in the same process. Array in to array out is filling the input, running and reading the output; "
            "CompiledModel's output stays flat."
        ),
        figures=[
            call_figure(result, "tf", whole, target=0.25),
            call_figure(result, "litert", whole),
            call_figure(result, "compiled_model", whole, target=0.10),
            call_figure(result, "tf", alone, kind="invoke", target=0.40),
            call_figure(result, "litert", alone, kind="invoke"),
            call_figure(result, "compiled_model", alone, kind="invoke"),
            timing_figure("noise: the same twice", ("zerolite", same["a"]), ("zerolite", same["b"])),
        ],
        details={"benchmark": result.to_dict()},
    )
