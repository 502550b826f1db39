"""How servers behave on 1, 10 and 1,000 nodes: measured here on one, simulated for more. `python -m benchmarks.scale`.

Measured are the times of runs of 1 to 8 requests, the server's own processor time for a request over HTTP, and the time
from the start of `zerolite serve` to its readiness. `benchmarks.fleet` computes the rest: it knows queues and deaths,
but no network.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import zerolite as zl
from benchmarks.fleet import Balancing, Fleet, simulate
from benchmarks.models import DENSE, model_path
from benchmarks.serving import ask, http_request, server
from benchmarks.settings import Settings
from zerolite._platform.machine import describe_machine

NODES = (1, 10, 1_000)
FEW_NODES = (1, 2, 10)  # more only make the share smaller
DETECTION_S = 1.0
CLIENTS = 8
ROUNDS = 8
LOADS = (0.5, 0.7, 0.9)
WORKERS = 2
MOST_IN_A_RUN = 8
BALANCINGS: tuple[Balancing, ...] = ("random", "two choices")


def run_seconds(path: Path, *, seconds: float) -> list[float]:
    """The seconds of a run of 1, 2, ... items: the smallest of what fits into `seconds` for each.

    It is the processor's time: a run has one thread, and what else runs here does not count.
    """
    rng = np.random.default_rng(0)
    found = []
    with zl.load(path) as model:
        [tensor] = model.inputs.values()
        for count in range(1, MOST_IN_A_RUN + 1):
            items = rng.random((count, *tensor.shape[1:]), np.float32)
            model.map(items)  # measures its chunks
            taken: list[float] = []
            end = time.perf_counter() + seconds
            while not taken or time.perf_counter() < end:
                begun = time.process_time()
                model.map(items)
                taken.append(time.process_time() - begun)
            found.append(min(taken))
    return found


def command(path: Path) -> list[str]:
    """The module that serves one model, and its arguments."""
    return ["zerolite", "serve", str(path), "--port", "0", "--queue", "1024", "--workers", "1"]


def start_seconds(path: Path, *, times: int) -> float:
    """From the start of a server's process to its readiness: the smallest of some."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        with server(command(path)):
            taken.append(time.perf_counter() - begun)
    return min(taken)


def request_seconds(*, seconds: float, run_s: float) -> float:
    """The processor time of a request of the dense model, less its run: it does not depend on what else runs here."""
    taken: list[float] = []
    with server(command(DENSE)) as served:
        for _ in range(ROUNDS):
            answer = ask(served, http_request(), clients=CLIENTS, seconds=seconds / ROUNDS)
            taken.append(answer["processor_seconds"] / len(answer["answers"]) - run_s)
    return min(taken)


def rows(run_s: Sequence[float], *, request_s: float, requests: int) -> list[str]:
    """A line for each size of the fleet, way of balancing and load."""
    lines = []
    for nodes in NODES:
        for balancing in BALANCINGS[: 1 if nodes == 1 else None]:
            fleet = Fleet(nodes=nodes, workers=WORKERS, run_s=run_s, request_s=request_s, balancing=balancing)
            for load in LOADS:
                done = simulate(fleet, load=load, requests=requests)
                latencies = 1000 * done.latencies_s[len(done.latencies_s) // 2 :]  # queues are empty at first
                hours = 1e6 * nodes * WORKERS / (load * fleet.capacity) / 3600
                lines.append(
                    f"{nodes:>6,} {balancing:<12} {load:>5.0%} {load * fleet.capacity:>12,.0f} "
                    f"{np.percentile(latencies, 50):>9.3f} {np.percentile(latencies, 99):>9.3f} "
                    f"{done.refused / requests:>8.3%} {hours:>9.4f}"
                )
    return lines


def deaths(run_s: Sequence[float], *, request_s: float, start_s: float) -> list[str]:
    """A line for each size of the fleet: what the death of one node costs at half the load."""
    lines = []
    before, after = 1.0, 3.0
    for nodes in FEW_NODES:
        fleet = Fleet(
            nodes=nodes,
            workers=WORKERS,
            run_s=run_s,
            request_s=request_s,
            restart_s=start_s,
            detection_s=DETECTION_S,
        )
        rate = 0.5 * fleet.capacity
        done = simulate(fleet, load=0.5, requests=round(rate * (before + start_s + after)), dies_at_s=before)
        lines.append(
            f"{nodes:>6,} {rate:>12,.0f} {done.lost:>8,} {done.refused:>8,} {1000 * done.percentile(99):>9.3f}"
        )
    return lines


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description="Simulate servers on many nodes, from what is measured on this one.")
    parser.add_argument("--requests", type=int, default=200_000, help="requests of each simulation (default: 200000)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each time that is measured (default: 2)")
    parser.add_argument("--json", type=Path, help="a file for what was measured")
    options = parser.parse_args()
    print(", ".join(f"{key} {value}" for key, value in describe_machine().items()))
    dense_run_s = run_seconds(DENSE, seconds=options.seconds)
    request_s = request_seconds(seconds=8 * options.seconds, run_s=dense_run_s[0])
    print(f"a request costs the server {1e6 * request_s:.0f} µs beside its run")
    measured: dict[str, Any] = {"request_s": request_s}
    for path in (DENSE, model_path("mobilenet_v2", Settings())):
        run_s = dense_run_s if path == DENSE else run_seconds(path, seconds=options.seconds)
        start_s = start_seconds(path, times=5)
        measured[path.stem] = {"run_s": run_s, "start_s": start_s}
        shown = ", ".join(f"{1000 * seconds:.4g}" for seconds in run_s)
        print(
            f"\n{path.stem}: runs of 1 to {MOST_IN_A_RUN} requests take {shown} ms; a server starts in {start_s:.2f} s"
        )
        print(
            f"{'nodes':>6} {'balancing':<12} {'load':>5} {'requests/s':>12} {'p50 ms':>9} {'p99 ms':>9} {'refused':>8} "
            f"{'core h/1M':>9}"
        )
        few, many = (Fleet(nodes=1, workers=WORKERS, run_s=run_s[:most], request_s=request_s) for most in (1, None))
        for times in [run_s[:1], run_s] if many.capacity > 1.05 * few.capacity else [run_s[:1]]:
            print(f"runs of up to {len(times)} requests:")
            print("\n".join(rows(times, request_s=request_s, requests=options.requests)), flush=True)
        print(f"one node dies, at half the load; others are asked {DETECTION_S:g} s later:")
        print(f"{'nodes':>6} {'requests/s':>12} {'lost':>8} {'refused':>8} {'p99 ms':>9}")
        print("\n".join(deaths(run_s[:1], request_s=request_s, start_s=start_s)), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
