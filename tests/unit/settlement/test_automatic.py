"""Automatic settlement over many open documents: what it costs grows with what it settles, and runs that follow each other are one."""

from __future__ import annotations

import sys
from random import Random
from typing import Any

import pytest

from services.settlement.rules.fold import Books, fold
from services.settlement.rules.run import pairing
from services.settlement.service import SERVICE
from services.simulator.streams import scenario
from tests.builders.listening import delivered_to
from tests.builders.settlement import GROUP, Event, asked, invoice, mark, note, paid, result, told

AUTOMATIC = {"FAB": {"receivable": {"automatic_settlement": True}}}
LIMITS = {"maximum_penny_difference": "0.05", "maximum_overpayment_or_underpayment": "1.00"}


def _calls(events: list[Event], **parameters: Any) -> int:
    """The calls of the product's own functions that the settlement core makes for the last of these events."""
    group = {**GROUP, "settlement_parameters": {"FAB": {"receivable": parameters}}}
    *before, last = [delivered.message for delivered in delivered_to(SERVICE, scenario(group, events))]
    books = Books(complete=True)
    for message in before:
        fold(books, message)
        books.commit()
    calls = 0

    def count(frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_globals["__name__"].startswith(("services.", "shared."))

    sys.setprofile(count)
    try:
        fold(books, last)
    finally:
        sys.setprofile(None)
    return calls


def _closes_half(number: int) -> list[Event]:
    terms = [{"percent": "2", "days": 30}]
    return [*(invoice(f"I{each:05}", cash_discounts=terms) for each in range(number)), paid("P", f"{5 * number}.00")]


def _takes_from_many(number: int) -> list[Event]:
    payments = [paid(f"P{each:05}", "1.00") for each in range(number)]
    return [*payments, invoice("I", f"{number}.50", cash_discounts=[{"percent": "2", "days": 30}])]


def _marks_on_both_sides(number: int) -> list[Event]:
    invoices, payments = [f"I{each:05}" for each in range(number)], [f"P{each:05}" for each in range(number)]
    documents = [*(invoice(each, "10.00") for each in invoices), *(paid(each, "9.99") for each in payments)]
    return [*documents, asked("S", *(mark(each) for each in (*invoices, *payments)))]


def _marks_that_stay_open(number: int) -> list[Event]:
    invoices = [f"I{each:05}" for each in range(number)]
    marks = [mark(each, amount_to_settle="9.00") for each in invoices]
    return [*(invoice(each) for each in invoices), paid("P", f"{10 * number}.00", *marks)]


@pytest.mark.parametrize("events", [_closes_half, _takes_from_many, _marks_on_both_sides, _marks_that_stay_open])
@pytest.mark.parametrize("partial", [True, False])
def test_twice_the_documents_take_no_more_than_twice_the_calls(events: Any, partial: bool) -> None:  # noqa: FBT001 - a parameter
    parameters = {"automatic_settlement": True, "cash_discounts_for_partial_payments": partial, **LIMITS}
    few, many = (_calls(events(number), **parameters) for number in (150, 300))
    assert many <= 2.2 * few, (few, many)


@pytest.mark.parametrize("number", [100, 200])
def test_a_payment_makes_as_many_calls_however_many_invoices_its_money_does_not_reach(number: int) -> None:
    events = [*(invoice(f"I{each:05}", cash_discounts=[{"percent": "2", "days": 30}]) for each in range(number)), paid("P", "10.00")]
    of_an_invoice = 25  # each is ranked once in memory: a store ranks them
    assert _calls(events, automatic_settlement=True) < 800 + of_an_invoice * number


def _drawn(random: Random) -> list[Event]:
    """Invoices, then payments and credit notes that settle by themselves."""
    terms = [[], [{"percent": "2", "days": random.choice([0, 20])}]]
    invoices = [
        invoice(f"I{each}", random.choice(["10.00", "3.33"]), cash_discounts=random.choice(terms)) for each in range(random.randint(2, 9))
    ]
    lowering = [paid(f"P{each}", random.choice(["1.00", "9.80", "25.00"])) for each in range(random.randint(1, 4))]
    notes = [note(f"N{each}", "4.00") for each in range(random.randint(0, 2))]
    drawn = [*invoices, *lowering, *notes]
    if random.random() < 0.5:
        random.shuffle(drawn)
    return drawn


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("most", [1, 2])
def test_runs_that_follow_each_other_settle_what_one_settles(seed: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"automatic_settlement": True, "cash_discounts_for_partial_payments": True, **LIMITS}
    group = {"settlement_parameters": {"FAB": {"receivable": parameters}}}
    events = _drawn(Random(seed))  # noqa: S311 - a drawn test, no secret
    at_once = result(*events, **group)
    monkeypatch.setattr(pairing, "MOST_AUTOMATIC", most)
    in_parts = result(*events, **group)
    assert in_parts.open == at_once.open
    assert in_parts.settlements == at_once.settlements
    assert in_parts.waiting == []


def test_a_run_that_continues_keeps_its_money_and_leaves_nothing_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "MOST_AUTOMATIC", 2)
    unspecific = {"FAB": {"receivable": {"automatic_settlement": True, "cash_discount_administration": "unspecific"}}}
    terms = [{"percent": "10", "days": 30}]
    events = [*(invoice(f"I{each}", cash_discounts=terms) for each in range(5)), paid("P", "45.00")]
    books = told(*events, settlement_parameters=unspecific).books.settlement
    assert [record.cash_discount for record in sorted(books.records, key=lambda record: record.number)] == [1] * 5
    assert [document.open for document in books.documents] == [0] * 6
    assert (list(books.waiting), list(books.released)) == ([], [])
