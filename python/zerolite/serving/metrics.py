"""What a server tells of itself, for Prometheus: requests, times by stage, batches, queues and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client import Metric

__all__ = ["CONTENT_TYPE", "ModelMetrics", "QueueLength", "RunFigures", "ServerMetrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

# From a tenth of a millisecond, which small models take, to a minute.
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
_OF_A_MODEL = ("model", "version")


class QueueLength(NamedTuple):
    """How many requests of a version of a model wait now, and how many of its runs are under way."""

    model: str
    version: int
    queued: int
    running: int


class RunFigures(NamedTuple):
    """What the runs of a version of a model come to: their number, their requests, and their time in seconds."""

    runs: int
    requests: int
    seconds: float


class ModelMetrics:
    """Where the runs of one version of a model are noted."""

    def __init__(self, waits: Histogram, runs: Histogram, batches: Histogram) -> None:
        """Note in these, which have the labels of the model already."""
        self._waits = waits
        self._runs = runs
        self._batches = batches

    def note_run(self, waits_s: Sequence[float], run_s: float) -> None:
        """Note a run: how long each of its requests waited for it, and how long it took, both in seconds."""
        for wait in waits_s:
            self._waits.observe(wait)
        self._runs.observe(run_s)
        self._batches.observe(len(waits_s))


class ServerMetrics:
    """The figures of one server, in a registry of their own; only names of models that exist become labels."""

    def __init__(self) -> None:
        """Begin with nothing noted."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "zerolite_requests",
            "Requests to run a model, by the status of HTTP that they were answered with, or that stands for gRPC's.",
            (*_OF_A_MODEL, "transport", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "zerolite_request_seconds",
            "From the head of a request to run a model until its answer is written.",
            (*_OF_A_MODEL, "transport"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._waits = Histogram(
            "zerolite_wait_seconds",
            "How long requests that were run had waited for a replica.",
            _OF_A_MODEL,
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._runs = Histogram(
            "zerolite_run_seconds",
            "How long runs took, with the way to the replica's thread and back.",
            _OF_A_MODEL,
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "zerolite_batch_requests",
            "How many requests went through a run.",
            _OF_A_MODEL,
            buckets=_BATCHES,
            registry=self._registry,
        )
        self._of_requests: dict[tuple[str, int | None, str, int], tuple[Counter, Histogram]] = {}

    def of_model(self, name: str, version: int) -> ModelMetrics:
        """Where the runs of this version are noted."""
        labels = (name, str(version))
        return ModelMetrics(self._waits.labels(*labels), self._runs.labels(*labels), self._batches.labels(*labels))

    def of_runs(self, name: str, version: int) -> RunFigures:
        """What all runs of this version come to."""
        labels = {"model": name, "version": str(version)}

        def value(sample: str) -> float:
            return self._registry.get_sample_value(f"zerolite_{sample}", labels) or 0.0

        return RunFigures(
            runs=int(value("run_seconds_count")),
            requests=int(value("batch_requests_sum")),
            seconds=value("run_seconds_sum"),
        )

    def note_request(self, name: str, version: int | None, *, transport: str, status: int, seconds: float) -> None:
        """Note a request that was answered; the name is that of a model that exists, or empty."""
        place = (name, version, transport, status)
        found = self._of_requests.get(place)
        if found is None:  # to find those with these labels takes as long as to count
            labels = (name, "" if version is None else str(version), transport)
            found = self._requests.labels(*labels, str(status)), self._seconds.labels(*labels)
            self._of_requests[place] = found
        count, duration = found
        count.inc()
        duration.observe(seconds)

    def watch(self, queues: Callable[[], Iterable[QueueLength]]) -> None:
        """Tell the lengths of these queues, too, as they are whenever somebody asks."""
        self._registry.register(_Queues(queues))

    def exposition(self) -> bytes:
        """All figures, as Prometheus reads them (`CONTENT_TYPE`)."""
        return generate_latest(self._registry)


class _Queues(Collector):
    def __init__(self, queues: Callable[[], Iterable[QueueLength]]) -> None:
        self._queues = queues

    def collect(self) -> Iterator[Metric]:
        queued = GaugeMetricFamily("zerolite_queued_requests", "Requests that wait for a replica.", labels=_OF_A_MODEL)
        running = GaugeMetricFamily("zerolite_running_runs", "Runs that are under way.", labels=_OF_A_MODEL)
        for queue in self._queues():
            labels = (queue.model, str(queue.version))
            queued.add_metric(labels, queue.queued)
            running.add_metric(labels, queue.running)
        yield queued
        yield running
