"""What a sender may not send posts nothing and takes no id; its reference data goes onto the one reference topic."""

from __future__ import annotations

from typing import Any

import pytest

from services.desk.rows import Result
from shared.events.contract import sender_topic
from shared.events.envelope import EventRef, Message, Outgoing, Record, Topic
from tests.builders.records import binary, taken
from tests.builders.senders import on_topic_of, sent
from tests.builders.settlement import Event, Heard, asked, balances, invoice, mark, note, paid, taken_back, undone, with_attribute

SENDERS = {
    "erp-eu": {"companies": ["FAB", "FABE"], "sources": ["scenario"], "may": ["invoices", "payments", "requests", "reference"]},
    "erp-us": {"companies": ["FABW"], "sources": ["scenario"], "may": ["invoices", "payments", "requests"]},
    "books": {"companies": "*", "sources": ["scenario"], "may": ["reference"]},
}


class Sent(Heard):
    """The services while events come on the topics of senders; the group with its senders is there."""

    def __init__(self, **group: Any) -> None:
        super().__init__(senders=SENDERS, **group)

    def by(self, sender: str, *events: Event, **attributes: str) -> Result:
        """What there is after these events have come on this sender's topics."""
        for arrival in Heard(*events, companies={}, parties={}, payment_journals={}, trading=[], exchange_rates=[])._arriving:  # noqa: SLF001
            record = arrival.record
            for name, value in attributes.items():
                record = with_attribute(record, name, value)
            self._arriving.append(arrival)
            self.send(on_topic_of(record, sender))
        return self.now()

    def sent_on(self, record: Record) -> list[Outgoing]:
        """What goes onto the reference topic because of a record."""
        before = len(self.said)
        self.send(record)
        return [each for each in self.said[before:] if each.topic == Topic.REFERENCE]


OUTSIDE: list[tuple[Event, str]] = [
    (invoice("I1"), "/company"),
    (paid("P1", "10.00", mark("I1")), "/company"),
    (paid("P2", side="vendor"), "/company"),
    (asked("S1", mark("I1"), mark("N1")), "/settle/0/company"),
    (undone("U1", payment={"company": "FAB", "document": "P1"}), "/payment/company"),
    (taken_back("R1", "P1"), "/payment/company"),
    (
        {"id": "D1", "type": "document-reversal.requested", "ledger": "receivable", "document": {"company": "FAB", "document": "I1"}},
        "/document/company",
    ),
    ({"id": "A1", "type": "journal-approval.requested", "company": "FAB", "journal": "J", "document": "J-FAB-P-1"}, "/company"),
]


@pytest.mark.parametrize(("event", "field"), OUTSIDE, ids=[event["id"] for event, _ in OUTSIDE])
def test_an_event_for_another_company_is_refused_and_its_id_is_free_for_who_may_send_it(event: Event, field: str) -> None:
    services = Sent()
    refused = services.by("erp-us", event)
    (rejection,) = refused.rejected
    assert (rejection["event"], rejection["scope"], rejection["code"], rejection["field"]) == (
        event["id"],
        "event",
        "not-authorised",
        field,
    )
    assert rejection["message"] == "the sender erp-us does not speak for FAB: its companies are FABW"
    assert refused.vouchers == []
    assert refused.waiting == []

    again = services.by("erp-eu", event)
    assert again.rejected == refused.rejected, "sent by who may, it is no duplicate and nothing is wrong with it"
    assert again.vouchers or again.waiting


def test_what_a_sender_may_send_posts_as_on_the_shared_topics() -> None:
    events = [invoice("I1"), note("N1"), paid("P1", "5.00", mark("I1")), asked("S1", mark("I1"), mark("N1"))]
    assert Sent().by("erp-eu", *events).as_json([]) == Heard(*events).now().as_json([]) | {"id": ""}


def test_a_payment_settles_documents_of_companies_that_its_sender_does_not_speak_for() -> None:
    services = Sent()
    services.by("erp-us", invoice("I1", company="FABW", currency="USD"))
    after = services.by("erp-eu", paid("P1", "10.00", mark("I1", "FABW")))
    assert after.rejected == []
    assert balances(after) == {"I1": "0.00", "P1": "0.00"}


@pytest.mark.parametrize("event", [invoice("I1"), paid("P1")], ids=["invoice", "payment"])
def test_a_sender_of_unknown_name_is_refused_until_it_is_defined(event: Event) -> None:
    services = Sent()
    (rejection,) = services.by("bank", event).rejected
    assert (rejection["code"], rejection["field"]) == ("not-authorised", "")
    services.send(_definition("bank"))
    assert len(services.by("bank", event).vouchers) == 1


def _definition(sender: str) -> Record:
    return _by_operator("sender.defined", {"sender": sender, "companies": "*", "sources": ["scenario"], "may": ["invoices", "payments"]})


def _by_operator(name: str, data: dict[str, Any]) -> Record:
    return binary(name, data, id_="by the operator", source="operator")


def test_a_withdrawn_sender_may_send_nothing_more() -> None:
    services = Sent()
    services.by("erp-eu", invoice("I1"))
    services.send(_by_operator("reference.withdrawn", {"event": "sender.defined", "sender": "erp-eu"}))
    after = services.by(
        "erp-eu",
        invoice("I2"),
        paid("P2"),
        {"id": "A", "type": "journal-approval.requested", "company": "FAB", "journal": "J", "document": "J"},
    )
    assert [each["code"] for each in after.rejected] == ["not-authorised"] * 3
    assert balances(after) == {"I1": "10.00"}


