"""In which order automatic settlement takes documents: the default (C13), and each attribute that a company may set (F-B13)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders.settlement import Event, asked, invoice, mark, note, paid, result, told

TERMS = [{"percent": "2", "until": "2026-01-25"}, {"percent": "1", "until": "2026-02-25"}]
IN_DAYS = [{"percent": "2", "days": 10}]
FOR_EVER = [{"percent": "2"}]


def _first(events: list[Event], on: str = "2026-01-15", **parameters: Any) -> str:
    """The document that a payment of 1.00 takes; R's are posted first, so that only the payment settles."""
    automatic = {"FAB": {"receivable": {"automatic_settlement": True, **parameters}}}
    came = result(*events, paid("P", "1.00", date=on), settlement_parameters=automatic)
    (record,) = came.settlements
    return str(record["debit_document"])


DEFAULT = [
    # of two, A would come first by all that follows
    ([invoice("A", due_date="2026-02-02"), invoice("B", due_date="2026-02-01")], "B"),
    ([invoice("A"), invoice("B", cash_discounts=FOR_EVER)], "B"),
    ([invoice("A", cash_discounts=FOR_EVER), invoice("B", "11.00", cash_discounts=FOR_EVER)], "B"),
    ([invoice("A", due_date="2026-02-01"), invoice("B", due_date="2026-02-01", date="2026-01-09")], "B"),
    ([invoice("B"), invoice("A")], "A"),
]


@pytest.mark.parametrize(("events", "first"), DEFAULT)
def test_the_default_is_due_date_better_discount_date_number(events: list[Event], first: str) -> None:
    assert _first(events) == first


PRIORITY = [
    ("transaction_date", [invoice("B"), invoice("A", date="2026-01-11")], "B", "A"),
    ("due_date", [invoice("B", due_date="2026-02-01"), invoice("A", due_date="2026-02-02")], "B", "A"),
    ("transaction_amount", [invoice("B", "10.00"), invoice("A", "10.01")], "B", "A"),
    ("voucher", [invoice("A"), invoice("B")], "A", "B"),
    (
        "cash_discount_date",
        [invoice("B", cash_discounts=TERMS), invoice("A", cash_discounts=[{"percent": "1", "until": "2026-01-26"}])],
        "B",
        "A",
    ),
    ("cash_discount_date", [invoice("B", cash_discounts=IN_DAYS), invoice("A", cash_discounts=[{"percent": "1", "days": 11}])], "B", "A"),
    ("cash_discount_date", [invoice("B", cash_discounts=TERMS), invoice("A")], "B", "A"),
    ("cash_discount_date", [invoice("B", cash_discounts=TERMS), invoice("A", cash_discounts=FOR_EVER)], "B", "A"),
    ("cash_discount_date", [invoice("B", cash_discounts=IN_DAYS, date="2026-01-09"), invoice("A", cash_discounts=IN_DAYS)], "B", "A"),
]


@pytest.mark.parametrize(("attribute", "events", "ascending", "descending"), PRIORITY)
def test_each_attribute_orders_both_ways(attribute: str, events: list[Event], ascending: str, descending: str) -> None:
    assert _first(events, settlement_priority=[{attribute: "ascending"}]) == ascending
    assert _first(events, settlement_priority=[{attribute: "descending"}]) == descending


def test_the_discount_date_is_that_of_the_tier_that_is_still_reached_and_none_counts_as_later_than_all() -> None:
    events = [invoice("B", cash_discounts=TERMS), invoice("A", cash_discounts=[{"percent": "1", "until": "2026-02-20"}])]
    priority = [{"cash_discount_date": "ascending"}]
    assert _first(events, settlement_priority=priority) == "B"
    assert _first(events, on="2026-02-01", settlement_priority=priority) == "A"
    assert _first(events, on="2026-02-21", settlement_priority=priority) == "B"
    assert _first(events, on="2026-02-26", settlement_priority=priority) == "A"


def test_kinds_that_are_not_listed_come_last() -> None:
    events = [invoice("A", kind="payment_fee"), invoice("B", kind="interest_note"), invoice("C")]
    assert _first(events, settlement_priority=[{"transaction_type": ["invoice", "interest_note"]}]) == "C"
    assert _first(events, settlement_priority=[{"transaction_type": ["interest_note"]}]) == "B"


