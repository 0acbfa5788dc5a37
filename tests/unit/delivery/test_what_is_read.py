"""Which records a service decodes at all: passing one over must never lose an event."""

from __future__ import annotations

import pytest

from services.payment.service import SERVICE as PAYMENT
from services.posting.service import SERVICE as POSTING
from services.settlement.service import SERVICE as SETTLEMENT
from shared.delivery.folding import may_concern
from shared.delivery.service import AnyService
from shared.events.envelope import Record, Topic


def _record(topic: str, name: str, content_type: str = "application/json") -> Record:
    headers = (("content-type", content_type.encode()), ("ce_type", f"intercompany.{name}.v1".encode()))
    return Record(topic, b"key", b"{}", headers)


@pytest.mark.parametrize(
    ("service", "name", "is_read"),
    [
        (PAYMENT, "document.posted", False),
        (PAYMENT, "settlement.posted", True),
        (PAYMENT, "no-such-type", True),
        (POSTING, "document.posted", True),
    ],
)
def test_of_our_own_events_only_those_that_a_service_takes_or_reports_are_read(service: AnyService, name: str, is_read: bool) -> None:  # noqa: FBT001 - what comes out
    assert may_concern(service, _record(Topic.SETTLEMENTS, name)) is is_read


@pytest.mark.parametrize("service", [PAYMENT, SETTLEMENT])
def test_what_others_send_is_read_whatever_type_a_header_says(service: AnyService) -> None:
    structured = "application/cloudevents+json"
    assert may_concern(service, _record(Topic.REQUESTS, "journal-approval.requested", structured))
    assert may_concern(service, _record(Topic.REQUESTS, "settlement.requested", structured))
