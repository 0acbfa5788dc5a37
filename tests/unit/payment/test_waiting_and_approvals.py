"""What is not there yet is waited for; journals are approved, reversed, dropped and refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.payment.rules import Books, discard, expire, fold
from shared.events.envelope import EventRef
from shared.events.journals import SalesPaymentsReply
from shared.events.reference import CompanyDefined, ExchangeRatePublished, PeriodClosed, PeriodOpened, ReferenceWithdrawn
from shared.events.settlements import DocumentReversed, SalesPaymentJournalRefused, SettlementReversed
from tests.builders.payment import (
    DAY,
    EAST,
    FABW,
    IC_4,
    JOURNAL,
    NUMBER,
    RUN,
    Payment,
    approved,
    invoice,
    journal,
    payment,
    ready,
    record,
    relation,
    run,
    said,
)

REVERSED = SettlementReversed("payable", [], [RUN], [])


@pytest.mark.parametrize(
    ("known", "missing", "waits_for", "key"),
    [
        ((JOURNAL, FABW, EAST), relation(), "trading-relation", {"seller": "FABW", "buyer": "FABE", "vendor": "IC-WEST"}),
        ((relation(), FABW, EAST), JOURNAL, "payment-journal", {"company": "FABW", "journal": "ARPAY-IC"}),
        ((relation(), JOURNAL, EAST), FABW, "company", {"company": "FABW"}),
        ((JOURNAL, FABW, relation()), EAST, "account", {"company": "FABW", "ledger": "receivable", "account": "IC-EAST"}),
        (
            (JOURNAL, CompanyDefined("FABW", "EUR"), relation(), EAST),
            ExchangeRatePublished("EUR", "USD", DAY, Decimal("1.25")),
            "exchange-rate",
            {"company": "FABW", "from": "USD", "to": "EUR", "date": "2026-03-12"},
        ),
        (
            (JOURNAL, FABW, relation(), EAST, PeriodClosed("FABW", DAY, DAY)),
            PeriodOpened("FABW", DAY, DAY),
            "period",
            {"company": "FABW", "date": "2026-03-12"},
        ),
    ],
)
def test_a_journal_waits_for_the_sellers_reference_data(known: tuple[Any, ...], missing: Any, waits_for: str, key: dict[str, str]) -> None:
    service = Payment(*known)
    (answer,) = service.hear(IC_4)
    assert (answer.type, answer.data) == ("sales-payment-journal.waiting", SalesPaymentsReply(RUN, 1))
    (waiting,) = service.books.list_waiting()
    assert (waiting.event, waiting.reason, waiting.key, waiting.since) == (RUN, waits_for, key, answer.time)
    assert service.statuses() == {}
    (posted,) = service.hear(missing)
    assert (posted.type, journal(posted).document, journal(posted).reply_count) == ("sales-payment-journal.posted", NUMBER, 0)
    assert (posted.cause, posted.time) == (answer.cause, answer.time)
    assert service.waits() == []


def test_a_journal_that_is_only_created_waits_for_its_account_and_for_no_rate_or_period() -> None:
    service = Payment(JOURNAL, CompanyDefined("FABW", "EUR"), relation(automatic=False), PeriodClosed("FABW", DAY, DAY))
    service.hear(IC_4)
    assert service.waits() == [("VPAY-7", "account")]
    assert said(service.hear(EAST)) == ["journal.created"]


def test_a_journal_waits_for_one_thing_after_the_other_and_is_told_once() -> None:
    service = Payment()
    assert said(service.hear(IC_4)) == ["journal.waiting"]
    assert service.hear(FABW) == []
    assert service.waits() == [("VPAY-7", "trading-relation")]
    assert service.hear(relation()) == []
    assert service.waits() == [("VPAY-7", "account")]
    assert service.hear(EAST) == []
    assert service.waits() == [("VPAY-7", "payment-journal")]
    assert said(service.hear(JOURNAL)) == ["journal.posted"]
    assert service.hear(JOURNAL) == []


RATE = ExchangeRatePublished("EUR", "USD", DAY, Decimal("1.25"))
NO_RATE = ReferenceWithdrawn("exchange-rate.published", from_="EUR", to="USD", date=DAY)
IN_EUROS = (CompanyDefined("FABW", "EUR"), EAST, RATE)


@pytest.mark.parametrize(
    ("known", "waits_for"),
    [((relation(),), "payment-journal"), ((relation(), JOURNAL, PeriodClosed("FABW", DAY, DAY)), "period")],
)
def test_without_a_rate_that_is_withdrawn_a_journal_waits_for_the_rate_first(known: tuple[Any, ...], waits_for: str) -> None:
    service = Payment(*IN_EUROS, *known)
    service.hear(IC_4)
    assert service.waits() == [("VPAY-7", waits_for)]
    service.hear(NO_RATE)
    assert service.waits() == [("VPAY-7", "exchange-rate")]
    service.hear(RATE)
    assert service.waits() == [("VPAY-7", waits_for)]


def test_another_relation_lets_a_journal_go_on_that_waits_for_its_journal() -> None:
    service = Payment(FABW, EAST, JOURNAL, relation(journal="OTHER"))
    service.hear(IC_4)
    (posted,) = service.hear(relation())
    assert journal(posted).document == NUMBER


def test_journals_that_waited_go_on_in_order_of_arrival() -> None:
    service = Payment(JOURNAL, FABW, EAST)
    for name in ("Z", "A", "M"):
        service.hear(run([payment(name), invoice("VI")], record(0, 1, "1.00"), ref=EventRef("scenario", name)))
    assert [each.mirrors[1] for each in map(journal, service.hear(relation()))] == ["Z", "A", "M"]


def test_one_of_two_journals_waits_and_both_answer() -> None:
    service = ready()
    documents = [payment(), invoice("VI-1"), invoice("VI-2", mark=1, company="FABX")]
    made, waiting = service.hear(run(documents, record(0, 1, "1.00"), record(0, 2, "2.00")))
    assert (journal(made).reply_count, waiting.data) == (2, SalesPaymentsReply(RUN, 2))
    assert journal(service.hear(relation(buyer="FABX"))[0]).document == "ARPAY-IC-FAB-VPAY-7-2"


def test_two_journals_of_a_run_that_wait_for_different_things_are_both_listed_and_for_one_thing_once() -> None:
    service = Payment(FABW)
    documents = [payment(), invoice("VI-1"), invoice("VI-2", mark=1, seller="FABN"), invoice("VI-3", mark=2, seller="FABX")]
    service.hear(run(documents, *(record(0, place, "1.00") for place in (1, 2, 3))))
    assert [(each.reason, each.key["company"]) for each in service.books.list_waiting() if each.reason == "company"] == [
        ("company", "FABN"),
        ("company", "FABX"),
    ]
    one = Payment()
    one.hear(run([payment(), invoice("VI-1"), invoice("VI-2", mark=1, company="FABX")], record(0, 1, "1.00"), record(0, 2, "2.00")))
    assert [(each.reason, each.key) for each in one.books.list_waiting()] == [("company", {"company": "FABW"})]


def test_reversing_the_run_drops_a_journal_that_waits_and_its_number_is_not_given_again() -> None:
    service = Payment(JOURNAL, FABW, EAST)
    service.hear(IC_4)
    service.hear(SettlementReversed("receivable", [], [RUN], []))
    assert service.waits() == [("VPAY-7", "trading-relation")]
    assert service.hear(REVERSED) == []
    assert service.waits() == []
    assert service.hear(relation()) == []
    (again,) = service.hear(run([payment(), invoice("VI-7")], record(0, 1, "980.00"), ref=EventRef("scenario", "S")))
    assert journal(again).document == "ARPAY-IC-FAB-VPAY-7-2"


@pytest.mark.parametrize("automatic", [True, False])
def test_reversing_the_run_reverses_its_journals(automatic: bool) -> None:  # noqa: FBT001 - a parameter of the test
    service = ready(automatic=automatic)
    service.hear(IC_4)
    reversal = SettlementReversed("payable", [], [RUN], [("FABW", NUMBER), ("FABW", "UNKNOWN")])
    (reversed_,) = service.hear(reversal)
    assert (reversed_.type, journal(reversed_).document, journal(reversed_).reply_count) == ("sales-payment-journal.reversed", NUMBER, 0)
    assert service.statuses() == {NUMBER: "reversed"}
    assert service.hear(reversal) == []
    assert service.hear(DocumentReversed("receivable", "FABW", NUMBER, DAY)) == []
    assert said(service.hear(approved())) == ["journals.answered"]


def test_reversing_the_sales_payment_itself_makes_its_journal_reversed() -> None:
    service = ready()
    service.hear(IC_4)
    assert service.hear(DocumentReversed("payable", "FABW", NUMBER, DAY)) == []
    assert service.hear(DocumentReversed("receivable", "FABW", "C-1", DAY)) == []
    assert said(service.hear(DocumentReversed("receivable", "FABW", NUMBER, DAY))) == ["journal.reversed"]


def test_a_journal_whose_number_is_taken_never_was_and_its_n_is_not_given_again() -> None:
    service = ready()
    service.hear(IC_4)
    assert service.hear(SalesPaymentJournalRefused("FABW", NUMBER)) == []
    assert service.statuses() == {}
    assert journal(service.hear(IC_4)[0]).document == "ARPAY-IC-FAB-VPAY-7-2"


def test_an_approval_posts_a_created_journal_once_and_each_is_answered() -> None:
    service = ready(automatic=False)
    service.hear(IC_4)
    (posted,) = service.hear(approved())
    asked = EventRef("scenario", "APPROVE")
    assert (posted.type, posted.cause, journal(posted).approval) == ("sales-payment-journal.posted", asked, asked)
    assert service.statuses() == {NUMBER: "posted"}
    for again in (approved(by="AGAIN"), approved("ARPAY-IC-FAB-VPAY-7-2", by="AGAIN")):
        (answer,) = service.hear(again)
        assert (answer.type, answer.data) == ("sales-payment-journals.answered", SalesPaymentsReply(EventRef("scenario", "AGAIN"), 1))
    assert service.statuses() == {NUMBER: "posted"}


def test_journals_that_are_made_together_name_their_batch_and_one_that_is_made_alone_has_none() -> None:
    service = Payment(JOURNAL, FABW, EAST)
    for name in ("Z", "A"):
        service.hear(run([payment(name), invoice("VI")], record(0, 1, "1.00"), ref=EventRef("scenario", name)))
    together = [journal(each) for each in service.hear(relation())]
    batch = EventRef("intercompany/payment", "FABW/ARPAY-IC-FAB-Z-1")
    assert [(each.batch, each.batch_size) for each in together] == [(batch, 2), (batch, 2)]
    alone = Payment(JOURNAL, FABW, EAST)
    alone.hear(IC_4)
    assert [(each.batch, each.batch_size) for each in map(journal, alone.hear(relation()))] == [(None, 0)]
    kept = [each.data.batch for each in service.books.journals]
    assert kept == [None, None]


def test_discarding_refuses_what_an_event_lets_wait() -> None:
    service = Payment(FABW)
    service.hear(IC_4)
    service.hear(run([payment("OTHER"), invoice("VI-8")], record(0, 1, "1.00"), ref=EventRef("scenario", "OTHER")))
    (refused,) = discard(service.books, [RUN, EventRef("scenario", "UNKNOWN")])
    assert (refused.data.event, refused.data.code, refused.data.scope) == ("VPAY-7", "discarded", "settlement")
    assert "trading-relation seller FABW" in refused.data.message
    assert service.waits() == [("OTHER", "trading-relation")]


def test_what_has_waited_too_long_is_given_up() -> None:
    service = Payment()
    old = service.hear(IC_4)
    service.hear(run([payment("NEW"), invoice("VI-8")], record(0, 1, "1.00"), ref=EventRef("scenario", "NEW")))
    assert [each.data.event for each in expire(service.books, old[0].time + timedelta(seconds=1))] == ["VPAY-7"]
    assert service.waits() == [("NEW", "company")]


def test_a_rollback_forgets_what_was_folded() -> None:
    service = ready()
    books: Books = service.books
    fold(books, service.message(IC_4))
    fold(books, service.message(run([payment("X"), invoice("VI-8", seller="FABN")], record(0, 1, "1.00"))))
    fold(books, service.message(relation(seller="FABN")))
    books.rollback()
    assert (service.statuses(), service.waits(), books.reference_events, len(books.reference.trading)) == ({}, [], [], 1)
    assert journal(service.hear(IC_4)[0]).document == NUMBER
