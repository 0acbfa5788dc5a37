"""What companies owe each other: summed per pair and currency, and where two companies' books do not say the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.desk.intercompany import disagreements, pair_rows, sums_of_balances, sums_of_vouchers


def _line(posting_type: str, partner: str, debit: str, credit: str, currency: str = "USD") -> dict[str, Any]:
    return {"posting_type": posting_type, "partner": partner, "currency": currency, "debit": debit, "credit": credit}


def _balance(company: str, *line: str) -> dict[str, Any]:
    return {"company": company, **_line(*line)}


def test_vouchers_and_balances_of_the_same_lines_have_the_same_sums() -> None:
    lines = [("due_from", "B", "7.50", "0.00"), ("due_from", "B", "0.00", "2.50"), ("due_to", "C", "0.00", "1.00"), ("cash", "B", "9", "0")]
    vouchers = [{"company": "A", "lines": [_line(*line)]} for line in lines]
    sums = sums_of_vouchers(vouchers)
    assert sums == sums_of_balances(_balance("A", *line) for line in lines)
    assert {(place.partner, *dues) for place, dues in sums.items()} == {("B", Decimal("5.00"), 0), ("C", 0, Decimal("1.00"))}


def test_a_pair_agrees_when_both_books_have_the_same_and_currencies_are_apart() -> None:
    balances = [
        _balance("A", "due_from", "B", "5", "0"),
        _balance("B", "due_to", "A", "0", "5.00"),
        _balance("B", "due_to", "A", "0", "3", "EUR"),
    ]
    rows = pair_rows(sums_of_balances(balances))
    assert [(row["company"], row["currency"], row["due_from"], row["due_to"], row["agrees"]) for row in rows] == [
        ("A", "USD", "5.00", "0.00", True),
        ("B", "EUR", "0.00", "3.00", False),
        ("B", "USD", "0.00", "5.00", True),
    ]
    assert (rows[0]["partner_due_to"], rows[0]["partner_due_from"]) == ("5.00", "0.00")


def test_disagreements_name_both_sides() -> None:
    less = [_balance("A", "due_from", "B", "5.00", "0"), _balance("B", "due_to", "A", "0", "4.00")]
    assert disagreements(sums_of_balances(less)) == ["A has 5.00 USD due from B, which has 4.00 due to A"]
    alone = [_balance("B", "due_to", "A", "0", "4.00")]
    assert disagreements(sums_of_balances(alone)) == ["B has 4.00 USD due to A, which has nothing due from B"]
    assert disagreements(sums_of_balances([*alone, _balance("A", "due_from", "B", "4.00", "0")])) == []
