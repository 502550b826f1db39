"""Spans of OpenTelemetry for requests. Imported only where somebody asks for them; needs the extra "telemetry"."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zerolite import _native

try:
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "spans need OpenTelemetry, which is not installed; pip install 'zerolite[telemetry]'", name=error.name
    ) from error

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["Tracing", "otlp_provider"]

_FAILED = 500  # of the status codes of HTTP: what is not the client's doing


class Tracing:
    """Makes the spans of requests: one for each, with one for its waiting and one for its run inside."""

    def __init__(self, provider: TracerProvider) -> None:
        """Give the spans to `provider`."""
        self._tracer = provider.get_tracer("zerolite", _native.__version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, headers: Mapping[str, str], transport: str) -> Iterator[Span]:
        """The span of a request, until the end of a with statement; it goes on from the client's, if that sent one.

        Args:
            headers: what came with the request, with ``traceparent`` and ``tracestate`` among it (W3C Trace Context).
            transport: "http" or "grpc".
        """
        attributes = {"zerolite.transport": transport}
        with self._tracer.start_as_current_span(
            "request",
            context=self._propagator.extract(headers),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    @staticmethod
    def note_answer(span: Span, *, model: str, version: int | None, status: int) -> None:
        """Add to the span of a request what came of it; the model is one that exists, or empty."""
        if version is not None:
            span.update_name(f"request {model}")
            span.set_attribute("zerolite.model.name", model)
            span.set_attribute("zerolite.model.version", version)
        span.set_attribute("zerolite.status", status)
        if status >= _FAILED:
            span.set_status(StatusCode.ERROR)

    def note_stages(self, since: float, begun: float | None, ended: float, *, batch_size: int) -> None:
        """Add the stages of the request whose task this is, by the clock of `time.monotonic`.

        Args:
            since: when it began to wait.
            begun: when its run began; None if there was none.
            ended: when its run ended, or its waiting.
            batch_size: how many requests went through the run.
        """
        offset = time.time_ns() - time.monotonic_ns()

        def note(name: str, start: float, end: float, attributes: dict[str, int]) -> None:
            span = self._tracer.start_span(name, start_time=offset + int(start * 1e9), attributes=attributes)
            span.end(offset + int(end * 1e9))

        note("queue", since, ended if begun is None else begun, {})
        if begun is not None:
            note("run", begun, ended, {"zerolite.batch.size": batch_size})


def otlp_provider() -> SdkTracerProvider:
    """A provider that sends spans over OTLP and HTTP, as the environment variables of OpenTelemetry say.

    `OTEL_EXPORTER_OTLP_ENDPOINT` is where to, `http://localhost:4318` if it is not set; `OTEL_SERVICE_NAME` is the name
    of the service, else "zerolite"; `OTEL_TRACES_SAMPLER` says which requests get spans. Its `shutdown` sends the rest.

    Raises:
        ModuleNotFoundError: the extra "telemetry" is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "spans are sent by OpenTelemetry's exporter for OTLP, which is not installed; pip install "
            "'zerolite[telemetry]'",
            name=error.name,
        ) from error
    named = Resource({"service.name": "zerolite"}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=Resource.create().merge(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
