"""One trace follows a payment from the request that brought it through every service to its vouchers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

if TYPE_CHECKING:
    from tests.observe.receiver import ReceivedSpan
    from tests.observe.stack import Stack

pytestmark = pytest.mark.embedded

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
CALLER: Final = "b7ad6b7169203331"
PAYMENT: Final = {"company": "FAB", "account": "IC-WEST", "document": "VPAY-8", "date": "2026-03-12", "currency": "USD", "amount": "980.00"}
POSTING: Final = "intercompany-posting"
LONGEST: Final = ("web", "payment", "settlement", "posting")


def _send(stack: Stack, type_: str, id_: str, data: dict[str, Any], trace: str) -> None:
    event = {"specversion": "1.0", "id": id_, "source": "/erp", "type": f"intercompany.{type_}.v1", "data": data}
    headers = {"content-type": "application/cloudevents+json", "traceparent": f"00-{trace}-{CALLER}-01"}
    answer = httpx.post(f"http://127.0.0.1:{stack.ports['http']}/v1/events", json=event, headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text


def test_a_payment_of_ic_4_is_one_trace_from_the_request_to_every_voucher(stack: Stack) -> None:
    invoice: dict[str, Any] = {"date": "2026-03-02", "due_date": "2026-04-01", "currency": "USD", "amount": "1000.00"}
    discount: dict[str, Any] = {"cash_discounts": [{"percent": "2", "days": 14}]}
    sale = {**invoice, **discount, "company": "FABW", "account": "IC-EAST", "document": "CI-8"}
    bill: dict[str, Any] = {**sale, "company": "FABE", "account": "IC-WEST", "document": "VI-8"}
    bill["intercompany_invoice"] = {"company": "FABW", "document": "CI-8"}
    _send(stack, "customer-invoice.posted", "CI-8", sale, "1" * 32)
    _send(stack, "vendor-invoice.posted", "VI-8", bill, "2" * 32)
    _send(stack, "vendor-payment.posted", "VPAY-8", {**PAYMENT, "settle": [{"company": "FABE", "document": "VI-8"}]}, TRACE)
    # Each process exports its spans when it likes: a child may be here before its parent.
    stack.until(lambda: _is_whole({span.id: span for span in stack.receiver.of_trace(TRACE)}))
    spans = {span.id: span for span in stack.receiver.of_trace(TRACE)}
    [root] = [span for span in spans.values() if span.parent not in spans]
    assert (root.service, root.name, root.kind, root.parent) == ("intercompany-web", "POST /v1/events", Span.SPAN_KIND_SERVER, CALLER)
    assert root.attributes["http.response.status_code"] == 202
    for span in spans.values():
        _check_message(span, root)


def test_a_batch_is_a_span_that_is_linked_to_those_of_its_messages(stack: Stack) -> None:
    stack.until(lambda: [span for span in stack.receiver.all() if span.name == "posting batch"])
    batches = [span for span in stack.receiver.all() if span.name == "posting batch"]
    messages = {span.id for span in stack.receiver.all() if span.service == POSTING and span.name != "posting batch"}
    for batch in batches:
        assert batch.attributes["messaging.system"] == "kafka"
        assert batch.attributes["messaging.batch.message_count"] == len(batch.links)
    assert any(batch.links & messages for batch in batches)


def _is_whole(spans: dict[str, ReceivedSpan]) -> bool:
    """Whether the longest way has come, inquiry has taken something, and every parent is here but one."""
    taken = "intercompany-inquiry" in {span.service for span in spans.values()}
    return taken and LONGEST in _ways_to(spans, POSTING) and len([span for span in spans.values() if span.parent not in spans]) == 1


def _ways_to(spans: dict[str, ReceivedSpan], service: str) -> set[tuple[str, ...]]:
    """The services on the ways from the root to the spans of one."""
    ways = set()
    for span in spans.values():
        if span.service == service:
            way, at = [span.service], span
            while at.parent in spans:
                at = spans[at.parent]
                way.append(at.service)
            ways.add(tuple(each.removeprefix("intercompany-") for each in reversed(way)))
    return ways


def _check_message(span: ReceivedSpan, root: ReceivedSpan) -> None:
    """What is taken from a topic says so by OpenTelemetry's conventions, and whose books it is of."""
    if span == root:
        return
    assert span.kind == Span.SPAN_KIND_CONSUMER
    assert span.attributes["messaging.system"] == "kafka"
    assert span.attributes["messaging.operation.type"] == "process"
    assert span.attributes["messaging.destination.name"].startswith("intercompany.")
    assert span.attributes["messaging.kafka.offset"] >= 0
    assert span.attributes["intercompany.kind"]
