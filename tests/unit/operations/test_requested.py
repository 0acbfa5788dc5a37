"""Events that people ask for over HTTP: read as the services read them before anything is sent, and of whose books they speak."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.operations.mending import Mended, corrected
from services.operations.requested import companies_of, request_record
from shared.events.codec import decode
from shared.events.envelope import EventRef, Message, Record, Topic
from shared.events.producing import PartyBook, record_of
from shared.events.refusal import RefusedError
from shared.settings import Senders, Settings

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
ID = "01a22856-14de-7372-b4a3-c0e8dbe8af95"
APPROVAL = {"company": "FABW", "journal": "ARPAY", "document": "ARPAY-FAB-1-1"}
MARKS = [{"company": "FABE", "document": "VI-7"}, {"company": "FAB", "document": "VP-7"}]
PAYMENT = {"company": "FAB", "account": "4050", "document": "1", "date": "2026-03-12", "currency": "USD", "amount": "5.00"}


def _record(type_: str, data: dict[str, Any]) -> Record:
    return record_of("1", "/erp", type_, data, NOW, PartyBook())


@pytest.mark.parametrize(
    ("type_", "data", "companies"),
    [
        ("vendor-payment.posted", PAYMENT, ("FAB",)),
        ("settlement.requested", {"ledger": "payable", "settle": MARKS}, ("FAB", "FABE")),
        ("settlement-reversal.requested", {"ledger": "payable", "settlement": "VP-7"}, None),
        ("party.defined", {"party": "EAST"}, None),
        ("vendor-payment.posted", {**PAYMENT, "amount": 5}, None),
    ],
)
def test_whose_books_an_event_concerns_is_what_senders_are_held_to(
    type_: str, data: dict[str, Any], companies: tuple[str, ...] | None
) -> None:
    assert companies_of(_record(type_, data)) == companies


def test_of_an_event_that_cannot_be_read_what_its_refusal_says_counts() -> None:
    assert companies_of(_record("vendor-payment.posted", {**PAYMENT, "amount": 5}), "FAB") == ("FAB",)


def test_a_request_has_the_source_of_the_api_the_id_of_its_action_and_nothing_that_was_left_out() -> None:
    context = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    record = request_record(ID, "journal-approval.requested", {**APPROVAL, "date": None}, NOW, PartyBook(), Settings(), context)
    read = decode(record)
    assert isinstance(read, Message)
    assert (read.ref, read.traceparent, record.topic) == (EventRef("intercompany/web", ID), context, Topic.REQUESTS)


def test_with_senders_enforced_a_request_is_on_the_topic_of_the_sender_web_and_reference_data_where_operators_send_them() -> None:
    enforced = Settings(senders=Senders.ENFORCED)
    assert request_record(ID, "journal-approval.requested", APPROVAL, NOW, PartyBook(), enforced).topic == "intercompany.requests.web"
    company = {"company": "FAB", "currency": "USD"}
    assert request_record(ID, "company.defined", company, NOW, PartyBook(), enforced).topic == Topic.REFERENCE


def test_what_the_services_would_not_read_is_said_before_it_is_sent() -> None:
    with pytest.raises(RefusedError) as refused:
        request_record(ID, "journal-approval.requested", {"company": "FABW"}, NOW, PartyBook(), Settings())
    assert (refused.value.code, refused.value.field) == ("invalid", "/journal")


ORIGINAL: dict[str, Any] = {
    "specversion": "1.0",
    "id": "VP-1",
    "source": "/erp",
    "type": "intercompany.vendor-payment.posted.v1",
    "time": "2026-03-12T12:00:00Z",
    "data": {**PAYMENT, "amount": 5},
}


@pytest.mark.parametrize("sender", [None, "erp-eu"])
def test_a_mended_event_keeps_its_names_and_says_who_mended_it(sender: str | None) -> None:
    original = ORIGINAL if sender is None else {**ORIGINAL, "intercompanysender": sender}
    record = corrected(original, Mended("r-1", PAYMENT, "ann", ID, NOW), PartyBook())
    read = decode(record)
    assert isinstance(read, Message)
    assert (read.ref, read.data.amount, record.topic) == (
        EventRef("/erp", "VP-1"),
        5,
        Topic.PAYMENTS if sender is None else "intercompany.payments.erp-eu",
    )
    assert b'"mendedby":"ann","mendedfrom":"r-1"' in (record.value or b"")
    assert b"intercompanysender" not in (record.value or b"")


@pytest.mark.parametrize("original", [{**ORIGINAL, "type": "no.such"}, {**ORIGINAL, "id": None}])
def test_what_has_no_names_of_the_contract_cannot_be_mended_here(original: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="its sender must send it again"):
        corrected(original, Mended("r-1", PAYMENT, "ann", ID, NOW), PartyBook())
