"""The events of a random scenario that post documents and wish for settlements.

Invariant: a document is known to the scenario from its event on, whether the group can post it or not.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from tests.oracle.random_group import AMOUNTS, PERCENTS, RATES, Doc, Row, Scenario, money

# Documents


def _number(scenario: Scenario, prefix: str) -> str:
    return scenario.name(prefix)


def _amount(scenario: Scenario, currency: str) -> Decimal:
    base = Decimal(scenario.rng.choice(AMOUNTS)) if scenario.chance(0.7) else Decimal(scenario.rng.randint(1, 99999)) / 100
    return Decimal(money(base * (150 if currency == "JPY" else 1), currency))


def _terms(scenario: Scenario, amount: Decimal, currency: str, doc: Doc) -> list[Row]:
    rng = scenario.rng
    if not scenario.chance(0.55):
        return []
    percent = rng.choice(PERCENTS)
    doc.percent = Decimal(percent)
    kinds: list[list[Row]] = [
        [{"percent": percent, "days": rng.choice([0, 10, 30, 60])}],
        [{"percent": percent, "days": 8}, {"percent": "2", "days": 15, "account": "5330"}, {"percent": "1"}],
        [{"percent": percent}],
        [{"percent": percent, "days": 8}, {"percent": "1", "days": 40}],
        [{"amount": money(amount * Decimal(percent) / 100, currency), "until": (doc.when + timedelta(days=30)).isoformat()}],
        [{"percent": percent, "days": 30, "account": "5310"}],
    ]
    return rng.choice(kinds)


def _lines(scenario: Scenario, amount: Decimal, currency: str, plain: str) -> list[Row]:
    tax = Decimal(money(amount * Decimal(scenario.rng.choice(["0.16", "0.0598", "0.07"])), currency))
    rest = amount - tax
    half = Decimal(money(rest / 3, currency))
    if tax <= 0 or half <= 0 or rest - half <= 0:
        return []
    lines: list[Row] = [{"account": plain, "amount": money(half, currency)}, {"account": plain, "amount": money(rest - half, currency)}]
    if scenario.chance(0.4):
        lines[0]["dimensions"], lines[1]["dimensions"] = {"dept": "A"}, {"dept": "B"}
    if scenario.chance(0.3):
        first = Decimal(money(tax / 3, currency))
        lines.append({"account": "sales_tax", "amount": money(first, currency), "dimensions": {"dept": "T"}})
        lines.append({"account": scenario.rng.choice(["sales_tax", "3801"]), "amount": money(tax - first, currency)})
        if tax <= first:
            return []
    elif scenario.chance(0.8):
        lines.append({"account": "sales_tax", "amount": money(tax, currency)})
        if scenario.has("main_accounts", 0.2):  # a reduction, on the other side
            lines[0]["amount"] = money(half + tax, currency)
            lines.append({"account": plain, "amount": f"-{money(tax, currency)}"})
    else:
        lines[0]["amount"] = money(half + tax, currency)
    return lines


def _head(scenario: Scenario, ledger: str, doc: Doc) -> Row:
    head: Row = {
        "company": doc.company, "account": doc.account, "document": doc.number, "date": doc.when.isoformat(),
        "currency": doc.currency, "amount": money(doc.amount, doc.currency),
    }  # fmt: skip
    own = scenario.currencies[doc.company]
    if doc.currency != own and scenario.chance(0.35):
        rate = RATES[doc.currency] / RATES[own] * (1 + Decimal(scenario.rng.randint(-6, 6)) / 100)
        head["exchange_rate"] = str(rate.quantize(Decimal("0.0000001")))
    if "posting_profiles" in scenario.group and scenario.chance(0.5):
        head["posting_profile"] = scenario.rng.choice(["GEN", "ADV", "GEN"])
    if scenario.chance(0.1):
        head["dimensions"] = {"unit": scenario.rng.choice("XY")}
    if scenario.has("references", 0.1):
        head |= {"reference": f"ref {doc.number}", "text": f"text {doc.number}"}
    del ledger
    return head


def _account(scenario: Scenario, ledger: str) -> str:
    if scenario.chance(0.04):
        return "d1"
    own = next(iter(scenario.client["customers" if ledger == "receivable" else "vendors"].values()))
    return str(scenario.rng.choice(own)) if isinstance(own, list) else str(own)


def document(scenario: Scenario, ledger: str, kind: str | None = None) -> None:
    rng, company = scenario.rng, scenario.company()
    kind = kind or rng.choice(["invoice"] * 8 + ["credit_note"] * 4 + ["interest_note", "refund", "collection_letter", "payment_fee"])
    currency = scenario.currency(company)
    doc = Doc(
        ledger, company, _number(scenario, kind[0].upper()), kind, _account(scenario, ledger), currency, Decimal(0), scenario.day(0, 25)
    )
    doc.amount = _amount(scenario, currency)
    event = {
        "id": doc.number,
        "type": f"{'customer' if ledger == 'receivable' else 'vendor'}-invoice.posted",
        **_head(scenario, ledger, doc),
    }
    if kind != "invoice":
        event["kind"] = kind
    if scenario.chance(0.5):
        event["due_date"] = (doc.when + timedelta(days=rng.choice([10, 30, 30]))).isoformat()
    terms = _terms(scenario, doc.amount, currency, doc)
    if terms:
        event["cash_discounts"] = terms
    if scenario.chance(0.25):
        lines = _lines(scenario, doc.amount, currency, "sales" if ledger == "receivable" else "expense")
        if lines:
            event["lines"] = lines
    credited = [each for each in scenario.docs if each.company == company and each.kind == "invoice" and each.ledger == ledger]
    if kind == "credit_note" and credited and scenario.chance(0.45):
        event["credits"] = rng.choice(credited).number
    if ledger == "payable" and kind == "invoice" and "trading" in scenario.group and doc.account == "v1":
        _mirrored(scenario, doc, event)
    scenario.docs.append(doc)
    scenario.events.append(event)


# Marks


def _need(doc: Doc) -> Decimal:
    return doc.amount - Decimal(money(doc.amount * doc.percent / 100, doc.currency)) if doc.percent else doc.amount


def chosen(scenario: Scenario, ledger: str, most: int, *, lowering: bool | None = None) -> list[Doc]:
    docs = [doc for doc in scenario.docs if doc.ledger == ledger]
    if lowering is not None:
        docs = [doc for doc in docs if (doc.kind in {"payment", "credit_note"}) == lowering]
    fresh = [doc for doc in docs if not doc.marked]
    pool = docs if scenario.chance(scenario.again) else fresh
    found = scenario.rng.sample(pool, min(len(pool), scenario.rng.randint(1, most)))
    for doc in found:
        doc.marked = True
    return found


def _mark(scenario: Scenario, doc: Doc, currency: str | None) -> Row:
    rng, mark = scenario.rng, dict[str, Any](company=doc.company, document=doc.number)
    paid = currency or doc.currency
    if scenario.chance(0.3):
        need = _need(doc) * RATES[doc.currency] / RATES[paid] if paid != doc.currency else _need(doc)
        part = rng.choice([need, need, need / 2, need - Decimal("0.03"), need + Decimal("0.50"), doc.amount, need - Decimal(1)])
        mark["amount_to_settle"] = money(part, paid)
    if scenario.chance(0.12):
        mark["use_cash_discount"] = rng.choice(["always", "never"])
    if scenario.chance(0.1):
        mark["cash_discount_to_take"] = money(doc.amount * rng.choice([Decimal("0.06"), Decimal("0.01"), Decimal(1)]), doc.currency)
    if scenario.chance(0.08):
        mark["full_settlement"] = True
    if scenario.chance(0.06):
        mark["cash_discount_account"] = "5320"
    if currency and currency != doc.currency and doc.kind not in {"payment", "credit_note"} and scenario.has("cross_rate", 0.4):
        rate = RATES[paid] / RATES[doc.currency] * (1 + Decimal(rng.randint(-3, 3)) / 100)
        mark["cross_rate"] = str(rate.quantize(Decimal("0.000001")))
    return mark


_STEPS = (  # what a payment is above or below what is needed: at the limits, within, and beyond
    *("0", "0", "0.03", "-0.03", "0.01", "-0.01", "0.50", "1.00", "-1.00", "2.00", "3.00", "-0.50", "-2.00"),
    *("0.05", "-0.05", "0.10", "-0.10", "5.00", "-5.00", "5.01", "-0.06", "0.02", "-0.02"),
)


def payment(scenario: Scenario, ledger: str) -> None:
    """A payment, mostly with marks and about what they need."""
    rng, company = scenario.rng, scenario.company()
    raising = chosen(scenario, ledger, 3, lowering=False) if scenario.chance(0.8) else []
    others = chosen(scenario, ledger, 2, lowering=True) if raising and scenario.chance(0.4) else []
    currency = raising[0].currency if raising and scenario.chance(0.85) else scenario.currency(company)
    doc = Doc(ledger, company, _number(scenario, "P"), "payment", _account(scenario, ledger), currency, Decimal(0), scenario.day(10, 45))
    if raising and scenario.chance(0.3):  # at the last day of a tier, or the next
        doc.when = raising[0].when + timedelta(days=rng.choice([0, 8, 9, 10, 11, 15, 30, 31, 40, 41]))
    total = sum((_need(each) * RATES[each.currency] / RATES[currency] for each in raising), Decimal(0))
    total -= sum((each.amount * RATES[each.currency] / RATES[currency] for each in others), Decimal(0))
    step = Decimal(rng.choice(_STEPS))
    doc.amount = total * rng.choice([Decimal(1)] * 8 + [Decimal("0.5"), Decimal("1.5"), Decimal("0.97")]) + step
    if doc.amount <= 0:
        doc.amount = _amount(scenario, currency)
    doc.amount = Decimal(money(doc.amount, currency))
    event = {
        "id": doc.number,
        "type": f"{'customer' if ledger == 'receivable' else 'vendor'}-payment.posted",
        **_head(scenario, ledger, doc),
    }
    if raising or others:
        marks = [_mark(scenario, each, currency) for each in [*raising, *others]]
        rng.shuffle(marks)
        event["settle"] = marks
        if scenario.chance(0.4 if others else 0.04):
            event["primary"] = True
    if "methods_of_payment" in scenario.group and scenario.chance(0.5):
        event["method_of_payment"] = rng.choice(["CHECK", "EFT"])
    if scenario.chance(0.05):
        event["prepayment"] = True
    if scenario.has("main_accounts", 0.06):
        event["offset"] = rng.choice(["1010", "1020", "bank", "sales_tax"])
    if scenario.has("payment_lines", 0.08) and doc.amount > 2 and "offset" not in event:
        fee = Decimal(money(doc.amount / 50, currency))
        event["lines"] = [
            {"account": "cash", "amount": money(doc.amount - fee, currency)},
            {"account": rng.choice(["7010", "5300", "sales_tax"]), "amount": money(fee, currency), "dimensions": {"dept": "F"}},
        ]
    scenario.docs.append(doc)
    scenario.events.append(event)
    relations = scenario.group.get("trading")
    if relations and not relations[0]["post_automatically"] and scenario.chance(0.5):
        approval(scenario, ledger)


def on_account(scenario: Scenario, ledger: str) -> None:
    """A payment without marks, to be settled later."""
    company = scenario.company()
    doc = Doc(
        ledger,
        company,
        _number(scenario, "P"),
        "payment",
        _account(scenario, ledger),
        scenario.currency(company),
        Decimal(0),
        scenario.day(5, 30),
    )
    doc.amount = _amount(scenario, doc.currency)
    name = f"{'customer' if ledger == 'receivable' else 'vendor'}-payment.posted"
    scenario.docs.append(doc)
    scenario.events.append({"id": doc.number, "type": name, **_head(scenario, ledger, doc)})


def request(scenario: Scenario, ledger: str) -> None:
    raising, lowering = chosen(scenario, ledger, 3, lowering=False), chosen(scenario, ledger, 3, lowering=True)
    if not raising or not lowering:
        payment(scenario, ledger)
        return
    event: Row = {"id": scenario.name("S"), "type": "settlement.requested", "ledger": ledger}
    event["settle"] = [_mark(scenario, doc, None) for doc in [*raising, *lowering]]
    scenario.rng.shuffle(event["settle"])
    latest = max(doc.when for doc in [*raising, *lowering])
    if scenario.chance(0.3):
        event["date"] = (latest + timedelta(days=scenario.rng.choice([0, 5, 20, -1]))).isoformat()
    if scenario.chance(0.2):
        event["cash_discount_date"] = scenario.day(5, 40).isoformat()
    if scenario.chance(0.3):
        hub = scenario.rng.choice(lowering)
        event["primary"] = {"company": hub.company, "document": hub.number}
    scenario.events.append(event)


def _mirrored(scenario: Scenario, doc: Doc, event: Row) -> None:
    seller = scenario.group["trading"][0]["seller"]["company"] if scenario.group["trading"] else "WEST"
    if seller not in scenario.currencies or doc.company == seller or scenario.chance(0.2):
        return
    number = f"C{doc.number}"
    event["intercompany_invoice"] = {"company": seller, "document": number}
    if scenario.chance(0.9):
        mirror: Row = {"id": number, "type": "customer-invoice.posted", "company": seller, "account": "IC", "document": number}
        mirror |= {key: event[key] for key in ("date", "due_date", "currency", "amount", "cash_discounts") if key in event}
        place = scenario.rng.randint(0, len(scenario.events)) if scenario.chance(0.2) else len(scenario.events)
        scenario.events.insert(place, mirror)


def approval(scenario: Scenario, ledger: str) -> None:
    payments = [doc for doc in scenario.docs if doc.kind == "payment" and doc.ledger == ledger]
    if "trading" not in scenario.group or not payments or not scenario.group["trading"]:
        payment(scenario, ledger)
        return
    doc, seller = payments[-1], scenario.group["trading"][0]["seller"]["company"]
    approved = {"company": seller, "journal": "ARPAY", "document": f"ARPAY-{doc.company}-{doc.number}-1"}
    scenario.events.append({"id": scenario.name("A"), "type": "journal-approval.requested", **approved})
