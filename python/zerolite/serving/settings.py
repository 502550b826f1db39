"""How a server loads its models and treats its requests."""

from __future__ import annotations

import hmac
import math
import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from zerolite.serving.shared_memory import region_prefix
from zerolite.tuned import TunedFile

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from zerolite._inference.source import Isolation, Verify
    from zerolite.delegates import Delegates
    from zerolite.serving.telemetry import Tracing

__all__ = ["ModelControl", "ServingSettings"]

ModelControl: TypeAlias = Literal["none", "explicit"]


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """How a server loads its models and treats its requests; the same for all models.

    Attributes:
        workers: how many replicas each model has, which is how many of its requests run at once; None is one for each
            core that this process may use.
        delegates: where each replica runs, as for `zerolite.load`; None is XNNPACK.
        threads: how many threads a run uses on the CPU, as for `zerolite.load`.
        fallback: whether operators that no delegate of the list takes run on the CPU.
        tuned: "auto", or a file with the fastest setting, as for `zerolite.Pool`; in the place of `workers`,
            `delegates` and `threads`. The search of "auto" makes the first load of a model take some seconds longer.
        verify: how closely a model is looked at before it is used, as for `zerolite.load`.
        isolation: "process" runs each replica in a process of its own, which can do nothing else, as for
            `zerolite.load`: a request that such a process dies of is answered with an error, and the next one runs in
            another process. `zerolite.ProcessIsolation` sets how much memory it may take, and time for a run.
        queue_size: how many requests of a model may wait while others run; the next one is refused with 429.
        max_batch: how many requests of one item each may go through one run, where they wait together and the leading
            axis of the model is open; 1 runs each alone. The results are the same, bit by bit.
        batch_delay_s: how long a request waits for others to run with, in seconds; with 0 only those run together that
            wait for a replica anyway.
        deadline_s: seconds after which a request that has no result is answered with 504; a client's own deadline may
            be shorter.
        receive_timeout_s: seconds within which the body of a request has to arrive, else 408.
        max_request_bytes: the largest body that is received; a larger one is refused with 413.
        model_control: "explicit" lets clients load and unload models of the repository.
        shared_memory: lets clients on this machine have tensors in POSIX shared memory, in regions whose name begins
            with this, as "/camera_"; "/" is every name. Clients can read and write all such regions that this process
            can, also those of other programs.
        tracer_provider: gets a span of OpenTelemetry for each request to run a model, and for its stages; None makes
            none. Needs the extra "telemetry".
        token: what clients have to send as a bearer token; None lets everybody in. Liveness and readiness of the server
            are told without it.

    Raises:
        ValueError: a size or a time is not above 0 (`queue_size` and `batch_delay_s` may be 0), `model_control` is
            neither "none" nor "explicit", no name of shared memory can begin with `shared_memory`, `tuned` came with
            what it chooses itself, or the token is empty or not ASCII.
    """

    workers: int | None = None
    delegates: Delegates | None = None
    threads: int | None = None
    fallback: bool = True
    tuned: str | os.PathLike[str] | None = None
    verify: Verify | None = None
    isolation: Isolation | None = None
    queue_size: int = 128
    max_batch: int = 1
    batch_delay_s: float = 0.0
    deadline_s: float = 60.0
    receive_timeout_s: float = 30.0
    max_request_bytes: int = 64 << 20
    model_control: ModelControl = "none"
    shared_memory: str | None = None
    tracer_provider: TracerProvider | None = None
    token: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a model."""
        for name in ("max_batch", "deadline_s", "receive_timeout_s", "max_request_bytes"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} is {value}, and must be above 0")
        for name in ("queue_size", "batch_delay_s"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"{name} is {value}, and must be 0 or above")
        if self.shared_memory is not None:
            region_prefix(self.shared_memory)
        if self.tuned is not None:
            TunedFile.refuse_beside(workers=self.workers, delegates=self.delegates, threads=self.threads)
        if self.model_control not in ("none", "explicit"):
            raise ValueError(f"model_control is {self.model_control!r}, and must be 'none' or 'explicit'")
        if self.token is not None and not (self.token and self.token.isascii() and self.token.isprintable()):
            raise ValueError("the token must be printable ASCII and not empty, since it is sent in a header")

    @cached_property
    def tracing(self) -> Tracing | None:
        """What makes the spans of requests.

        Raises:
            ModuleNotFoundError: the extra "telemetry" is not installed.
        """
        if self.tracer_provider is None:
            return None
        from zerolite.serving.telemetry import Tracing

        return Tracing(self.tracer_provider)

    def admits(self, authorization: bytes) -> bool:
        """Whether the value of an Authorization header holds the token, found out in the same time whatever it is."""
        return self.token is None or hmac.compare_digest(authorization, b"Bearer " + self.token.encode())
