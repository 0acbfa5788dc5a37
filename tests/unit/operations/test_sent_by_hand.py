"""What somebody sends by hand is an action that says which event, whose books, and what it said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.desk.actions.rules import Verb, plan_of
from services.operations.sent_by_hand import drafted_sending
from shared.events.envelope import EventRef, Record
from shared.events.producing import PartyBook, record_of
from shared.reference import Reference

PAYMENT: dict[str, Any] = {
    "company": "FAB",
    "account": "IC-WEST",
    "document": "VPAY-8",
    "date": "2026-03-20",
    "currency": "USD",
    "amount": "100.00",
    "settle": [{"company": "FABE", "document": "VI-7"}],
}


def record(id_: str, **changed: Any) -> Record:
    data = {**PAYMENT, **changed}
    return record_of(id_, "console", "vendor-payment.posted", data, datetime(2026, 3, 20, tzinfo=UTC), PartyBook(Reference()))


def test_one_event_is_told_by_its_document_with_the_companies_that_it_speaks_for() -> None:
    draft = drafted_sending([record("E1")])
    assert draft.verb is Verb.SEND
    assert draft.target == {
        "event": {"source": "console", "id": "E1"},
        "type": "vendor-payment.posted",
        "company": "FAB",
        "document": "VPAY-8",
    }
    assert draft.companies == ("FAB",)
    assert draft.after["amount"] == "100.00"
    assert draft.events() == {EventRef("console", "E1")}


def test_several_are_named_and_all_are_sent_as_they_were_given() -> None:
    records = [record("E1"), record("E2", company="FABW", settle=[])]
    draft = drafted_sending(records)
    assert [each["id"] for each in draft.target["events"]] == ["E1", "E2"]
    assert draft.companies == ("FAB", "FABW")
    assert draft.after is None
    kept = plan_of(draft.plan.as_row()).records
    assert [(each.key, each.value) for each in kept] == [(each.key, each.value) for each in records]
