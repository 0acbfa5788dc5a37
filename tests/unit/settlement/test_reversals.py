"""Reversals: of what kind a document may be, from which date on, what is said of a refusal, and what waits for what."""

from __future__ import annotations

from typing import Any

import pytest

from services.settlement.rules import reversals
from shared import working_set
from tests.builders.settlement import Event, Heard, asked, balances, invoice, mark, note, paid, result, taken_back, told, undone
from tests.builders.trade import RELATION, bill, pays, sale

CLOSED: dict[str, Any] = {"closed_periods": {"FAB": [{"from": "2026-02-01", "to": "2026-02-28"}]}}
I1, N1 = invoice("I1"), note("N1")
N1_IN_WORDS = "credit note of 2026-01-10 over 10.00 USD, account C"


def gone(id_: str, document: str, **more: Any) -> Event:
    """A document's reversal."""
    about = {"id": id_, "type": "document-reversal.requested", "ledger": "receivable"}
    return {**about, "document": {"company": "FAB", "document": document}, **more}


def _said(*events: Event, **group: Any) -> list[tuple[str, str, str]]:
    return [(row["code"], row["field"], row["message"]) for row in result(*events, **group).rejected]


def test_a_document_may_be_reversed_on_its_own_date_and_not_the_day_before() -> None:
    assert balances(result(I1, gone("R", "I1", date="2026-01-10"))) == {"I1": "0.00"}
    message = "2026-01-09 is before the invoice FAB I1 of 2026-01-10: that date or later is needed"
    assert _said(I1, gone("R", "I1", date="2026-01-09")) == [("date-too-early", "/date", message)]


def test_a_settlement_may_be_reversed_on_its_own_date_and_not_the_day_before() -> None:
    events = [I1, paid("P1", "10.00", mark("I1"))]
    assert _said(*events, undone("R", settlement="P1", date="2026-01-20")) == []
    message = "2026-01-19 is before 2026-01-20, the latest date of what is reversed: that date or later is needed"
    assert _said(*events, undone("R", settlement="P1", date="2026-01-19")) == [("date-too-early", "/date", message)]


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (
            [N1, I1, asked("S", mark("N1"), mark("I1")), gone("R", "N1")],
            ("still-settled", "/document", "the credit note FAB N1 is settled by 1 records: reverse its settlement first"),
        ),
        ([N1, gone("R", "N1"), gone("Q", "N1")], ("already-reversed", "/document", "the credit note FAB N1 has been reversed already")),
        (
            [N1, note("N1", "9.00", id="N2")],
            (
                "document-exists",
                "/document",
                f"receivable document N1 of FAB has been posted by the event N1 of scenario: {N1_IN_WORDS}",
            ),
        ),
        (
            [N1, taken_back("R", "N1")],
            (
                "invalid",
                "/payment",
                "FAB N1 is of the kind credit_note: only a payment is reversed by this; send document-reversal.requested",
            ),
        ),
        (
            [N1, I1, asked("S", mark("N1"), mark("I1")), undone("R", payment={"company": "FAB", "document": "N1"})],
            ("invalid", "/payment", "FAB N1 is of the kind credit_note: name a payment, or the settlement by its event"),
        ),
        (
            [paid("P1"), undone("R", payment={"company": "FAB", "document": "P1"})],
            ("not-settled", "/payment", "FAB P1 has settled nothing in ledger receivable"),
        ),
        ([paid("P1"), undone("R", settlement="P1")], ("not-settled", "/settlement", "P1 has settled nothing in ledger receivable")),
        (
            [I1, paid("P1", "10.00", mark("I1")), undone("R", settlement="P1"), undone("Q", settlement="P1")],
            ("already-reversed", "/settlement", "every settlement of P1 has been reversed already"),
        ),
    ],
)
def test_what_cannot_be_reversed_is_refused_in_words(events: list[Event], said: tuple[str, str, str]) -> None:
    assert _said(*events) == [said]


