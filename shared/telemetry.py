"""Logs, metrics and traces, set up once for every process.

Invariant: logs of libraries look like our own; a metric is written per batch, never per message; traces cost
nothing unless an OTLP endpoint is configured. A trace is passed on in `traceparent` from event to event in any case.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram

from shared.settings import LogFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from structlog.typing import Processor

    from shared.events.envelope import Message
    from shared.settings import Settings

QUERIES: Final = Counter("intercompany_queries", "Statements sent to the database, COPY aside.", ["schema"])
MESSAGES: Final = Counter("intercompany_messages", "Records by what became of them.", ["service", "outcome"])
OUTGOING: Final = Counter("intercompany_outgoing", "Events decided and written to the outbox.", ["service"])
BATCH_SIZE: Final = Histogram("intercompany_batch_records", "Records per batch.", ["service"], buckets=(1, 5, 20, 50, 100, 200, 500))
BATCH_SECONDS: Final = Histogram("intercompany_batch_seconds", "Seconds of a batch's transaction, its retries aside.", ["service"])
PASSES: Final = Counter("intercompany_fold_passes", "Folds of whole batches: one each, and more for what was not loaded.", ["service"])
TROUBLES: Final = Counter("intercompany_troubles", "Failures that were tried again.", ["what"])
OUTBOX_ROWS: Final = Gauge("intercompany_outbox_rows", "Batches not yet acknowledged by the broker, 1000 at most.", ["service"])
OUTBOX_AGE: Final = Gauge("intercompany_outbox_age_seconds", "Age of the oldest of them.", ["service"])
FAILED: Final = Gauge("intercompany_failed_messages", "Messages kept in the table failed.", ["service"])
RESUME_DEFECTS: Final = Counter("intercompany_resume_defects", "Times that what waited failed when it resumed, and waits on.", ["service"])
FAILED_DROPPED: Final = Counter("intercompany_failed_dropped", "Messages that were kept there too long, or too many.", ["service"])

_NOISY: Final = ("aiokafka", "intercompany.faststream", "uvicorn", "asyncio")
_SELDOM: Final = 5.0
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class _Seldom(logging.Filter):
    """Lets aiokafka say the same thing once in 5 seconds: while its broker is away it says it hundreds of times a second."""

    def __init__(self) -> None:
        super().__init__("aiokafka")
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; the same thing is what comes from the same line of aiokafka."""
        if not super().filter(record):
            return True
        place = record.pathname, record.lineno
        if record.created - self._said.get(place, 0.0) < _SELDOM:
            return False
        self._said[place] = record.created
        return True


def set_up_logs(settings: Settings) -> None:
    """One format for our logs and the libraries', on standard error: standard output belongs to the commands."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_rendering(settings.log_format)))
    handler.addFilter(_Seldom())
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def silence_libraries() -> None:
    """From here on the libraries say nothing, until `set_up_logs`: stopped in the middle of something they complain of what is meant."""
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _rendering(form: LogFormat) -> list[Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if form is LogFormat.JSON:
        traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # locals are whole batches, and secrets
        return [strip, structlog.processors.ExceptionRenderer(traceback), structlog.processors.JSONRenderer()]
    colors = sys.stderr.isatty()
    return [strip, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]


def set_up_traces(settings: Settings, service: str) -> None:
    """Sends spans to OTEL_EXPORTER_OTLP_ENDPOINT, if it is set; sampling by OpenTelemetry's own variables."""
    if settings.otel_exporter_otlp_endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 12 MiB, only where used
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": f"intercompany-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def traces_are_on() -> bool:
    """Whether spans go anywhere."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider)


@contextmanager
def traced(service: str, messages: Sequence[Message]) -> Iterator[None]:
    """A span for each message, from here to the end of its batch, as the child of the one that caused it.

    The messages' `traceparent` becomes the new span, so that what they cause hangs below it.
    """
    if not traces_are_on():
        yield
        return
    tracer = trace.get_tracer("intercompany")
    spans = [_span(tracer, service, message) for message in messages]
    try:
        yield
    finally:
        for span in spans:
            span.end()


def _span(tracer: trace.Tracer, service: str, message: Message) -> trace.Span:
    carrier = {"traceparent": message.traceparent} if message.traceparent else {}
    attributes = {"cloudevents.event_id": message.ref.id, "cloudevents.event_source": message.ref.source}
    span = tracer.start_span(f"{service} {message.type}", context=_PROPAGATOR.extract(carrier), attributes=attributes)
    given: dict[str, str] = {}
    _PROPAGATOR.inject(given, trace.set_span_in_context(span))
    message.traceparent = given.get("traceparent", message.traceparent)
    return span
