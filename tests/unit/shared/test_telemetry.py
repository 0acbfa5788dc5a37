"""Logs of one form without secrets or whole batches, traces that go on from event to event."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import telemetry
from shared.events.codec import decode
from shared.events.envelope import Message
from shared.settings import LogFormat, Settings
from tests.builders.invoices import invoice

CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVIL = "\x1b[2J\n2026-01-01 [error    ] forged\x9b31m\u2028\x00"


@pytest.fixture
def plain_logging() -> Iterator[None]:
    """Puts logging back as it was."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.mark.usefixtures("plain_logging")
def test_json_logs_are_one_object_a_line_ours_and_the_libraries_without_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up_logs(Settings(log_format=LogFormat.JSON))
    _fail_with_a_secret(structlog.get_logger("ours"))
    logging.getLogger("theirs").warning("from a %s", "library")
    captured = capsys.readouterr()
    assert captured.out == ""
    ours, theirs = [json.loads(line) for line in captured.err.splitlines()]
    assert (ours["event"], ours["level"], ours["number"]) == ("it failed", "error", 1)
    assert ours["exception"][0]["exc_type"] == "ValueError"
    assert "hunter2" not in captured.err
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("from a library", "warning", "theirs")
    assert theirs["timestamp"].endswith("Z")


@pytest.mark.usefixtures("plain_logging")
def test_console_logs_show_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up_logs(Settings())
    _fail_with_a_secret(structlog.get_logger("ours"))
    text = capsys.readouterr().err
    assert "it failed" in text
    assert "ValueError: wrong" in text
    assert "hunter2" not in text.replace('password = "hunter2"', "")


@pytest.mark.usefixtures("plain_logging")
def test_a_client_without_its_broker_does_not_flood_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up_logs(Settings())
    for number in range(100):
        logging.getLogger("aiokafka.conn").error("no connection to %s", number)
        logging.getLogger("ours").error("ours %s", number)
    logging.getLogger("aiokafka.conn").error("something else")
    text = capsys.readouterr().err
    assert text.count("no connection to") == 1
    assert text.count("ours ") >= 100
    assert "something else" in text


def _fail_with_a_secret(log: structlog.stdlib.BoundLogger) -> None:
    password = "hunter2"  # noqa: S105 - to be seen nowhere
    try:
        raise ValueError("wrong" if password else "")  # noqa: TRY301
    except ValueError:
        log.exception("it failed", number=1)


def test_a_line_about_an_event_names_it_and_its_trace() -> None:
    headers = (("ce_id", b"I-1"), ("ce_source", b"erp"), ("ce_type", b"x"), ("ce_traceparent", CONTEXT.encode()))
    assert telemetry.named_in_logs(headers) == {"event_id": "I-1", "source": "erp", "trace_id": "0af7651916cd43dd8448eb211c80319c"}
    for none in (b"nonsense", b"00-\x1b[31m-b7ad6b7169203331-01", b"a-b-c-d", CONTEXT.upper().encode()):
        assert telemetry.named_in_logs((("ce_id", b"\xff"), ("ce_traceparent", none))) == {"event_id": "\ufffd"}


@pytest.mark.usefixtures("plain_logging")
def test_a_line_that_is_written_within_a_span_bears_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up_logs(Settings(log_format=LogFormat.JSON))
    span = TracerProvider().get_tracer("ours").start_span("work")
    with trace.use_span(span):
        structlog.get_logger("ours").warning("within")
        structlog.get_logger("ours").warning("of another", trace_id="its own")
    structlog.get_logger("ours").warning("outside")
    within, other, outside = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert within["trace_id"] == trace.format_trace_id(span.get_span_context().trace_id)
    assert other["trace_id"] == "its own"
    assert "trace_id" not in outside


def _message(traceparent: str | None) -> Message:
    message = decode(invoice("A"))
    assert isinstance(message, Message)
    message.traceparent = traceparent
    return message


def test_a_message_becomes_a_span_under_the_one_that_caused_it(monkeypatch: pytest.MonkeyPatch) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    caused = _message(CONTEXT)
    first = _message(None)
    with telemetry.traced("counter", [caused, first]):
        assert spans.get_finished_spans() == ()
    under, root, batch = spans.get_finished_spans()
    assert (batch.name, batch.parent) == ("counter batch", None)
    assert batch.attributes is not None
    assert batch.attributes["messaging.batch.message_count"] == 2
    assert [link.context.span_id for link in batch.links] == [under.context.span_id, root.context.span_id]
    assert under.name == "counter customer-invoice.posted"
    assert under.parent is not None
    assert f"{under.parent.span_id:016x}" == "b7ad6b7169203331"
    assert caused.traceparent == f"00-0af7651916cd43dd8448eb211c80319c-{under.context.span_id:016x}-01"
    assert root.parent is None
    assert dict(under.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": "intercompany.invoices",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "cloudevents.event_id": caused.ref.id,
        "cloudevents.event_source": caused.ref.source,
        "cloudevents.event_type": "customer-invoice.posted",
        "intercompany.kind": "invoice",
        "intercompany.company": caused.data.company,
    }
    assert first.traceparent is not None
    provider.shutdown()


def test_without_an_endpoint_a_trace_is_passed_on_unchanged() -> None:
    message = _message(CONTEXT)
    with telemetry.traced("counter", [message]):
        assert message.traceparent == CONTEXT


@pytest.mark.usefixtures("plain_logging")
@pytest.mark.parametrize("form", LogFormat)
def test_what_is_in_an_event_forges_no_line_and_does_nothing_to_a_terminal(form: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up_logs(Settings(log_format=form))
    structlog.get_logger("ours").error("kept", event_id=EVIL, source="\x1b]0;x\x07", exc_info=ValueError(EVIL))
    logging.getLogger("theirs").error("from %s", EVIL)
    text = capsys.readouterr().err
    assert [each for each in text if not each.isprintable() and each != "\n"] == []
    assert [line for line in text.splitlines() if line.startswith("2026-01-01")] == []
    assert "forged" in text


@pytest.mark.usefixtures("plain_logging")
@pytest.mark.parametrize("form", LogFormat)
def test_a_line_is_no_longer_than_is_read_and_says_how_long_it_was(form: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up_logs(Settings(log_format=form))
    structlog.get_logger("ours").error("kept", error="z" * 2_000_000, exc_info=ValueError("y" * 2_000_000))
    text = capsys.readouterr().err
    assert len(text) < 30_000
    assert "(2000000 characters)" in text
    assert "ValueError" in text


def test_a_collector_that_is_silent_holds_up_neither_the_work_nor_the_end_of_a_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-c", SPANS]
        done = subprocess.run(command, env={**os.environ, ENDPOINT: address}, capture_output=True, timeout=60, check=True)  # noqa: S603 - our own words
    worked, ended = map(float, done.stdout.split())
    assert worked < 5
    assert ended < 5


ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SPANS = """
import time
from opentelemetry import trace
from shared.settings import load_settings
from shared.telemetry import send_last_spans, set_up_traces
set_up_traces(load_settings(), "x")
begun = time.perf_counter()
for _ in range(2000):
    trace.get_tracer("x").start_span("x").end()
print(time.perf_counter() - begun)
begun = time.perf_counter()
send_last_spans()
print(time.perf_counter() - begun)
"""
