"""Rates at the ends of what the contract lets through: the rate is taken, whatever what waits for it comes to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders.settlement import balances, invoice, mark, paid, result

NO_RATES: dict[str, Any] = {"exchange_rates": []}


def _rate(from_: str, to: str, rate: str) -> dict[str, Any]:
    return {"id": f"R-{from_}", "type": "exchange-rate.published", "from": from_, "to": to, "date": "2026-01-02", "rate": rate}


@pytest.mark.parametrize(
    ("amount", "rate"),
    [
        ("999999999999999.99", _rate("EUR", "USD", "999999999999")),
        ("999999999999999999.99", _rate("EUR", "USD", "999999999999")),
        ("999999999999999.99", _rate("USD", "EUR", "0.0000000001")),
    ],
)
def test_an_invoice_that_waited_and_is_too_large_at_the_rate_is_refused_and_the_rate_holds_for_all_others(
    amount: str, rate: dict[str, Any]
) -> None:
    waited = [invoice("BIG", amount, currency="EUR"), invoice("SMALL", "1.00", currency="EUR")]
    of = result(*waited, rate, invoice("NEXT", "1.00", currency="EUR"), **NO_RATES)
    assert [(each["event"], each["code"], each["field"]) for each in of.rejected] == [("BIG", "invalid", "/amount")]
    assert balances(of) == {"SMALL": "1.00", "NEXT": "1.00"}
    assert of.waiting == []


@pytest.mark.parametrize("rate", ["999999999999", "9999999999999999999999999999", "0.0000000001", "0.000000000000000001"])
@pytest.mark.parametrize(("from_", "to"), [("EUR", "USD"), ("USD", "EUR")])
def test_a_settlement_that_waited_for_such_a_rate_is_carried_out_as_far_as_it_goes_and_the_rate_is_taken(
    rate: str, from_: str, to: str
) -> None:
    largest = "999999999999999999.99"
    waited = [
        invoice("I1", largest, company="FABW", currency="EUR"),
        paid("P1", largest, mark("I1", company="FABW"), currency="USD"),
    ]
    before = result(*waited, **NO_RATES)
    assert [(each["event"], each["for"]) for each in before.waiting] == [("P1", "exchange-rate")]
    of = result(*waited, _rate(from_, to, rate), invoice("NEXT", "1.00", currency="EUR"), **NO_RATES)
    assert of.waiting == []
    assert {each["event"] for each in of.rejected} <= {"NEXT"}
    assert all(
        line["debit"] != line["credit"] or line["accounting_debit"] != line["accounting_credit"] for v in of.vouchers for line in v["lines"]
    )
