"""What companies owe each other: summed per pair and currency, and where two companies' books do not say the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.desk.intercompany import disagreements, matrix_of, sums_of_balances


def _line(posting_type: str, partner: str, debit: str, credit: str, currency: str = "USD") -> dict[str, Any]:
    amounts = {"debit": debit, "credit": credit, "accounting_debit": str(Decimal(debit) * 2), "accounting_credit": str(Decimal(credit) * 2)}
    return {"posting_type": posting_type, "partner": partner, "currency": currency, **amounts}


def _balance(company: str, *line: str) -> dict[str, Any]:
    return {"company": company, **_line(*line)}


def _voucher(company: str, accounting_currency: str, date: str, *lines: dict[str, Any]) -> dict[str, Any]:
    return {"company": company, "accounting_currency": accounting_currency, "date": date, "lines": list(lines)}


def test_balances_are_summed_per_pair_and_currency_and_other_accounts_left_out() -> None:
    lines = [("due_from", "B", "7.50", "0.00"), ("due_from", "B", "0.00", "2.50"), ("due_to", "C", "0.00", "1.00"), ("cash", "B", "9", "0")]
    sums = sums_of_balances(_balance("A", *line) for line in lines)
    assert {(place.partner, *dues) for place, dues in sums.items()} == {("B", Decimal("5.00"), 0), ("C", 0, Decimal("1.00"))}


def test_a_pair_mirrors_when_both_books_have_the_same_and_currencies_are_apart() -> None:
    rows = matrix_of(
        [
            _voucher(
                "A", "USD", "2026-03-01", _line("due_from", "B", "7", "0"), _line("due_from", "B", "0", "2"), _line("cash", "B", "9", "0")
            ),
            _voucher("B", "JPY", "2026-03-02", _line("due_to", "A", "0", "5.00"), _line("due_to", "A", "0", "3", "EUR")),
        ]
    )
    assert [(row["company"], row["currency"], row["due_from"], row["due_to"], row["mirrored"], row["lines"]) for row in rows] == [
        ("A", "EUR", "0.00", "0.00", False, 0),
        ("A", "USD", "5.00", "0.00", True, 2),
        ("B", "EUR", "0.00", "3.00", False, 1),
        ("B", "USD", "0.00", "5.00", True, 1),
    ]
    own = rows[1]
    assert (own["net"], own["accounting_net"], own["accounting_currency"]) == ("5.00", "10.00", "USD")
    assert (own["partner_due_to"], own["partner_accounting_net"], own["partner_accounting_currency"]) == ("5.00", "-10", "JPY")
    assert own["last_date"] == "2026-03-02"


def test_disagreements_name_both_sides() -> None:
    less = [_balance("A", "due_from", "B", "5.00", "0"), _balance("B", "due_to", "A", "0", "4.00")]
    assert disagreements(sums_of_balances(less)) == ["A has 5.00 USD due from B, which has 4.00 due to A"]
    alone = [_balance("B", "due_to", "A", "0", "4.00")]
    assert disagreements(sums_of_balances(alone)) == ["B has 4.00 USD due to A, which has nothing due from B"]
    assert disagreements(sums_of_balances([*alone, _balance("A", "due_from", "B", "4.00", "0")])) == []