@pytest.mark.parametrize("event", [invoice("I1"), paid("P1"), asked("S1", mark("I1"), mark("N1"))], ids=["invoice", "payment", "request"])
def test_what_another_has_taken_stays_taken(event: Event) -> None:
    """A duplicate is a duplicate before it is anything else; the id that the rightful sender's event took is not freed."""
    services = Sent()
    services.by("erp-eu", event)
    before = services.now()
    assert services.by("erp-us", event).as_json([]) == before.as_json([])
    other = event | ({"amount": "11.00"} if "amount" in event else {"date": "2026-03-01"})
    services.by("erp-us", other)
    services.by("erp-eu", other)
    assert {each.code for each in services.rejections} == {"conflicting-duplicate"}
    assert services.now().vouchers == before.vouchers


def test_a_payment_sent_as_a_replay_by_who_may_not_send_it_frees_no_id() -> None:
    services = Sent()
    services.by("erp-eu", paid("P1"))
    refused = services.by("erp-us", paid("P1"), replay="1")
    assert [each["code"] for each in refused.rejected] == ["not-authorised"]
    services.by("erp-eu", paid("P1", "11.00"))
    assert [each.code for each in services.rejections] == ["not-authorised", "conflicting-duplicate"]


def test_what_waits_is_told_with_its_sender_when_it_is_refused_later() -> None:
    services = Sent()
    services.by("erp-eu", paid("P1", "10.00", mark("I1")))
    services.by("erp-eu", invoice("I1", "10.00", account="C-2"))
    (refusal,) = services.rejections
    assert (refusal.code, refusal.original["intercompanysender"]) == ("other-party", "erp-eu")


# Reference data

RATE = {"company": "FAB", "from": "GBP", "to": "USD", "date": "2026-01-01", "rate": "1.3"}


def test_reference_data_of_a_sender_goes_onto_the_reference_topic_under_its_own_id_and_the_key_of_what_it_says() -> None:
    services = Sent()
    record = sent("exchange-rate.published", RATE, "erp-eu", id_="R1", source="scenario")
    (forwarded,) = services.sent_on(record)
    assert (forwarded.ref, forwarded.key) == (EventRef("scenario", "R1"), "exchange-rate/FAB/GBP/USD/2026-01-01")
    assert forwarded.time == taken(record).time
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    (traced,) = services.sent_on(sent("exchange-rate.published", RATE, "erp-eu", id_="R2", source="scenario", traceparent=trace))
    assert traced.traceparent == trace
    after = services.by("erp-eu", invoice("I1", currency="GBP"))
    assert after.vouchers[0]["lines"][0]["accounting_debit"] == "13.00"


def test_reference_data_is_taken_once_however_often_a_sender_sends_it() -> None:
    services = Sent()
    record = sent("exchange-rate.published", RATE, "erp-eu", id_="R1", source="scenario")
    (first,), (second,) = services.sent_on(record), services.sent_on(record)
    assert first == second
    assert services.rejections == []
    other = sent("exchange-rate.published", RATE | {"rate": "1.4"}, "erp-eu", id_="R1", source="scenario")
    assert {each.code for each in _refusals(services, other)} == {"conflicting-duplicate"}


def _refusals(services: Sent, record: Record) -> list[Any]:
    before = len(services.rejections)
    services.send(record)
    return services.rejections[before:]


@pytest.mark.parametrize(
    ("sender", "name", "data", "field"),
    [
        ("erp-eu", "company.defined", {"company": "FABW", "currency": "EUR"}, "/company"),
        ("erp-eu", "party.defined", {"party": "NW", "customers": {"FAB": "C"}}, ""),
        ("erp-us", "company.defined", {"company": "FABW", "currency": "EUR"}, "/type"),
        ("books", "sender.defined", {"sender": "erp-us", "companies": "*", "sources": ["scenario"], "may": ["payments"]}, "/type"),
        ("books", "reference.withdrawn", {"event": "sender.defined", "sender": "erp-us"}, "/event"),
    ],
)
def test_reference_data_that_is_not_the_senders_to_say_goes_nowhere(sender: str, name: str, data: dict[str, Any], field: str) -> None:
    services = Sent()
    record = sent(name, data, sender, id_="R1", source="scenario")
    before = len(services.said)
    (refusal,) = _refusals(services, record)
    assert (refusal.code, refusal.scope, refusal.field) == ("not-authorised", "event", field)
    assert [each.type for each in services.said[before:]] == ["event.rejected"]


def test_reference_data_that_is_refused_frees_no_id_that_is_taken() -> None:
    services = Sent()
    services.by("erp-eu", invoice("I1"))
    services.send(sent("company.defined", {"company": "FABW", "currency": "EUR"}, "erp-eu", id_="I1", source="scenario"))
    services.by("erp-eu", invoice("I1", "11.00"))
    assert [each.code for each in services.rejections] == ["not-authorised", "conflicting-duplicate"]


def test_the_topic_alone_says_who_the_sender_is() -> None:
    record = with_attribute(sent("exchange-rate.published", RATE, "bank", source="scenario"), "intercompanysender", "erp-eu")
    message = taken(record)
    assert isinstance(message, Message)
    assert (message.sender, record.topic) == ("bank", sender_topic(Topic.REFERENCE, "bank"))
    assert [each.code for each in _refusals(Sent(), record)] == ["not-authorised"]
