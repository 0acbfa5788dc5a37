"""What is told when a sales payment journal or an approval is given up: by whose fault, why, and what would have been said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.payment.rules import discard, expire, fold
from services.payment.rules.values import WaitingApproval
from shared.events.envelope import EventRef, Outgoing, Topic
from shared.waiting import Need
from tests.builders.payment import FABW, IC_4, RUN, Payment, approved, ready, said

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


def test_what_is_given_up_is_refused_in_the_order_in_which_it_came() -> None:
    for order in ((IC_4, _second()), (_second(), IC_4)):
        service = Payment()
        for each in order:
            service.hear(each)
        both = [each.run for each in order]
        assert _events(discard(service.books, both[::-1])) == [ref.id for ref in both]


def test_what_came_at_the_time_named_is_kept() -> None:
    service = Payment()
    said = service.hear(IC_4)
    assert expire(service.books, said[0].time) == []
    assert _events(expire(service.books, said[0].time + timedelta(seconds=1))) == ["VPAY-7"]


def test_what_a_message_causes_belongs_to_its_trace() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    service = ready(automatic=False)
    created = service.hear(IC_4, trace=trace)
    posted = service.hear(approved(), trace=trace)
    answered = service.hear(approved(by="AGAIN"), trace=trace)
    assert said([*created, *posted, *answered]) == ["journal.created", "journal.posted", "journals.answered"]
    assert {each.traceparent for each in (*created, *posted, *answered)} == {trace}


def test_a_journal_waits_from_when_its_run_came() -> None:
    service = Payment()
    fold(service.books, replace(service.message(IC_4), time=NOW - timedelta(days=9), arrived=NOW))
    assert [each.since for each in service.books.list_waiting()] == [NOW]
    assert expire(service.books, NOW) == []
    assert _events(expire(service.books, NOW + timedelta(seconds=1))) == ["VPAY-7"]


def _waited(name: str, place: int) -> WaitingApproval:
    """An approval that an earlier version let wait here."""
    need = Need("document", {"company": "FABW", "journal": "J", "document": "J-1"}, ("journal", "FABW", "J-1"))
    ref = EventRef("scenario", name)
    return WaitingApproval(ref, ref, "FABW", "J", "J-1", NOW, None, {"id": name}, place, need)


def test_approvals_of_an_earlier_version_are_refused_to_be_sent_again_in_the_order_in_which_they_came() -> None:
    service = Payment()
    for place, name in enumerate("BAC"):
        waited = _waited(name, place)
        service.books.approvals.put(waited.identity, waited)
    refused = discard(service.books, [EventRef("scenario", "A"), EventRef("scenario", "B")])
    assert [(each.data.event, each.data.scope, each.data.code, each.data.field, each.data.original) for each in refused] == [
        ("B", "settlement", "discarded", "/document", {"id": "B"}),
        ("A", "settlement", "discarded", "/document", {"id": "A"}),
    ]
    assert {each.key for each in refused} == {"FABW"}
    assert refused[0].data.message == (
        "the approval of J-1 of FABW waited for document company FABW, journal J, document J-1 when this version was installed: "
        "send it again, or have `rejections replay` do so"
    )
    assert service.books.freed_ids == {EventRef("scenario", "A"), EventRef("scenario", "B")}
    assert [each.event.id for each in service.books.approvals] == ["C"]
