"""Logs and traces, set up once for every process (metrics: shared.metrics).

Invariant: logs of libraries look like our own; traces cost
nothing unless an OTLP endpoint is configured. A trace is passed on in `traceparent` from event to event in any case.
"""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.settings import LogFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from opentelemetry.context import Context
    from structlog.typing import EventDict, ExcInfo, Processor

    from shared.events.envelope import Message
    from shared.settings import Settings

_NOISY: Final = ("aiokafka", "intercompany.faststream", "uvicorn", "asyncio")
_SELDOM: Final = 5.0
_PROPAGATOR: Final = TraceContextTextMapPropagator()
TRACEPARENT: Final = "traceparent"
_CONTEXT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.DOTALL)
_LONGEST: Final = 4_000
"""Characters of a value in a line, and five times as many of an error with its traceback: what was sent may be megabytes."""
_QUOTED: Final = frozenset(" \t\r\n='\"")
"""A value with any of these is quoted by the renderer, and what does not print is escaped with it."""
_LAST_SPANS_WITHIN: Final = 3.0
"""Seconds for which a process that stops waits for the last spans: an orchestrator kills what takes too long."""
_TRACE: Final = "ce_traceparent"
_IN_LOGS: Final = {"ce_id": "event_id", "ce_source": "source", _TRACE: "trace_id"}
"""How the headers of a record are called in log lines, where `event` is what happened."""
_OF_KAFKA: Final = {"messaging.system": "kafka", "messaging.operation.type": "process"}


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
        _with_trace,
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
        return [strip, structlog.processors.ExceptionRenderer(traceback), _bounded, structlog.processors.JSONRenderer()]
    colors = sys.stderr.isatty()
    return [strip, _bounded, _printable, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_indented_traceback)]


def _bounded(_: object, __: str, line: EventDict) -> EventDict:
    """No value of a line is longer than is read."""
    return {key: _cut(value) for key, value in line.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each) for each in value]
    return value


def _printable(_: object, __: str, line: EventDict) -> EventDict:
    """A line stays one, and does nothing to a terminal, whatever is in an event that it is about."""
    for key, value in line.items():
        if isinstance(value, str) and not value.isprintable() and (key == "event" or not _QUOTED & set(value)):
            line[key] = _escaped(value)
    return line


