"""How `zerolite serve` behaves near its limits: the slowest answers below full load, and a model that takes long."""

from __future__ import annotations

import time
from contextlib import ExitStack

import numpy as np

import zerolite as zl
from benchmarks.figure import Figure
from benchmarks.models import DENSE, model_path
from benchmarks.outcome import Outcome
from benchmarks.serving import Served, ask, http_request, server
from benchmarks.settings import Settings
from zerolite._timing.interleaved import interleave

__all__ = ["run"]

_CLIENTS = 32
_SECONDS = 3.0
_LOAD = 0.7
_POOL, _SERVED = "Pool.map", f"{_CLIENTS} clients over HTTP"


def run(settings: Settings) -> Outcome:
    """Ask as often as can be, then at 70 % of that; and run MobileNetV2 over HTTP and in this process, in turns."""
    rounds = 2 if settings.quick else 8
    seconds = settings.seconds(_SECONDS)
    with ExitStack() as stack:
        dense = stack.enter_context(server(["zerolite", "serve", str(DENSE), "--port", "0", "--queue", "1024"]))
        quantiles = [_quantiles(dense, seconds) for _ in range(rounds)]
    path = DENSE if settings.quick else model_path("mobilenet_v2_int8", settings)
    with ExitStack() as stack:
        served = stack.enter_context(server(["zerolite", "serve", str(path), "--port", "0", "--queue", "64"]))
        pool = stack.enter_context(zl.Pool(path))
        ((name, tensor),) = pool.inputs.items()
        image = np.random.default_rng(0).integers(-9, 9, tensor.shape).astype(tensor.dtype)
        batch = np.repeat(image, 8 * pool.workers, axis=0)
        request = http_request(path.stem, name, image)
        rates: dict[str, list[float]] = {_SERVED: [], _POOL: []}
        for order in interleave(list(rates), rounds):
            for way in order:
                if way == _SERVED:
                    answer = ask(served, request, clients=_CLIENTS, seconds=seconds)
                    rates[way].append(len(answer["answers"]) / answer["seconds"])
                else:
                    rates[way].append(_map_rate(pool, batch, seconds))
    return Outcome(
        title="Serving under load",
        method=f"{_CLIENTS} clients in a process of their own ask over HTTP for {seconds:g} s. The highest rate is "
        "that of clients who ask again as soon as they have their answer; at 70 % of it requests come at random "
        "times, and an answer's time counts from when it should have been asked for. MobileNetV2 as int8 takes long, "
        "so that it should matter little that it is asked for over HTTP.",
        figures=[
            Figure.comparing(
                "p99 / p50 at 70 % of the highest rate, two dense layers",
                "ms",
                ("p99", [1000 * p99 for _, _, p99 in quantiles]),
                ("p50", [1000 * p50 for _, p50, _ in quantiles]),
                target=5.0,
                goal="at most",
            ),
            Figure.comparing(
                "MobileNetV2 int8 throughput",
                "images/s",
                (_SERVED, rates[_SERVED]),
                (_POOL, rates[_POOL]),
                target=0.9,
                goal="at least",
            ),
        ],
        details={"clients": _CLIENTS, "rounds": rounds, "images_per_second": rates, "rate_p50_p99": quantiles},
    )


def _quantiles(dense: Served, seconds: float) -> tuple[float, float, float]:
    """The rate in requests a second, and p50 and p99 at it, in seconds."""
    fastest = ask(dense, http_request(), clients=_CLIENTS, seconds=seconds)
    rate = _LOAD * len(fastest["answers"]) / fastest["seconds"]
    answers = ask(dense, http_request(), clients=_CLIENTS, seconds=seconds, rate=rate)["answers"]
    p50, p99 = np.percentile(answers, (50, 99))
    return rate, float(p50), float(p99)


def _map_rate(pool: zl.Pool, batch: np.ndarray, seconds: float) -> float:
    """Items a second that the pool runs, for so many seconds at least."""
    begun, items = time.perf_counter(), 0
    while (taken := time.perf_counter() - begun) < seconds or not items:
        pool.map(batch)
        items += len(batch)
    return items / taken