def test_a_later_attribute_breaks_the_ties_of_the_one_before_and_the_number_breaks_all() -> None:
    events = [invoice("B", "10.00"), invoice("A", "11.00"), invoice("C", "9.00", date="2026-01-11")]
    priority = [{"transaction_date": "ascending"}, {"transaction_amount": "ascending"}]
    assert _first(events, settlement_priority=priority) == "B"
    assert _first([invoice("B"), invoice("A")], settlement_priority=[{"transaction_date": "descending"}]) == "A"


def test_a_priority_is_for_automatic_settlement_only() -> None:
    newest_first = {"FAB": {"receivable": {"settlement_priority": [{"transaction_date": "descending"}]}}}
    came = result(
        *(invoice("I1"), invoice("I2", date="2026-01-11"), paid("P", "10.00", mark("I2"), mark("I1"))), settlement_parameters=newest_first
    )
    assert [row["debit_document"] for row in came.settlements] == ["I1"]


def test_payments_settle_before_credit_notes_each_in_order() -> None:
    came = result(
        *(note("N", "4.00", date="2026-01-02"), paid("P2", "3.00", date="2026-01-04"), paid("P1", "2.00", date="2026-01-05")),
        *(invoice("I", "6.00"), paid("P0", "0.50", mark("N"), mark("I"), mark("P2"), mark("P1"), date="2026-01-20")),
    )
    assert [(row["credit_document"], row["amount"]) for row in came.settlements] == [
        ("N", "0.50"),
        ("P0", "0.50"),
        ("P1", "2.00"),
        ("P2", "3.00"),
    ]


MARKED = [
    # the marks exceed the money: by date, better discount, number, whatever is due when
    ([invoice("B", due_date="2026-03-02"), invoice("A", due_date="2026-03-01", date="2026-01-11")], "B"),
    ([invoice("A", due_date="2026-02-01"), invoice("B", due_date="2026-02-02", cash_discounts=FOR_EVER)], "B"),
    ([invoice("B", due_date="2026-03-01"), invoice("A", due_date="2026-03-02")], "A"),
]


@pytest.mark.parametrize(("events", "first"), MARKED)
def test_marks_that_exceed_the_money_are_filled_by_date_better_discount_number(events: list[Event], first: str) -> None:
    came = result(*events, paid("P", "1.00", mark("A"), mark("B"), date="2026-01-20"))
    assert [row["debit_document"] for row in came.settlements] == [first]


def test_what_a_mark_lets_through_and_the_discount_are_no_part_of_the_demand() -> None:
    """9.80 and 5.00 are wanted: with 14.80 the default order stays, by due date; a cent less, and it is by date."""
    events = [invoice("A", cash_discounts=FOR_EVER, due_date="2026-03-02"), invoice("B", due_date="2026-03-01", date="2026-01-11")]
    marks = (mark("A"), mark("B", amount_to_settle="5.00"))
    assert _in_order(*events, paid("P", "14.80", *marks)) == [("B", "5.00"), ("A", "9.80")]
    assert _in_order(*events, paid("P", "14.79", *marks)) == [("A", "9.80"), ("B", "4.99")]


def test_all_that_lowers_is_the_money_and_its_marks_count() -> None:
    events = [invoice("A", due_date="2026-03-02"), invoice("B", due_date="2026-03-01", date="2026-01-11"), note("N", "8.00")]
    marks = (mark("A"), mark("B"))
    assert _in_order(*events, paid("P", "12.00", *marks, mark("N"))) == [("B", "10.00"), ("A", "2.00"), ("A", "8.00")]
    assert _in_order(*events, paid("P", "12.00", *marks, mark("N", amount_to_settle="7.99")))[0] == ("A", "10.00")


def test_of_credit_notes_the_one_with_the_better_discount_of_its_own_is_used_first() -> None:
    discounts = {"FAB": {"receivable": {"cash_discounts_for_credit_notes": True}}}
    events = [note("M"), note("N", cash_discounts=FOR_EVER), invoice("I", "5.00")]
    came = result(*events, asked("S", mark("M"), mark("N"), mark("I")), settlement_parameters=discounts)
    assert [row["credit_document"] for row in came.settlements] == ["N"]


def _in_order(*events: Event) -> list[tuple[str, str]]:
    records = sorted(told(*events).books.settlement.records, key=lambda record: record.number)
    return [(record.raising.document, str(record.amount)) for record in records]
