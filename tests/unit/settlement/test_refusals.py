"""What contradicts is refused with a code, the field, and words that say what is wrong and what would be right."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from services.scenarios.scenario_file import arrivals
from services.settlement.rules import instructions
from services.settlement.rules.fold import fold
from services.simulator.streams import scenario
from shared.events.codec import decode
from shared.events.envelope import Message
from tests.builders.settlement import (
    Event,
    Heard,
    asked,
    balances,
    invoice,
    mark,
    note,
    paid,
    result,
    taken_back,
    told,
    undone,
    with_attribute,
)

I1, I2, PAID = invoice("I1"), invoice("I2"), paid("P1", "10.00", mark("I1"))


class Refused(NamedTuple):
    """A refusal as `rejected` lists it."""

    event: str
    scope: str
    code: str
    field: str
    message: str


FACTS = [
    (
        [invoice("I1", exchange_rate="1.5")],
        Refused("I1", "event", "invalid", "/exchange_rate", "1.5 cannot be a rate of the company's own currency USD: send 1, or none"),
    ),
    (
        [I1, invoice("I1", "20.00", id="I1-again")],
        Refused(
            "I1-again",
            "event",
            "document-exists",
            "/document",
            "receivable document I1 of FAB has been posted by the event I1 of scenario: invoice of 2026-01-10 over 10.00 USD, account C",
        ),
    ),
    (
        [invoice("I1", lines=[{"account": "sales", "amount": "9.99"}])],
        Refused("I1", "event", "amounts-disagree", "/lines", "the lines add up to 9.99, the amount is 10.00"),
    ),
]
MARKS = [
    (
        [paid("P1", "10.001")],
        Refused("P1", "event", "invalid", "/amount", "10.001 has more digits than USD has: at most 2 after the point"),
    ),
    (
        [I1, paid("P1", "10.00", mark("I1"), mark("I1"))],
        Refused("P1", "settlement", "invalid", "/settle/1/document", "FAB I1 is marked twice: mark it once"),
    ),
    (
        [paid("P1", "10.00", mark("P1"))],
        Refused("P1", "settlement", "invalid", "/settle/0/document", "FAB P1 is marked by itself: mark it once"),
    ),
    (
        [invoice("I1", "1000", currency="JPY", exchange_rate="0.01"), paid("P1", "10.00", mark("I1", cash_discount_to_take="0.5"))],
        Refused("P1", "settlement", "invalid", "/settle/0/cash_discount_to_take", "0.5 has more digits than JPY has: at most 0"),
    ),
    (
        [
            invoice("I1", "1000", currency="JPY", exchange_rate="0.01"),
            note("N1", "500", currency="JPY", exchange_rate="0.01"),
            asked("S", mark("I1", amount_to_settle="0.5"), mark("N1")),
        ],
        Refused("S", "settlement", "invalid", "/settle/0/amount_to_settle", "0.5 has more digits than JPY has: at most 0"),
    ),
    (
        [I1, I2, asked("S", mark("I1"), mark("I2"), primary={"company": "FAB", "document": "P9"})],
        Refused("S", "settlement", "invalid", "/primary", "the primary FAB P9 is not among the marks"),
    ),
    (
        [I1, paid("P1"), asked("S", mark("P1"), mark("I1"), primary={"company": "FAB", "document": "I1"})],
        Refused("S", "settlement", "invalid", "/primary", "FAB I1 is of the kind invoice: a payment or credit note is needed"),
    ),
    (
        [I1, invoice("I3", account="C-2"), paid("P1", "20.00", mark("I1"), mark("I3"))],
        Refused("P1", "settlement", "other-party", "/settle/1/document", "FAB I3 is of party AW, the others of NW"),
    ),
    (
        [invoice("I3", account="C-2"), paid("P1", "20.00", mark("I3"))],
        Refused("P1", "settlement", "other-party", "/settle/0/document", "FAB I3 is of party AW, the others of NW"),
    ),
    (
        [I1, paid("P1", "10.00", mark("I1", cross_rate="1.2"))],
        Refused(
            "P1",
            "settlement",
            "invalid",
            "/settle/0/cross_rate",
            "1.2: a rate is agreed where a payment marks a document in another currency that raises the balance: leave it out",
        ),
    ),
    (
        [I1, PAID, I2, paid("P2", "10.00", mark("I2"), mark("I1"))],
        Refused("P2", "settlement", "document-closed", "/settle/1/document", "FAB I1 has nothing left open"),
    ),
    (
        [I1, paid("P1", "10.00", mark("I1", amount_to_settle="10.01"))],
        Refused("P1", "settlement", "over-settled", "/settle/0/amount_to_settle", "10.01 is more than that: FAB I1 has 10.00 USD open"),
    ),
    (
        [I1, paid("P1", "10.00", mark("I1", cash_discount_to_take="10.01"))],
        Refused(
            "P1", "settlement", "over-settled", "/settle/0/cash_discount_to_take", "10.01 is more than that: FAB I1 has 10.00 USD open"
        ),
    ),
    (
        [I1, I2, asked("S", mark("I1"), mark("I2"))],
        Refused("S", "settlement", "same-side", "/settle", "all documents raise the balance: there is nothing to settle with"),
    ),
    (
        [note("N1"), paid("P1", "10.00", mark("N1"))],
        Refused("P1", "settlement", "same-side", "/settle", "all documents lower the balance: there is nothing to settle with"),
    ),
    (
        [I1, paid("P1"), asked("S", mark("I1"), mark("P1"), date="2026-01-19")],
        Refused("S", "settlement", "date-too-early", "/date", "2026-01-19 is before FAB P1 of 2026-01-20: 2026-01-20 or later is needed"),
    ),
]
REVERSALS = [
    (
        [I1, taken_back("R", "I1")],
        Refused(
            "R",
            "settlement",
            "invalid",
            "/payment",
            "FAB I1 is of the kind invoice: only a payment is reversed by this; send document-reversal.requested",
        ),
    ),
    (
        [paid("P1"), taken_back("R", "P1", date="2026-01-19")],
        Refused(
            "R",
            "settlement",
            "date-too-early",
            "/date",
            "2026-01-19 is before the payment FAB P1 of 2026-01-20: that date or later is needed",
        ),
    ),
    (
        [paid("P1"), taken_back("R1", "P1"), taken_back("R", "P1")],
        Refused("R", "settlement", "already-reversed", "/payment", "the payment FAB P1 has been reversed already"),
    ),
    (
        [I1, PAID, taken_back("R", "P1")],
        Refused("R", "settlement", "still-settled", "/payment", "the payment FAB P1 is settled by 1 records: reverse its settlement first"),
    ),
    (
        [I1, PAID, undone("R", payment={"company": "FAB", "document": "I1"})],
        Refused("R", "settlement", "invalid", "/payment", "FAB I1 is of the kind invoice: name a payment, or the settlement by its event"),
    ),
    (
        [I1, PAID, undone("R", settlement="P1", date="2026-01-19")],
        Refused(
            "R",
            "settlement",
            "date-too-early",
            "/date",
            "2026-01-19 is before 2026-01-20, the latest date of what is reversed: that date or later is needed",
        ),
    ),
    (
        [paid("P1"), undone("R", payment={"company": "FAB", "document": "P1"})],
        Refused("R", "settlement", "not-settled", "/payment", "FAB P1 has settled nothing in ledger receivable"),
    ),
    (
        [I1, PAID, undone("R", ledger="payable", settlement="P1")],
        Refused("R", "settlement", "not-settled", "/settlement", "P1 has settled nothing in ledger payable"),
    ),
    (
        [I1, PAID, undone("R1", settlement="P1"), undone("R", settlement="P1")],
        Refused("R", "settlement", "already-reversed", "/settlement", "every settlement of P1 has been reversed already"),
    ),
    (
        [I1, PAID, undone("R1", settlement="P1"), undone("R", payment={"company": "FAB", "document": "P1"})],
        Refused("R", "settlement", "already-reversed", "/payment", "every settlement of FAB P1 has been reversed already"),
    ),
]


def _listed(events: list[Event], **group: Any) -> list[Refused]:
    return [Refused(**row) for row in result(*events, **group).rejected]


@pytest.mark.parametrize(
    ("events", "refused"), [*FACTS, *MARKS, *REVERSALS], ids=lambda value: value.code if isinstance(value, Refused) else ""
)
def test_a_refusal_names_its_event_the_field_and_what_would_be_right(events: list[Event], refused: Refused) -> None:
    assert _listed(events) == [refused]


@pytest.mark.parametrize(
    ("members", "refused"),
    [
        (
            ["FAB"],
            Refused("P1", "settlement", "not-a-member", "/settle/0/company", "FABE is not among the members of centralized payments"),
        ),
        (["FABE"], Refused("P1", "settlement", "not-a-member", "/company", "FAB is not among the members of centralized payments")),
    ],
)
def test_only_members_settle_across(members: list[str], refused: Refused) -> None:
    events = [invoice("I1", company="FABE"), paid("P1", "10.00", mark("I1", "FABE"))]
    assert _listed(events, centralized_payments_members=members) == [refused]


@pytest.mark.parametrize("events", [events for events, _ in [*FACTS, *REVERSALS]])
def test_what_was_refused_may_come_again_under_its_id(events: list[Event]) -> None:
    """Nothing of it was taken over, so it is tried again, and refused again for the same reason."""
    again = [refusal.code for refusal in told(*events, events[-1]).rejections]
    assert again == [again[0]] * 2


def test_a_payment_whose_marks_are_refused_stands_and_stays_out_of_automatic_settlement() -> None:
    automatic = {"settlement_parameters": {"FAB": {"receivable": {"automatic_settlement": True}}}}
    refused = result(paid("P1", "10.00", mark("P1")), I1, **automatic)
    assert balances(refused) == {"I1": "10.00", "P1": "-10.00"}
    assert balances(result(paid("P1"), I1, **automatic)) == {"I1": "0.00", "P1": "0.00"}


def test_a_refusal_keeps_the_event_itself() -> None:
    (refusal,) = told(invoice("I1", exchange_rate="1.5")).rejections
    assert refusal.original["type"] == "intercompany.customer-invoice.posted.v1"
    assert refusal.original["data"]["exchange_rate"] == "1.5"


def test_a_payment_that_was_refused_for_its_form_may_come_again_mended() -> None:
    came = result(paid("P1", "10.001"), paid("P1"))
    assert (balances(came), [row["scope"] for row in came.rejected]) == ({"P1": "-10.00"}, ["event"])


def test_a_discount_of_all_that_is_open_is_not_more_than_that() -> None:
    came = result(I1, invoice("I2"), paid("P1", "10.00", mark("I1", cash_discount_to_take="10.00"), mark("I2")))
    assert (came.rejected, balances(came)["I2"]) == ([], "0.00")


def test_marks_that_were_refused_are_wished_again_by_a_replay() -> None:
    heard = Heard(note("N1"), paid("P1", "10.00", mark("N1")))
    heard.again("P1", 1)
    assert [row["code"] for row in heard.now().rejected] == ["same-side"] * 2
    gone = Heard(note("N1"), paid("P1", "10.00", mark("N1")), taken_back("R", "P1"))
    gone.again("P1", 1)
    (again, _) = gone.now().rejected
    assert Refused(**again) == Refused("P1", "settlement", "document-closed", "/document", "FAB P1 has nothing left open")


def test_a_replay_of_marks_does_nothing_once_the_payment_is_settled_otherwise() -> None:
    settled = Heard(note("N1"), paid("P1", "10.00", mark("N1")), I1, asked("S", mark("P1"), mark("I1")))
    before = settled.now()
    settled.again("P1", 1)
    assert settled.now() == before


def test_a_replay_of_what_was_not_refused_changes_nothing() -> None:
    heard = Heard(I1, paid("P1", "5.00", mark("I1")))
    before = heard.now()
    heard.again("P1", 1)
    assert heard.now() == before


def test_a_payment_that_is_sent_as_a_replay_for_the_first_time_is_posted_and_settled() -> None:
    said = Heard(I1, paid("P1", "5.00", mark("I1")))
    never_said = Heard(I1)
    payment = arrivals(scenario({}, [paid("P1", "5.00", mark("I1"))]))[-1]
    never_said.send(with_attribute(payment.record, "replay", "1"))
    assert never_said.now().open == said.now().open
    assert never_said.now().settlements == said.now().settlements != []


def test_a_payment_that_waits_is_not_taken_twice_by_a_replay() -> None:
    heard = Heard(paid("P1", "5.00", company="LATER"))
    heard.again("P1", 1)
    assert [row["event"] for row in heard.now().waiting] == ["P1"]
    assert heard.now().rejected == []


def test_a_rollback_forgets_documents_and_reference_data() -> None:
    books = told(I1).books.settlement
    companies = dict(books.reference.companies)
    new = arrivals(scenario({}, [{"id": "C", "type": "company.defined", "company": "NEW", "currency": "USD"}, I2]))
    first, second = (decode(arrival.record) for arrival in new)
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    fold(books, first)
    fold(books, second)
    assert "NEW" in books.reference.companies
    books.rollback()
    assert (books.reference.companies, [document.document for document in books.documents], books.reference_events) == (
        companies,
        ["I1"],
        [],
    )
    before = books.reference
    books.take_reference(first)
    assert before.companies == companies


def test_what_is_said_belongs_to_its_trace_and_to_the_event_that_began_it() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    heard = Heard(I1, PAID, undone("R", settlement="P1", reason="wrong"), taken_back("T", "P1", reason="bounced"), trace=trace)
    assert {(each.type, each.first.id) for each in heard.said if each.type != "voucher.posted"} == {
        ("document.posted", "I1"),
        *(("payment-journal.posted", "P1"), ("document.posted", "P1"), ("settlement.posted", "P1")),
        *(("settlement.reversed", "R"), ("document.reversed", "T")),
    }
    assert {each.traceparent for each in heard.said} == {trace}
    reasons = {each.type: each.data.reason for each in heard.said if each.type.endswith("reversed")}
    assert reasons == {"settlement.reversed": "wrong", "document.reversed": "bounced"}


def test_more_marks_than_there_may_be_are_refused_before_anything_is_waited_for_and_the_payment_is_posted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(instructions, "MOST_MARKS", 12)  # ten thousand take seconds; docs/architecture/limits.md is held to that figure
    marks = [mark(f"I{number}") for number in range(13)]
    for event, refused in ((paid("P1", "10.00", *marks), "P1"), (asked("S1", *marks), "S1")):
        came = result(event)
        assert [(row["event"], row["scope"], row["code"], row["field"]) for row in came.rejected] == [
            (refused, "settlement", "invalid", "/settle")
        ]
        assert came.waiting == []
    assert balances(result(paid("P1", "10.00", *marks))) == {"P1": "-10.00"}
    assert result(paid("P1", "10.00", *marks[1:])).waiting[0]["for"] == "document"


def test_a_replay_that_is_wrong_in_form_frees_no_id_but_its_own() -> None:
    heard = Heard(PAID)
    wrong, other = arrivals(scenario({}, [{**PAID, "amount": "1e3"}, {**PAID, "amount": "7.00"}]))
    heard.send(with_attribute(wrong.record, "replay", "1"))
    heard.send(other.record)
    assert [refusal.code for refusal in heard.rejections] == ["invalid", "conflicting-duplicate"]


def test_what_waited_belongs_to_its_own_trace_and_not_to_that_of_what_let_it_go_on() -> None:
    heard = Heard()
    traces = [f"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333{number}-01" for number in (1, 2)]
    for arrival, trace in zip(arrivals(scenario({}, [PAID, I1])), traces, strict=True):
        heard.send(with_attribute(arrival.record, "traceparent", trace))
    assert [each.traceparent for each in heard.said if each.type == "settlement.posted"] == traces[:1]
