"""The simulated fleet: what theory knows of queues comes out, and every request is accounted for."""

from __future__ import annotations

import pytest

from benchmarks.fleet import Fleet, simulate

RUN_S = 0.01


def fleet(**options: object) -> Fleet:
    return Fleet(**{"nodes": 1, "workers": 1, "run_s": [RUN_S], "queue_size": 10**6, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_waiting_times_are_those_of_the_formula(load: float) -> None:
    """Pollaczek and Khinchine's, for one worker and runs that all take as long."""
    done = simulate(fleet(), load=load, requests=100_000)
    wait = done.latencies_s.mean() - RUN_S
    assert wait == pytest.approx(RUN_S * load / (2 * (1 - load)), rel=0.05)
    assert (len(done.latencies_s), done.refused, done.lost) == (100_000, 0, 0)


def test_the_shorter_of_two_queues_is_the_better_choice() -> None:
    slowest = [
        simulate(fleet(nodes=50, balancing=balancing), load=0.8, requests=50_000).percentile(99)
        for balancing in ("random", "two choices")
    ]
    assert slowest[1] < slowest[0] / 2


def test_what_is_too_much_is_refused() -> None:
    done = simulate(fleet(queue_size=5), load=2.0, requests=20_000)
    assert done.refused == pytest.approx(10_000, rel=0.05)
    assert done.percentile(100) <= 7 * RUN_S
    assert len(done.latencies_s) + done.refused == 20_000


def test_batches_raise_the_capacity() -> None:
    batched = fleet(run_s=[RUN_S, RUN_S, RUN_S, RUN_S])
    assert batched.capacity == pytest.approx(4 * fleet().capacity)
    done = simulate(batched, load=0.7, requests=20_000)
    assert len(done.latencies_s) == 20_000
    assert done.percentile(99) < 5 * RUN_S


@pytest.mark.parametrize(("nodes", "unanswered_s"), [(1, 5.0), (4, 1.0)])
def test_a_death_costs_what_is_sent_to_the_dead(nodes: int, unanswered_s: float) -> None:
    """Until others are asked; where there are none, until the node is back."""
    died = fleet(nodes=nodes, workers=2, detection_s=1.0, restart_s=5.0)
    requests = 20_000
    done = simulate(died, load=0.5, requests=requests, dies_at_s=3.0)
    expected = 0.5 * died.capacity / nodes * unanswered_s
    assert done.lost == pytest.approx(expected, rel=0.2)
    assert len(done.latencies_s) + done.lost + done.refused == requests


def test_the_thread_that_receives_is_a_limit_too() -> None:
    slow = fleet(workers=100, request_s=RUN_S)
    assert slow.capacity == pytest.approx(1 / RUN_S)
    done = simulate(slow, load=0.8, requests=100_000)
    wait = done.latencies_s.mean() - 2 * RUN_S
    assert wait == pytest.approx(RUN_S * 0.8 / (2 * 0.2), rel=0.05)
