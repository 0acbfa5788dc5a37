"""In which currency a gain or loss stands beside its 0.00: the payment's, unless that is the company's own."""

from __future__ import annotations

from typing import Any

from tests.builders.settlement import Event, invoice, mark, paid, result

EURO: dict[str, Any] = {"currency": "EUR", "exchange_rate": "1.20"}
POUND: dict[str, Any] = {"currency": "GBP", "exchange_rate": "1.50"}
RATES = {"exchange_rates": [{"from": "EUR", "to": "USD", "date": "2026-01-01", "rate": "1.25"}]}


def _currencies(*events: Event) -> list[str]:
    vouchers = result(*events, **RATES).vouchers
    return [line["currency"] for each in vouchers for line in each["lines"] if line["posting_type"].startswith("realized")]


def test_a_gain_is_posted_in_the_payments_currency_and_in_the_invoices_where_the_payments_is_the_companys_own() -> None:
    assert _currencies(invoice("I", "10.00", **EURO), paid("P", "8.00", mark("I"), **POUND)) == ["GBP"]
    assert _currencies(invoice("I", "10.00", **EURO), paid("P", "12.50", mark("I"))) == ["EUR"]
