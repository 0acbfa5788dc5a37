"""Random groups and event streams in the form of scenario files: for the fault simulator, and for what hypothesis draws.

Invariant: the events are well formed, most of what they ask for can be carried out; amounts are near the invoices'
amounts, so that closings, differences within and beyond the limits, and exhausted balances are common.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from services.scenarios.group_file import reference_entries
from services.scenarios.scenario_file import Scenario, read_events

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


def requests(random: Random, drawn: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Perhaps a settlement asked for afterwards, over what no payment of the stream has marked."""
    marked = {mark["document"] for event in drawn for mark in event.get("settle", ())} | {
        event["document"] for event in drawn if event.get("settle")
    }
    free = [event for event in drawn if "document" in event and event["document"] not in marked]
    if len(free) < 2 or random.random() < 0.3:
        return []
    chosen = random.sample(free, random.randint(2, len(free)))
    ledger = "receivable" if chosen[0]["type"].startswith("customer") else "payable"
    marks = [{"company": event["company"], "document": event["document"]} for event in chosen]
    asked: dict[str, Any] = {"id": "S", "type": "settlement.requested", "ledger": ledger, "settle": marks}
    if random.random() < 0.3:
        lowering = [event for event in chosen if event.get("kind", "credit_note") == "credit_note"]
        if lowering:
            asked["primary"] = {"company": lowering[0]["company"], "document": lowering[0]["document"]}
    return [asked]


def said_of_vouchers(random: Random) -> list[dict[str, Any]]:
    """What companies' own systems say of vouchers: of some several times, of some that are not there, under ids that others have taken."""
    said: list[dict[str, Any]] = []
    for _ in range(random.randint(1, 6)):
        series, number = random.choice(["AR-INV", "AP-INV", "AR-PAY"]), random.randint(1, 2)
        about = {"id": f"T{random.randint(0, 4)}", "company": random.choice(list(COMPANIES)), "voucher": f"{series}-{number:06}"}
        if random.random() < 0.6:
            said.append({**about, "type": "voucher.imported", "erp_number": f"GJ-{random.randint(1, 9)}"})
        else:
            said.append({**about, "type": "voucher.import-failed", "message": random.choice(["the period is closed", ""])})
    return said


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


def trade(random: Random, *, automatic: bool = True) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A group in which W sells to E and F, and vendor payments for those invoices, each marked at most once.

    Nothing is written off, so that what a payment leaves open the buyer and the seller leave open alike.
    """
    relations = [
        {
            "seller": {"company": "W", "customer": f"C-{buyer}"},
            "buyer": {"company": buyer, "vendor": "V-W"},
            "payment_journal": "J",
            "post_automatically": automatic,
        }
        for buyer in ("E", "F")
    ]
    partial = {
        ledger: {
            "cash_discounts_for_partial_payments": random.random() < 0.5,
            "cash_discount_base": random.choice(["gross", "net_of_sales_tax"]),
        }
        for ledger in ("receivable", "payable")
    }
    group = {
        "companies": {"W": {"currency": random.choice(["USD", "EUR"])}, "E": {"currency": "USD"}, "F": {"currency": "USD"}},
        "parties": {
            "W": {"vendors": {"E": "V-W", "F": "V-W"}},
            **{buyer: {"customers": {"W": f"C-{buyer}"}} for buyer in ("E", "F")},
        },
        "payment_journals": {"W": {"J": {"offset": "cash"}}},
        "trading": relations,
        "settlement_parameters": {"W": partial, "E": partial, "F": partial},
        "exchange_rates": [{"from": "EUR", "to": "USD", "date": "2025-12-01", "rate": "1.10"}],
    }
    pairs = [_sale(random, number) for number in range(random.randint(1, 5))]
    free = [bill for _, bill in pairs]
    random.shuffle(free)
    payments: list[dict[str, Any]] = []
    while free:
        marked, free = free[:2], free[2:]
        payments.append(_payment_of_bills(random, len(payments), marked))
    return group, [*(event for pair in pairs for event in pair), *payments]


def _sale(random: Random, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The customer invoice of W and the vendor invoice of the buyer."""
    buyer = random.choice(["E", "F"])
    about = {
        "date": START.isoformat(),
        "currency": "EUR",
        "amount": random.choice(["100.00", "333.33", "0.99"]),
        "cash_discounts": [{"percent": "2", "days": 40}] if random.random() < 0.6 else [],
    }
    sale = {
        "id": f"C{number}",
        "type": "customer-invoice.posted",
        "company": "W",
        "account": f"C-{buyer}",
        "document": f"C{number}",
        **about,
    }
    bill = {"id": f"V{number}", "type": "vendor-invoice.posted", "company": buyer, "account": "V-W", "document": f"V{number}", **about}
    if about["currency"] != "USD":
        bill["exchange_rate"] = "1.12"
    return sale, {**bill, "intercompany_invoice": {"company": "W", "document": sale["document"]}}


def _payment_of_bills(random: Random, number: int, bills: list[dict[str, Any]]) -> dict[str, Any]:
    total = sum((Decimal(bill["amount"]) for bill in bills), Decimal(0))
    amount = (total * random.choice([Decimal(1), Decimal("0.98"), Decimal("0.5"), Decimal("1.1")])).quantize(Decimal("0.01"))
    return {
        "id": f"P{number}",
        "type": "vendor-payment.posted",
        "company": random.choice(["E", "F"]),
        "account": "V-W",
        "document": f"P{number}",
        "date": _day(random),
        "currency": "EUR",
        "amount": str(amount),
        "settle": [{"company": bill["company"], "document": bill["document"]} for bill in bills],
    }


def _reversal(ledger: str, payment: dict[str, Any]) -> dict[str, Any]:
    named = {"company": payment["company"], "document": payment["document"]}
    return {"id": f"R-{payment['id']}", "type": "settlement-reversal.requested", "ledger": ledger, "payment": named}
