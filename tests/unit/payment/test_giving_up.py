"""What is told when a sales payment journal or an approval is given up: by whose fault, why, and what would have been said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.payment.rules import discard, expire, fold
from shared.events.envelope import EventRef, Outgoing, Topic
from tests.builders.payment import FABW, IC_4, NUMBER, RUN, Payment, approval, invoice, payment, ready, record, run, said

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _second() -> Any:
    """The run of ic-4 again, for another payment."""
    first = IC_4.documents[0]
    return replace(IC_4, documents=[replace(first, document="VPAY-8"), *IC_4.documents[1:]], run=EventRef("scenario", "VPAY-8"))


def _events(outgoing: list[Outgoing]) -> list[str]:
    return [each.data.event for each in outgoing]


def test_a_journal_that_is_given_up_is_refused_by_its_run_with_what_it_would_have_said() -> None:
    service = Payment(FABW)
    service.hear(IC_4)
    (refused,) = discard(service.books, [RUN])
    rejection = refused.data
    assert (refused.type, refused.topic, refused.key) == ("event.rejected", Topic.REJECTIONS, "FABW")
    assert (rejection.event, rejection.source, rejection.scope, rejection.code, rejection.field) == (
        *RUN[::-1],
        "settlement",
        "discarded",
        "",
    )
    why = "trading-relation seller FABW, buyer FABE, vendor IC-WEST"
    assert rejection.message == f"the sales payment journal of VPAY-7 of FAB was discarded while it waited for {why}"
    marks = [{"company": "FABW", "document": "C-VI-7", "amount_to_settle": "980.00", "cash_discount_to_take": "20.00"}]
    said = {"company": "FABW", "currency": "USD", "amount": "980.00", "marks": marks}
    assert rejection.original == {"source": "scenario", "id": "VPAY-7", "data": said}


def test_an_approval_that_is_given_up_is_refused_with_the_journal_it_waited_for() -> None:
    service = Payment()
    service.hear(approval("J-1"), id_="A")
    (refused,) = discard(service.books, [EventRef("scenario", "A")])
    rejection = refused.data
    assert (refused.topic, refused.key) == (Topic.REJECTIONS, "FABW")
    assert (rejection.event, rejection.scope, rejection.code, rejection.field) == ("A", "settlement", "discarded", "/document")
    assert rejection.message == (
        "the approval of J-1 of FABW was discarded while it waited for document company FABW, journal ARPAY-IC, document J-1"
    )
    assert rejection.original["data"]["document"] == "J-1"


def test_what_is_given_up_is_refused_in_the_order_in_which_it_came() -> None:
    for order in ((IC_4, _second()), (_second(), IC_4)):
        service = Payment()
        for each in order:
            service.hear(each)
        both = [each.run for each in order]
        assert _events(discard(service.books, both[::-1])) == [ref.id for ref in both]
    service = Payment()
    for name in ("B", "A"):
        service.hear(approval("J-1"), id_=name)
    assert _events(discard(service.books, [EventRef("scenario", "A"), EventRef("scenario", "B")])) == ["B", "A"]


def test_what_came_at_the_time_named_is_kept() -> None:
    service = Payment()
    said = service.hear(IC_4)
    assert expire(service.books, said[0].time) == []
    assert _events(expire(service.books, said[0].time + timedelta(seconds=1))) == ["VPAY-7"]


def test_each_replay_of_an_approval_is_refused_by_an_event_of_its_own() -> None:
    service = ready(automatic=True)
    service.hear(IC_4)
    at_once = [replace(service.message(approval(), id_="A", replay=number), time=NOW) for number in (0, 1, 12)]
    refusals = [fold(service.books, message)[0] for message in at_once]
    assert len({each.ref for each in refusals}) == len(refusals)
    assert {(each.data.event, each.data.field, each.data.code) for each in refusals} == {("A", "/document", "not-created")}


def test_what_a_message_causes_belongs_to_its_trace() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    service = ready(automatic=False)
    created = service.hear(IC_4, trace=trace)
    posted = service.hear(approval(), trace=trace)
    refused = service.hear(approval(), trace=trace)
    assert [each.type for each in (*created, *posted, *refused)] == [
        *("sales-payment-journal.created", "sales-payment-journal.posted", "event.rejected")
    ]
    assert {each.traceparent for each in (*created, *posted, *refused)} == {trace}


def test_an_approval_waits_from_when_it_came_not_from_when_it_says_it_was_written() -> None:
    service = Payment()
    fold(service.books, replace(service.message(approval(), id_="A"), time=NOW - timedelta(days=9), arrived=NOW))
    (waiting,) = service.books.list_waiting()
    assert waiting.since == NOW
    assert expire(service.books, NOW) == []
    assert _events(expire(service.books, NOW + timedelta(seconds=1))) == ["A"]


def test_a_journal_waits_from_when_its_run_came() -> None:
    service = Payment()
    fold(service.books, replace(service.message(IC_4), time=NOW - timedelta(days=9), arrived=NOW))
    assert [each.since for each in service.books.list_waiting()] == [NOW]
    assert expire(service.books, NOW) == []
    assert _events(expire(service.books, NOW + timedelta(seconds=1))) == ["VPAY-7"]


def test_what_waits_has_places_in_the_order_in_which_it_came_and_the_key_by_which_the_store_finds_it() -> None:
    service = Payment()
    for name in ("A", "B"):
        service.hear(approval(), id_=name)
    assert [(each.sequence, each.need.wake_key) for each in service.books.approvals] == [
        (1, ("journal", "FABW", NUMBER)),
        (2, ("journal", "FABW", NUMBER)),
    ]


def test_an_approved_journal_that_has_its_own_rate_needs_none_that_is_published() -> None:
    service = ready(automatic=False)
    service.hear(run([payment(currency="GBP", rate="1.25"), invoice("VI-7", currency="GBP")], record(0, 1, "980.00")))
    assert said(service.hear(approval())) == ["journal.posted"]