def test_what_a_created_journal_reserves_is_not_reversed() -> None:
    created = {"trading": [{**RELATION, "post_automatically": False}]}
    back = {**gone("R", "C"), "document": {"company": "FABW", "document": "C"}}
    message = "the invoice FABW C is reserved by the sales payment journal J-FABE-P1-1 of journal J in FABW"
    events = [sale("C"), bill("V", "C"), pays("P1", "40.00", mark("V", "FABE")), back]
    assert _said(*events, **created) == [("marked-elsewhere", "/document", message)]


def test_a_reversal_that_waits_for_a_period_is_refused_as_soon_as_another_has_reversed_the_document() -> None:
    waits = gone("R", "I1", date="2026-02-10")
    assert [row["for"] for row in result(I1, waits, **CLOSED).waiting] == ["period"]
    came = result(I1, waits, gone("Q", "I1", date="2026-01-31"), **CLOSED)
    assert ([(row["event"], row["code"]) for row in came.rejected], came.waiting) == ([("R", "already-reversed")], [])


def test_a_settlements_reversal_that_waits_for_a_period_is_refused_as_soon_as_another_has_reversed_it() -> None:
    waits = undone("R", settlement="P1", date="2026-02-10")
    events = [I1, paid("P1", "10.00", mark("I1")), waits]
    assert [row["for"] for row in result(*events, **CLOSED).waiting] == ["period"]
    came = result(*events, undone("Q", settlement="P1", date="2026-01-31"), **CLOSED)
    assert ([(row["event"], row["code"]) for row in came.rejected], came.waiting) == ([("R", "already-reversed")], [])


def test_a_reversal_without_a_reason_says_none() -> None:
    events = [
        *(I1, gone("R1", "I1"), paid("P1"), taken_back("R2", "P1"), invoice("I2"), paid("P2", "10.00", mark("I2"))),
        undone("R3", settlement="P2"),
    ]
    assert [each.data.reason for each in Heard(*events).said if each.type.endswith(".reversed")] == ["", "", ""]


def test_what_is_reversed_stays_known_by_its_event_and_kind() -> None:
    requests = told(
        I1, gone("R", "I1"), paid("P1", "10.00", mark("I2")), invoice("I2"), undone("Q", settlement="P1")
    ).books.settlement.requests
    asked_for = [(each.event.id, each.type) for each in requests if each.type.endswith(".requested")]
    assert asked_for == [("R", "document-reversal.requested"), ("Q", "settlement-reversal.requested")]


def test_a_reversal_that_waits_for_a_period_does_not_wait_for_a_run_that_came_after_it() -> None:
    """P1's marks wait for I2 and have reserved I1; the reversal of I1 was there before them."""
    opened = {"id": "O", "type": "period.opened", "company": "FAB", "from": "2026-02-01", "to": "2026-02-28"}
    came = result(I1, gone("R", "I1", date="2026-02-10"), paid("P1", "10.00", mark("I1"), mark("I2")), opened, **CLOSED)
    assert balances(came) == {"I1": "0.00", "P1": "-10.00"}
    assert [(row["event"], row["for"]) for row in came.waiting] == [("P1", "document")]


def test_each_message_of_a_reversal_has_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reversals, "MOST_REVERSED_SAID", 1)
    heard = Heard(I1, invoice("I2"), paid("P1", "20.00", mark("I1"), mark("I2")), undone("R", settlement="P1", reason="wrong"))
    assert [each.data.reason for each in heard.said if each.type == "settlement.reversed"] == ["wrong", "wrong"]


@pytest.mark.parametrize("slice_", [2, 200])
def test_all_that_waits_over_a_document_is_looked_at_again_when_it_is_reversed(slice_: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", slice_)
    names = [f"R{number}" for number in range(5)]
    heard = Heard(I1, *(gone(name, "I1", date="2026-02-10") for name in names), gone("Q", "I1", date="2026-01-31"), **CLOSED)
    came = heard.now()
    assert [(row["event"], row["code"]) for row in came.rejected] == [(name, "already-reversed") for name in names]
    assert (came.waiting, list(heard.books.settlement.released)) == ([], [])
