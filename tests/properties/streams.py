"""Random groups and event streams, drawn by hypothesis, in the form of scenario files.

What always holds: the events are well formed, most of their wishes can be carried out; amounts are near the invoices'
amounts, so that closings, differences within and beyond the limits, and exhausted balances are common.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from services.command_line.group import reference_entries
from services.command_line.scenario import Scenario, read_events

COMPANIES = {"A": "USD", "B": "USD", "C": "EUR"}
START = date(2026, 1, 1)
NOWHERE = Path("drawn-by-hypothesis")


def scenario(group: dict[str, Any], events: list[dict[str, Any]]) -> Scenario:
    """A scenario that was never a file."""
    return Scenario(NOWHERE, "drawn", "drawn", reference_entries(NOWHERE, group), read_events(NOWHERE, events, "events"), None)


def group(random: Random, *, automatic: bool, across_currencies: bool) -> dict[str, Any]:
    """Three companies, one party that is customer and vendor of all, random parameters."""
    currencies = COMPANIES if across_currencies else dict.fromkeys(COMPANIES, "USD")
    rates = [
        {"from": "EUR", "to": "USD", "date": "2025-12-01", "rate": "1.10"},
        {"from": "EUR", "to": "USD", "date": "2026-02-01", "rate": "1.15"},
        {"from": "GBP", "to": "USD", "date": "2025-12-01", "rate": "1.27"},
        {"from": "GBP", "to": "EUR", "date": "2025-12-01", "rate": "1.17"},
    ]
    return {
        "companies": {code: {"name": code, "currency": currency} for code, currency in currencies.items()},
        "parties": {"P": {"customers": dict.fromkeys(COMPANIES, "100"), "vendors": dict.fromkeys(COMPANIES, "200")}},
        "centralized_payments": {code: _options(random) for code in COMPANIES},
        "settlement_parameters": {
            code: {ledger: _parameters(random, automatic=automatic) for ledger in ("receivable", "payable")} for code in COMPANIES
        },
        "exchange_rates": rates,
    }


def _options(random: Random) -> dict[str, str]:
    return {name: random.choice(["invoice", "payment"]) for name in ("post_cash_discount", "post_exchange_gain_or_loss")}


def _parameters(random: Random, *, automatic: bool) -> dict[str, Any]:
    return {
        "automatic_settlement": automatic and random.random() < 0.7,
        "cash_discounts_for_partial_payments": random.random() < 0.5,
        "cash_discounts_for_credit_notes": random.random() < 0.5,
        "cash_discount_administration": random.choice(["specific", "unspecific"]),
        "maximum_penny_difference": random.choice(["0.00", "0.05"]),
        "maximum_overpayment_or_underpayment": random.choice(["0.00", "1.00"]),
        "over_under_policy": random.choice(["classic", "only_with_cash_discount"]),
        "cash_discount_base": random.choice(["net_of_sales_tax", "gross"]),
        "cash_discount_rate": random.choice(["invoice_date", "payment_date"]),
    }


def events(random: Random, *, across_currencies: bool, reversals: bool) -> list[dict[str, Any]]:
    """Invoices and credit notes, payments that mark some of them (each at most once), perhaps reversals."""
    currencies = ["USD", "EUR", "GBP"] if across_currencies else ["USD"]
    side = random.choice(["customer", "vendor"])
    documents = [_invoice(random, side, number, currencies) for number in range(random.randint(2, 6))]
    free = list(documents)
    payments = []
    for number in range(random.randint(1, 4)):
        marked = [free.pop(random.randrange(len(free))) for _ in range(min(len(free), random.randint(0, 3)))]
        payments.append(_payment(random, side, number, marked, currencies))
    ledger = "receivable" if side == "customer" else "payable"
    asked = [_reversal(ledger, payment) for payment in payments if reversals and random.random() < 0.5]
    return [*documents, *payments, *asked]


def _day(random: Random) -> str:
    return (START + timedelta(days=random.randint(0, 60))).isoformat()


def _invoice(random: Random, side: str, number: int, currencies: list[str]) -> dict[str, Any]:
    amount = Decimal(random.choice([10000, 33333, 10005, 99, 50000])) / 100
    event: dict[str, Any] = {
        "id": f"I{number}",
        "type": f"{side}-invoice.posted",
        "company": random.choice(list(COMPANIES)),
        "account": "100" if side == "customer" else "200",
        "document": f"I{number}",
        "kind": random.choice(["invoice", "invoice", "invoice", "credit_note"]),
        "date": _day(random),
        "currency": random.choice(currencies),
        "amount": str(amount),
    }
    if random.random() < 0.6:
        event["cash_discounts"] = [{"percent": random.choice(["2", "3.5"]), "days": random.choice([5, 40])}, {"percent": "1"}]
    if random.random() < 0.4:
        tax = (amount / 6).quantize(Decimal("0.01"))
        offset = {"dimensions": {"department": "X"}}
        event["lines"] = [
            {"account": "sales", "amount": str(amount - tax - Decimal("0.10")), **offset},
            {"account": "sales", "amount": "0.10", "dimensions": {"department": "Y"}},
            {"account": "sales_tax", "amount": str(tax)},
        ]
    return event


def _payment(random: Random, side: str, number: int, marked: list[dict[str, Any]], currencies: list[str]) -> dict[str, Any]:
    total = sum((Decimal(entry["amount"]) * (-1 if entry["kind"] == "credit_note" else 1) for entry in marked), Decimal(0))
    factor = random.choice([Decimal(1), Decimal("0.98"), Decimal("0.5"), Decimal("1.1")])
    amount = (abs(total) * factor + Decimal(random.choice([0, 0, 2, -2, 60, -60])) / 100).quantize(Decimal("0.01"))
    marks = []
    for entry in marked:
        mark = {"company": entry["company"], "document": entry["document"]}
        if random.random() < 0.2:
            mark["cash_discount_to_take"] = random.choice(["0.00", "0.50"])
        if random.random() < 0.2:
            mark["use_cash_discount"] = random.choice(["always", "never"])
        if random.random() < 0.15:
            mark["full_settlement"] = True
        if random.random() < 0.2:
            mark["amount_to_settle"] = str((Decimal(entry["amount"]) / 2).quantize(Decimal("0.01")))
        marks.append(mark)
    currency = marked[0]["currency"] if marked and random.random() < 0.8 else random.choice(currencies)
    return {
        "id": f"P{number}",
        "type": f"{side}-payment.posted",
        "company": random.choice(list(COMPANIES)),
        "account": "100" if side == "customer" else "200",
        "document": f"P{number}",
        "date": _day(random),
        "currency": currency,
        "amount": str(max(amount, Decimal("1.00"))),
        "settle": marks,
        "primary": random.random() < 0.4,
    }


def _reversal(ledger: str, payment: dict[str, Any]) -> dict[str, Any]:
    named = {"company": payment["company"], "document": payment["document"]}
    return {"id": f"R-{payment['id']}", "type": "settlement-reversal.requested", "ledger": ledger, "payment": named}
