"""Which records a service decodes at all: passing one over must never lose an event."""

from __future__ import annotations

import pytest

from services.payment.service import SERVICE as PAYMENT
from services.posting.service import SERVICE as POSTING
from services.settlement.service import SERVICE as SETTLEMENT
from shared.delivery.folding import Defect, concerns, decoded, may_concern
from shared.delivery.service import AnyService
from shared.events.envelope import Record, Topic, Unreadable


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


def _own(topic: str, name: str, source: str) -> Record:
    """An event of one of our own types that lacks what its data must have."""
    about = (("ce_specversion", "1.0"), ("ce_id", "0197f0a0-0000-8000-8000-000000000001"), ("ce_source", source))
    record = _record(topic, name)
    record.headers += tuple((header, value.encode()) for header, value in about)
    return record


@pytest.mark.parametrize(
    ("service", "topic", "name", "source"),
    [
        (SETTLEMENT, Topic.JOURNALS, "payment-journal.posted", "intercompany/payment"),
        (SETTLEMENT, Topic.JOURNALS, "of-a-version-to-come", "intercompany/payment"),
        (POSTING, Topic.SETTLEMENTS, "settlement.posted", "intercompany/settlement"),
        (POSTING, Topic.SETTLEMENTS, "of-a-version-to-come", "intercompany/settlement"),
        (PAYMENT, Topic.SETTLEMENTS, "settlement.posted", "intercompany/settlement"),
    ],
)
def test_an_own_event_that_cannot_be_read_is_kept_as_a_defect(service: AnyService, topic: str, name: str, source: str) -> None:
    defect = decoded(service, _own(topic, name, source))
    assert isinstance(defect, Defect)
    assert "/" in str(defect.error)


@pytest.mark.parametrize(("service", "topic"), [(SETTLEMENT, Topic.JOURNALS), (POSTING, Topic.SETTLEMENTS)])
def test_what_others_write_on_our_own_topics_is_refused(service: AnyService, topic: str) -> None:
    refused = decoded(service, _own(topic, "settlement.posted", "erp"))
    assert isinstance(refused, Unreadable)
    assert concerns(service, refused)