def _escaped(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _indented_traceback(out: TextIO, error: ExcInfo) -> None:
    """As the library writes it, but each line is indented: no text of an error passes for a line of its own."""
    whole = io.StringIO()
    structlog.dev.plain_traceback(whole, error)
    lines = _cut_middle(whole.getvalue().lstrip("\n")).split("\n")
    out.write("".join(f"\n  {_escaped(each)}" for each in lines))


def _cut_middle(text: str) -> str:
    """What a traceback begins and ends with: where it was, and which error."""
    longest = 5 * _LONGEST
    return text if len(text) <= longest else f"{text[: longest // 2]}\n… ({len(text)} characters)\n{text[-longest // 2 :]}"


def set_up_traces(settings: Settings, service: str) -> None:
    """Sends spans to OTEL_EXPORTER_OTLP_ENDPOINT, if it is set; sampling by OpenTelemetry's own variables."""
    if settings.otel_exporter_otlp_endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 12 MiB, only where used
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": f"intercompany-{service}"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def send_last_spans() -> None:
    """At the end of a process: sends the spans that are left, unless that takes too long.

    The library would wait half a minute for a collector that is away or silent, at its exit, where no thread can be begun any more.
    """
    shut_down = getattr(trace.get_tracer_provider(), "shutdown", None)
    if shut_down is not None:
        sending = threading.Thread(target=shut_down, name="last spans", daemon=True)
        sending.start()
        sending.join(_LAST_SPANS_WITHIN)


def traces_are_on() -> bool:
    """Whether spans go anywhere."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider | trace.NoOpTracerProvider)


def trace_id_of(traceparent: str | None) -> dict[str, str]:
    """The id of a trace as log lines bear it, of its context; nothing without one, or where it is none."""
    found = _CONTEXT.fullmatch(traceparent or "")
    return {"trace_id": found[1]} if found else {}


def named_in_logs(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """How a log line names the event that a record has, by the headers of the record: as far as they say it."""
    said = {name: value.decode(errors="replace") for name, value in headers if name in _IN_LOGS}
    return {**{_IN_LOGS[name]: value for name, value in said.items() if name != _TRACE}, **trace_id_of(said.get(_TRACE))}


def _with_trace(_: object, __: str, line: EventDict) -> EventDict:
    """A line that is written within a span bears its trace, unless it bears one already."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line.setdefault("trace_id", trace.format_trace_id(context.trace_id))
    return line


# Spans


@dataclass(slots=True)
class ServerSpan:
    """The span of a request; `traceparent`: its context, None where traces go nowhere."""

    span: trace.Span
    traceparent: str | None = None

    def ended(self, name: str, attributes: Mapping[str, str | int]) -> None:
        """What is known of it at its end."""
        self.span.update_name(name)
        self.span.set_attributes(attributes)


@contextmanager
def server_span(method: str, given: str | None) -> Iterator[ServerSpan]:
    """The span of a request that came with this context, or none."""
    if not traces_are_on():
        yield ServerSpan(trace.INVALID_SPAN, given)
        return
    span = _tracer().start_span(method, context=_context(given), kind=trace.SpanKind.SERVER, attributes={"http.request.method": method})
    try:
        yield ServerSpan(span, _traceparent(span))
    finally:
        span.end()


@contextmanager
def traced(service: str, messages: Sequence[Message]) -> Iterator[None]:
    """A span for each message, from here to the end of its batch, as the child of the one that caused it; one of the batch, linked to them.

    The messages' `traceparent` becomes the new span, so that what they cause hangs below it.
    """
    if not traces_are_on():
        yield
        return
    spans = [_span(service, message) for message in messages]
    links = [trace.Link(span.get_span_context()) for span in spans]
    about: dict[str, str | int] = {**_OF_KAFKA, "messaging.batch.message_count": len(messages), "messaging.consumer.group.name": service}
    batch = _tracer().start_span(f"{service} batch", kind=trace.SpanKind.CONSUMER, links=links, attributes=about)
    try:
        with trace.use_span(batch):
            yield
    finally:
        for span in (*spans, batch):
            span.end()


def _tracer() -> trace.Tracer:
    return trace.get_tracer("intercompany")


def _context(traceparent: str | None) -> Context:
    return _PROPAGATOR.extract({TRACEPARENT: traceparent} if traceparent else {})


def _traceparent(span: trace.Span) -> str | None:
    given: dict[str, str] = {}
    _PROPAGATOR.inject(given, trace.set_span_in_context(span))
    return given.get(TRACEPARENT)


def _span(service: str, message: Message) -> trace.Span:
    span = _tracer().start_span(
        f"{service} {message.type}",
        context=_context(message.traceparent),
        kind=trace.SpanKind.CONSUMER,
        attributes=_about(message),
    )
    message.traceparent = _traceparent(span) or message.traceparent
    return span


def _about(message: Message) -> dict[str, str | int]:
    """OpenTelemetry's conventions for messages and CloudEvents, and whose books it is of."""
    found: dict[str, str | int] = {
        **_OF_KAFKA,
        "cloudevents.event_id": message.ref.id,
        "cloudevents.event_source": message.ref.source,
        "cloudevents.event_type": message.type,
        "intercompany.kind": str(getattr(message.data, "kind", None) or message.type),
    }
    company = getattr(message.data, "company", None)
    if isinstance(company, str):
        found["intercompany.company"] = company
    if message.record is not None:
        found["messaging.destination.name"] = message.record.topic
        found["messaging.destination.partition.id"] = str(message.record.partition)
        found["messaging.kafka.offset"] = message.record.offset
    return found
