"""Throughput: replicas with one thread each, beside one instance with one thread or with two."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.figure import Figure
from benchmarks.models import model_path
from benchmarks.outcome import Outcome
from benchmarks.settings import Settings
from zerolite.benchmarking import make_inputs, open_quietly, time_interleaved

__all__ = ["run"]

_WORKERS = 2
_ITEMS = 16


def run(settings: Settings) -> Outcome:
    """Run batches of MobileNetV2 through a pool, one instance, and tf.lite with two threads."""
    path = model_path("mobilenet_v2", settings)
    items = _WORKERS if settings.quick else _ITEMS
    subjects = {
        f"Pool(workers={_WORKERS})": ("zerolite", {"workers": _WORKERS}),
        "one instance, 1 thread": ("zerolite", {"threads": 1}),
        f"one instance, {_WORKERS} threads": ("zerolite", {"threads": _WORKERS}),
        f"tf.lite, {_WORKERS} threads": ("tf", {"threads": _WORKERS}),
    }
    with ExitStack() as stack:
        works = {}
        for name, (runtime, options) in subjects.items():
            session = stack.enter_context(open_quietly(runtime, path, **options))
            works[name] = session.batch(make_inputs(session.inputs, items=items), 1)
        stack.callback(works.clear)
        timings = time_interleaved(
            works,
            seconds=settings.seconds(5.0),
            rounds=max(2, settings.rounds // 2),
            warmup=settings.seconds(0.5),
            items_per_call=items,
        )
    throughput = {name: list(1e9 * items / timing.rounds_ns) for name, timing in timings.items()}
    pool, one, one_threaded, other = subjects
    return Outcome(
        title="Replicas",
        method=(
            f"MobileNetV2, float32, batches of {items} items: items per second of a pool of {_WORKERS} replicas with "
            "one thread each, of map in one instance, and of a loop in Python over tf.lite.Interpreter."
        ),
        figures=[
            Figure.comparing(
                "MobileNetV2 throughput",
                "items/s",
                (pool, throughput[pool]),
                (reference, throughput[reference]),
                target=target,
                goal="at least",
            )
            for reference, target in ((one, 1.9), (one_threaded, None), (other, 1.15))
        ]
        + [
            Figure.comparing(
                "the most that replicas could give",
                "items/s",
                (f"{_WORKERS} times one instance, 1 thread", [_WORKERS * value for value in throughput[one]]),
                (other, throughput[other]),
                goal="at least",
            )
        ],
        details={name: timing.to_dict() for name, timing in timings.items()},
    )
