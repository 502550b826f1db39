"""A simulated fleet of servers: what requests wait, how many are refused, and what the death of a node costs.

Nothing here is measured; `benchmarks.scale` measures what goes in.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Balancing", "Fleet", "Traffic", "simulate"]

Balancing = Literal["random", "two choices"]
_NEVER = float("inf")


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Nodes with one server each.

    Attributes:
        nodes: how many.
        workers: replicas of the model on each node, which is how many of its runs are under way at once.
        run_s: seconds that a run of 1, 2, ... requests takes; its length is the most requests in a run.
        request_s: seconds of each request in the one thread of a node that receives and answers.
        queue_size: how many requests may wait on a node.
        balancing: how the node of a request is chosen: any one, or the shorter queue of any two.
        detection_s: seconds until nobody sends requests to a node that has died.
        restart_s: seconds until a node that has died, or another one in its place, is ready.
    """

    nodes: int
    workers: int
    run_s: Sequence[float]
    request_s: float = 0.0
    queue_size: int = 128
    balancing: Balancing = "random"
    detection_s: float = 10.0
    restart_s: float = 30.0

    @property
    def capacity(self) -> float:
        """Requests a second that all nodes together can answer."""
        runs = self.workers * max((count + 1) / seconds for count, seconds in enumerate(self.run_s))
        return self.nodes * (min(runs, 1 / self.request_s) if self.request_s > 0 else runs)


@dataclass(frozen=True)
class Traffic:
    """What became of the requests of a simulation.

    Attributes:
        latencies_s: from the arrival of each answered request to its answer.
        refused: how many found a full queue.
        lost: how many were at a node when it died, or were sent to it afterwards.
    """

    latencies_s: npt.NDArray[np.float64]
    refused: int
    lost: int

    def percentile(self, share: float) -> float:
        """The latency in seconds that so many percent of the answered requests have at most."""
        return float(np.percentile(self.latencies_s, share))


class _Node:
    def __init__(self) -> None:
        self.queue: deque[float] = deque()
        self.running = 0
        self.receiving = 0
        self.received_until = 0.0
        self.life = 0  # grows when the node dies, so that its runs are known to be lost
        self.dead_from = self.dead_until = _NEVER

    @property
    def length(self) -> int:
        return self.receiving + len(self.queue) + self.running


def simulate(fleet: Fleet, *, load: float, requests: int, seed: int = 0, dies_at_s: float = _NEVER) -> Traffic:
    """Send requests at random times, as many clients who know nothing of one another do.

    Args:
        fleet: who answers.
        load: the share of the fleet's capacity that is asked for.
        requests: how many.
        seed: makes the same traffic again.
        dies_at_s: when the first node dies.
    """
    return _Simulation(fleet, dies_at_s).run(load=load, requests=requests, rng=np.random.default_rng(seed))


class _Simulation:
    def __init__(self, fleet: Fleet, dies_at_s: float) -> None:
        self._fleet = fleet
        self._nodes = [_Node() for _ in range(fleet.nodes)]
        self._nodes[0].dead_from = dies_at_s
        self._nodes[0].dead_until = dies_at_s + fleet.restart_s
        # When, order, node, its life, the arrivals of the requests, and whether their run ends or they are received.
        self._events: list[tuple[float, int, int, int, list[float], bool]] = []
        self._order = 0
        self._latencies: list[float] = []
        self._refused = self._lost = 0

    def run(self, *, load: float, requests: int, rng: np.random.Generator) -> Traffic:
        arrivals = np.cumsum(rng.exponential(1 / (load * self._fleet.capacity), requests)).tolist()
        choices = rng.integers(0, self._fleet.nodes, (requests, 2)).tolist()
        for now, (one, other) in zip(arrivals, choices, strict=True):
            self._go_on_until(now)
            self._arrive(now, self._chosen(now, one, other))
        self._go_on_until(_NEVER)
        return Traffic(np.array(self._latencies), self._refused, self._lost)

    def _chosen(self, now: float, one: int, other: int) -> int:
        known_dead = self._nodes[0].dead_from + self._fleet.detection_s <= now < self._nodes[0].dead_until
        if known_dead and len(self._nodes) > 1:
            one, other = one or 1, other or 1
        if self._fleet.balancing == "random":
            return one
        return one if self._nodes[one].length <= self._nodes[other].length else other

    def _arrive(self, now: float, place: int) -> None:
        node = self._nodes[place]
        if node.dead_from <= now < node.dead_until:
            self._lost += 1
            return
        node.receiving += 1
        node.received_until = max(now, node.received_until) + self._fleet.request_s
        self._note(node.received_until, place, [now], ends=False)

    def _received(self, now: float, place: int, arrivals: list[float]) -> None:
        node = self._nodes[place]
        node.receiving -= 1
        if len(node.queue) >= self._fleet.queue_size and node.running >= self._fleet.workers:
            self._refused += 1
            return
        node.queue.extend(arrivals)
        self._start_runs(now, place)

    def _start_runs(self, now: float, place: int) -> None:
        node = self._nodes[place]
        while node.queue and node.running < self._fleet.workers:
            count = min(len(node.queue), len(self._fleet.run_s))
            batch = [node.queue.popleft() for _ in range(count)]
            node.running += 1
            self._note(now + self._fleet.run_s[count - 1], place, batch, ends=True)

    def _note(self, when: float, place: int, arrivals: list[float], *, ends: bool) -> None:
        self._order += 1
        heapq.heappush(self._events, (when, self._order, place, self._nodes[place].life, arrivals, ends))

    def _go_on_until(self, until: float) -> None:
        first = self._nodes[0]
        while self._events and self._events[0][0] <= until:
            if first.life == 0 and first.dead_from <= self._events[0][0]:
                self._die(first)
            now, _, place, life, arrivals, ends = heapq.heappop(self._events)
            node = self._nodes[place]
            if life != node.life:
                continue  # it ended with the node
            if not ends:
                self._received(now, place, arrivals)
                continue
            node.running -= 1
            self._latencies.extend(now - arrival for arrival in arrivals)
            self._start_runs(now, place)
        if first.life == 0 and first.dead_from <= until < _NEVER:
            self._die(first)

    def _die(self, node: _Node) -> None:
        node.life += 1
        under_way = sum(
            len(arrivals) for *_, place, life, arrivals, _ in self._events if place == 0 and life != node.life
        )
        self._lost += len(node.queue) + under_way
        node.queue.clear()
        node.running = node.receiving = 0
        node.received_until = node.dead_until
