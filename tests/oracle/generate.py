"""Random scenarios over all the rules: small, mostly well-formed, with numbers near the limits where roundings and ties occur.

Invariant: the same seed and the same features give the same scenario, whatever else the process does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

Row = dict[str, Any]

FEATURES = (
    "cross_rate",
    "payment_lines",
    "reduced_tax",
    "withdrawals",
    "document_reversals",
    "references",
    "account_lists",
    "summary_accounts",
    "rates_both_ways",
    "spellings",
)
_COMPANIES = ("NORD", "SUED", "OST", "WEST")
_DIGITS = {"JPY": 0, "KWD": 3}
_RATES = {"USD": Decimal(1), "EUR": Decimal("1.10"), "GBP": Decimal("1.30"), "JPY": Decimal("0.0067"), "KWD": Decimal("3.25")}
_START = date(2026, 1, 1)
_PERCENTS = ("1", "2", "3", "2.5", "10", "5")
_AMOUNTS = ("100.00", "50.00", "33.33", "99.99", "16.25", "600.00", "638.22", "1000.00", "0.05", "101.01", "240.00", "75.50")


@dataclass
class Doc:
    """A document that the scenario has posted."""

    ledger: str
    company: str
    number: str
    kind: str
    account: str
    currency: str
    amount: Decimal
    when: date
    percent: Decimal = Decimal(0)
    marked: bool = False


@dataclass
class Scenario:
    """A scenario in the making."""

    rng: Random
    features: frozenset[str]
    currencies: dict[str, str] = field(default_factory=dict)
    group: Row = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    late: list[Row] = field(default_factory=list)  # reference data that comes as events
    docs: list[Doc] = field(default_factory=list)
    count: int = 0

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.rng.random() < share

    def has(self, feature: str, share: float) -> bool:
        """Whether a feature that is wanted occurs here."""
        return feature in self.features and self.chance(share)

    def name(self, prefix: str) -> str:
        """A new id."""
        self.count += 1
        return f"{prefix}{self.count}"

    def day(self, first: int = 0, last: int = 60) -> date:
        """A date from the start on."""
        return _START + timedelta(days=self.rng.randint(first, last))

    def company(self) -> str:
        """One of the companies."""
        return self.rng.choice(list(self.currencies))

    def currency(self, company: str) -> str:
        """Mostly the company's own or the scenario's foreign one."""
        return self.currencies[company] if self.chance(0.7) else self.rng.choice(["EUR", "USD", "GBP", "JPY", "KWD", "EUR", "USD"])


def money(amount: Decimal, currency: str) -> str:
    """An amount in the currency's digits, never less than one unit."""
    unit = Decimal(1).scaleb(-_DIGITS.get(currency, 2))
    return str(max(amount.quantize(unit, ROUND_HALF_UP), unit))


def generate(seed: int, features: frozenset[str] = frozenset(FEATURES)) -> Row:
    """The scenario of a seed."""
    scenario = Scenario(Random(seed), features)  # noqa: S311
    _group(scenario)
    ledger = scenario.rng.choice(["receivable", "payable"])
    if scenario.chance(0.25):
        _trade(scenario)
        ledger = "payable"
    for _ in range(scenario.rng.randint(2, 5)):
        _document(scenario, ledger)
    if scenario.chance(0.3):
        _on_account(scenario, ledger)
    steps = [_payment] * 6 + [_request] * 3 + [_document] * 2 + [_reversal] * 2 + [_reference, _contradiction, _approval]
    for _ in range(scenario.rng.randint(2, 7)):
        scenario.rng.choice(steps)(scenario, ledger)
    for event in scenario.late:
        place = scenario.rng.randint(0, len(scenario.events))
        scenario.events.insert(place, event)
    if scenario.chance(0.1) and len(scenario.events) > 2:
        first = scenario.rng.randrange(len(scenario.events) - 1)
        scenario.events.insert(scenario.rng.randint(0, len(scenario.events)), scenario.events.pop(first))
    return {"scenario": f"random {seed}", "id": f"random-{seed}", "group": scenario.group, "events": scenario.events}


# The group


def _group(scenario: Scenario) -> None:
    rng = scenario.rng
    names = rng.sample(_COMPANIES, rng.choice([1, 2, 2, 3, 3]))
    same = scenario.chance(0.5)
    scenario.currencies = {name: "USD" if same else rng.choice(["USD", "USD", "EUR", "JPY", "KWD"]) for name in names}
    companies: Row = {name: {"currency": currency} for name, currency in scenario.currencies.items()}
    for company in companies.values():
        if scenario.chance(0.2):
            company["accounts"] = {"cash": "1010", "cash_discount": "5300", "accounts_receivable": "1200", "sales_tax": "3800"}
            if "account_lists" in scenario.features:
                company["accounts"]["sales_tax"] = ["3800", "3801"]
    account: Any = ["c1", "c2"] if scenario.has("account_lists", 0.3) else "c1"
    parties: Row = {
        "C": {"customers": dict.fromkeys(names, account), "vendors": dict.fromkeys(names, "v1")},
        "D": {"customers": dict.fromkeys(names, "d1"), "vendors": dict.fromkeys(names, "d1")},
    }
    scenario.group = {"companies": companies, "parties": parties, "settlement_parameters": {}, "exchange_rates": []}
    for name in names:
        if scenario.chance(0.75):
            both = ("receivable", "payable")
            scenario.group["settlement_parameters"][name] = {ledger: _parameters(scenario) for ledger in both}
    _rates(scenario)
    _options(scenario, names)


def _parameters(scenario: Scenario) -> Row:
    rng, found = scenario.rng, {}
    choices: dict[str, tuple[float, list[Any]]] = {
        "cash_discounts_for_partial_payments": (0.4, [True]),
        "cash_discounts_for_credit_notes": (0.4, [True]),
        "cash_discount_administration": (0.4, ["unspecific"]),
        "maximum_penny_difference": (0.35, ["0.02", "0.05", "0.10", "1"]),
        "maximum_overpayment_or_underpayment": (0.55, ["1.00", "2.00", "5.00", "0.50"]),
        "over_under_policy": (0.25, ["only_with_cash_discount"]),
        "cash_discount_base": (0.3, ["gross"]),
        "cash_discount_rate": (0.3, ["payment_date"]),
        "automatic_settlement": (0.25, [True]),
        "settlement_priority": (0.2, _PRIORITIES),
    }
    if "reduced_tax" in scenario.features:
        choices["tax_on_cash_discount"] = (0.4, ["reduced"])
    for name, (share, values) in choices.items():
        if scenario.chance(share):
            found[name] = rng.choice(values)
    return found


_PRIORITIES = [
    [{"transaction_amount": "descending"}],
    [{"cash_discount_date": "ascending"}],
    [{"transaction_type": ["interest_note", "credit_note", "invoice"]}, {"transaction_date": "descending"}],
    [{"due_date": "descending"}, {"voucher": "descending"}],
]


def _rates(scenario: Scenario) -> None:
    for currency in dict.fromkeys(scenario.currencies.values()):
        for other, value in _RATES.items():
            if other == currency or scenario.chance(0.08):
                continue
            published = {(entry["from"], entry["to"]) for entry in scenario.group["exchange_rates"]}
            if (currency, other) in published and "rates_both_ways" not in scenario.features:
                continue
            for when in ("2025-12-01", "2026-01-20"):
                rate = (value / _RATES[currency] * (1 + Decimal(scenario.rng.randint(-5, 5)) / 100)).quantize(Decimal("0.000001"))
                entry = {"from": other, "to": currency, "date": when, "rate": str(rate)}
                if scenario.has("rates_both_ways", 0.15):
                    entry = {"from": currency, "to": other, "date": when, "rate": str((1 / rate).quantize(Decimal("0.000001")))}
                if scenario.chance(0.2):
                    entry["company"] = scenario.rng.choice([n for n, c in scenario.currencies.items() if c == currency])
                if scenario.chance(0.04):
                    scenario.late.append({"id": scenario.name("X"), "type": "exchange-rate.published", **entry})
                else:
                    scenario.group["exchange_rates"].append(entry)


def _options(scenario: Scenario, names: list[str]) -> None:
    rng, group = scenario.rng, scenario.group
    for name in names:
        if scenario.chance(0.4):
            entry: Row = {
                "post_cash_discount": rng.choice(["invoice", "payment", "payment"]),
                "post_exchange_gain_or_loss": rng.choice(["invoice", "payment"]),
            }
            if scenario.chance(0.2):
                entry = {rng.choice(["receivable", "payable"]): entry}
            group.setdefault("centralized_payments", {})[name] = entry
    if len(names) > 1 and scenario.chance(0.2):
        _accounting(scenario, names)
    if len(names) > 1 and scenario.chance(0.06):
        group["centralized_payments_members"] = rng.sample(names, len(names) - 1)
    if scenario.chance(0.08):
        group["closed_periods"] = {rng.choice(names): [{"from": "2026-01-10", "to": "2026-01-25"}]}
    if "summary_accounts" in scenario.features and scenario.chance(0.2):
        _profiles(scenario, names)
    if scenario.chance(0.06):
        group["methods_of_payment"] = {name: rng.choice([["CHECK"], ["CHECK", "EFT"]]) for name in names}


def _profiles(scenario: Scenario, names: list[str]) -> None:
    for name in names:
        general = {"receivable": {"all": "1210", "accounts": {"d1": "1220"}}, "payable": {"all": "2210"}}
        advance = {"receivable": {"all": "2410"}, "payable": {"all": "1450"}}
        profiles = {"GEN": general} if scenario.chance(0.15) else {"GEN": general, "ADV": advance}
        scenario.group.setdefault("posting_profiles", {})[name] = profiles


def _accounting(scenario: Scenario, names: list[str]) -> None:
    for one in names:
        for other in names:
            if one == other:
                continue
            entry = {"due_from": f"13{names.index(other)}", "due_to": f"23{names.index(other)}"}
            if scenario.chance(0.3):
                entry["post_cash_discount"] = scenario.rng.choice(["invoice", "payment"])
            if scenario.chance(0.15):
                late = {"type": "intercompany-accounting.defined", "company": one, "partner": other, **entry}
                scenario.late.append({"id": scenario.name("X"), **late})
            elif scenario.chance(0.95):
                scenario.group.setdefault("intercompany_accounting", {}).setdefault(one, {})[other] = entry


# Documents


def _number(scenario: Scenario, prefix: str) -> str:
    return scenario.name(prefix)


def _amount(scenario: Scenario, currency: str) -> Decimal:
    base = Decimal(scenario.rng.choice(_AMOUNTS)) if scenario.chance(0.7) else Decimal(scenario.rng.randint(1, 99999)) / 100
    return Decimal(money(base * (150 if currency == "JPY" else 1), currency))


def _terms(scenario: Scenario, amount: Decimal, currency: str, doc: Doc) -> list[Row]:
    rng = scenario.rng
    if not scenario.chance(0.55):
        return []
    percent = rng.choice(_PERCENTS)
    doc.percent = Decimal(percent)
    kinds: list[list[Row]] = [
        [{"percent": percent, "days": rng.choice([10, 30, 60])}],
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
    if scenario.chance(0.8):
        lines.append({"account": "sales_tax", "amount": money(tax, currency)})
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
        rate = _RATES[doc.currency] / _RATES[own] * (1 + Decimal(scenario.rng.randint(-6, 6)) / 100)
        head["exchange_rate"] = str(rate.quantize(Decimal("0.0000001")))
    if "posting_profiles" in scenario.group and scenario.chance(0.5):
        head["posting_profile"] = scenario.rng.choice(["GEN", "ADV", "GEN"])
    if scenario.chance(0.1):
        head["dimensions"] = {"unit": scenario.rng.choice("XY")}
    if scenario.has("references", 0.1):
        head["reference"] = f"ref {doc.number}"
    del ledger
    return head


def _account(scenario: Scenario, ledger: str) -> str:
    if scenario.chance(0.04):
        return "d1"
    if ledger == "payable":
        return "v1"
    many = isinstance(next(iter(scenario.group["parties"]["C"]["customers"].values())), list)
    return scenario.rng.choice(["c1", "c2"]) if many else "c1"


def _document(scenario: Scenario, ledger: str, kind: str | None = None) -> None:
    rng, company = scenario.rng, scenario.company()
    kind = kind or rng.choice(["invoice"] * 6 + ["credit_note"] * 2 + ["interest_note", "refund"])
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
    if kind == "credit_note" and credited and scenario.chance(0.3):
        event["credits"] = rng.choice(credited).number
    if ledger == "payable" and kind == "invoice" and "trading" in scenario.group and doc.account == "v1":
        _mirrored(scenario, doc, event)
    scenario.docs.append(doc)
    scenario.events.append(event)


# Marks


def _need(doc: Doc) -> Decimal:
    return doc.amount - Decimal(money(doc.amount * doc.percent / 100, doc.currency)) if doc.percent else doc.amount


def _chosen(scenario: Scenario, ledger: str, most: int, *, lowering: bool | None = None) -> list[Doc]:
    docs = [doc for doc in scenario.docs if doc.ledger == ledger]
    if lowering is not None:
        docs = [doc for doc in docs if (doc.kind in {"payment", "credit_note"}) == lowering]
    fresh = [doc for doc in docs if not doc.marked]
    pool = fresh if scenario.chance(0.93) else docs
    found = scenario.rng.sample(pool, min(len(pool), scenario.rng.randint(1, most)))
    for doc in found:
        doc.marked = True
    return found


def _mark(scenario: Scenario, doc: Doc, currency: str | None) -> Row:
    rng, mark = scenario.rng, dict[str, Any](company=doc.company, document=doc.number)
    paid = currency or doc.currency
    if scenario.chance(0.3):
        need = _need(doc) * _RATES[doc.currency] / _RATES[paid] if paid != doc.currency else _need(doc)
        part = rng.choice([need, need, need / 2, need - Decimal("0.03"), need + Decimal("0.50"), doc.amount])
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
        rate = _RATES[paid] / _RATES[doc.currency] * (1 + Decimal(rng.randint(-3, 3)) / 100)
        mark["cross_rate"] = str(rate.quantize(Decimal("0.000001")))
    return mark


def _payment(scenario: Scenario, ledger: str) -> None:
    rng, company = scenario.rng, scenario.company()
    raising = _chosen(scenario, ledger, 3, lowering=False) if scenario.chance(0.8) else []
    others = _chosen(scenario, ledger, 2, lowering=True) if raising and scenario.chance(0.4) else []
    currency = raising[0].currency if raising and scenario.chance(0.85) else scenario.currency(company)
    doc = Doc(ledger, company, _number(scenario, "P"), "payment", _account(scenario, ledger), currency, Decimal(0), scenario.day(10, 45))
    total = sum((_need(each) * _RATES[each.currency] / _RATES[currency] for each in raising), Decimal(0))
    total -= sum((each.amount * _RATES[each.currency] / _RATES[currency] for each in others), Decimal(0))
    step = Decimal(rng.choice(["0", "0", "0.03", "-0.03", "0.01", "-0.01", "0.50", "1.00", "-1.00", "2.00", "3.00", "-0.50", "-2.00"]))
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
    if scenario.has("payment_lines", 0.08) and doc.amount > 2:
        fee = Decimal(money(doc.amount / 50, currency))
        event["lines"] = [
            {"account": "cash", "amount": money(doc.amount - fee, currency)},
            {"account": "7010", "amount": money(fee, currency)},
        ]
    scenario.docs.append(doc)
    scenario.events.append(event)
    relations = scenario.group.get("trading")
    if relations and not relations[0]["post_automatically"] and scenario.chance(0.5):
        _approval(scenario, ledger)


def _on_account(scenario: Scenario, ledger: str) -> None:
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


def _request(scenario: Scenario, ledger: str) -> None:
    raising, lowering = _chosen(scenario, ledger, 3, lowering=False), _chosen(scenario, ledger, 3, lowering=True)
    if not raising or not lowering:
        _payment(scenario, ledger)
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


# What comes later


def _reversal(scenario: Scenario, ledger: str) -> None:
    if not scenario.docs:
        return
    rng = scenario.rng
    payments = [doc for doc in scenario.docs if doc.kind == "payment" and doc.ledger == ledger]
    doc = rng.choice(payments if payments and scenario.chance(0.85) else scenario.docs)
    event: Row = {"id": scenario.name("R"), "ledger": doc.ledger}
    named = {"company": doc.company, "document": doc.number}
    if scenario.has("document_reversals", 0.2):
        event |= {"type": "document-reversal.requested", "document": named}
    elif scenario.chance(0.2):
        event |= {"type": "payment-reversal.requested", "payment": named}
    elif scenario.chance(0.6):
        event |= {"type": "settlement-reversal.requested", "payment": named}
    else:
        event |= {"type": "settlement-reversal.requested", "settlement": rng.choice([doc.number, rng.choice(scenario.events)["id"]])}
    if scenario.chance(0.3):
        event["date"] = scenario.day(20, 70).isoformat()
    scenario.events.append(event)


def _reference(scenario: Scenario, ledger: str) -> None:
    rng, company = scenario.rng, scenario.company()
    span = {"from": "2026-01-05", "to": "2026-02-20"}
    choices: list[Row] = [
        {"type": "period.closed", "company": company, **span},
        {"type": "period.opened", "company": company, "from": "2026-01-01", "to": "2026-03-31"},
        {"type": "settlement-parameters.defined", "company": company, "ledger": ledger, **_parameters(scenario)},
        {"type": "party.defined", "party": "D", "customers": {company: ["d1", "c1"]}, "vendors": {company: ["d1", "v1"]}},
        {"type": "party.defined", "party": "C", **scenario.group["parties"]["C"]},
    ]
    if "account_lists" not in scenario.features:
        choices = choices[:3]
    if "withdrawals" in scenario.features:
        choices.append({"type": "reference.withdrawn", "event": "settlement-parameters.defined", "company": company, "ledger": ledger})
        if scenario.group["exchange_rates"]:
            rate = {k: v for k, v in rng.choice(scenario.group["exchange_rates"]).items() if k != "rate"}
            choices.append({"type": "reference.withdrawn", "event": "exchange-rate.published", **rate})
        for one, partners in scenario.group.get("intercompany_accounting", {}).items():
            choices += [
                {"type": "reference.withdrawn", "event": "intercompany-accounting.defined", "company": one, "partner": other}
                for other in partners
            ]
    scenario.events.append({"id": scenario.name("X"), **rng.choice(choices)})


def _contradiction(scenario: Scenario, ledger: str) -> None:
    """A duplicate, a number that is taken, digits too many, offset lines that do not add up, a document never sent."""
    if not scenario.events:
        return
    rng = scenario.rng
    event = {**rng.choice(scenario.events)}
    kind = rng.choice(["same", "other", "number", "digits", "lines", "missing"])
    if kind == "same" and "amount" in event and "spellings" in scenario.features:
        event |= {"amount": f"0{event['amount']}", "posting_profile": event.get("posting_profile"), "account": f" {event['account']} "}
    elif kind == "other" and "amount" in event:
        event["amount"] = money(Decimal(event["amount"]) + 1, event["currency"])
    elif kind == "number" and "amount" in event:
        event["id"] = scenario.name("N")
    elif kind == "digits" and "amount" in event:
        event["id"], event["document"] = (scenario.name("N"),) * 2
        event["amount"] = f"{Decimal(event['amount']) + 1}{'' if '.' in event['amount'] else '.'}5"
        event.pop("lines", None)
    elif kind == "lines" and event.get("type", "").endswith("invoice.posted"):
        event["id"], event["document"] = (scenario.name("N"),) * 2
        event["lines"] = [{"account": "sales", "amount": money(Decimal(event["amount"]) + 1, event["currency"])}]
    elif kind == "missing":
        company = scenario.company()
        event = {"id": scenario.name("N"), "type": "settlement.requested", "ledger": ledger}
        docs = _chosen(scenario, ledger, 2)
        event["settle"] = [{"company": company, "document": "NEVER"}, *({"company": d.company, "document": d.number} for d in docs)]
    scenario.events.append(event)


# Trade between the companies


def _trade(scenario: Scenario) -> None:
    names = list(scenario.currencies)
    seller = scenario.rng.choice([name for name in _COMPANIES if name not in names])
    scenario.currencies[seller] = scenario.rng.choice(["USD", scenario.currencies[names[0]], "EUR"])
    group = scenario.group
    group["companies"][seller] = {"currency": scenario.currencies[seller]}
    group["parties"]["BUY"] = {"customers": {seller: "IC"}, "vendors": {}}
    for party in group["parties"].values():
        for side in ("customers", "vendors"):
            if party is not group["parties"]["BUY"]:
                party[side][seller] = next(iter(party[side].values()))
    if scenario.chance(0.9):
        group["payment_journals"] = {seller: {"ARPAY": {"offset": "cash"}}}
    else:
        scenario.late.append(
            {"id": scenario.name("X"), "type": "payment-journal.defined", "company": seller, "journal": "ARPAY", "offset": "cash"}
        )
    automatic = scenario.chance(0.65)
    group["trading"] = []
    for name in names:
        relation: Row = {"seller": {"company": seller, "customer": "IC"}, "buyer": {"company": name, "vendor": "v1"}}
        relation |= {"payment_journal": "ARPAY", "post_automatically": automatic}
        if scenario.chance(0.1):
            scenario.late.append({"id": scenario.name("X"), "type": "trading-relation.defined", **relation})
        else:
            group["trading"].append(relation)
    if scenario.chance(0.5):
        group["settlement_parameters"][seller] = {"receivable": _parameters(scenario)}
    for other, value in _RATES.items():
        if other != scenario.currencies[seller] and scenario.chance(0.8):
            rate = (value / _RATES[scenario.currencies[seller]]).quantize(Decimal("0.000001"))
            group["exchange_rates"].append(
                {"company": seller, "from": other, "to": scenario.currencies[seller], "date": "2025-12-01", "rate": str(rate)}
            )


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


def _approval(scenario: Scenario, ledger: str) -> None:
    payments = [doc for doc in scenario.docs if doc.kind == "payment" and doc.ledger == ledger]
    if "trading" not in scenario.group or not payments or not scenario.group["trading"]:
        _payment(scenario, ledger)
        return
    doc, seller = payments[-1], scenario.group["trading"][0]["seller"]["company"]
    approved = {"company": seller, "journal": "ARPAY", "document": f"ARPAY-{doc.company}-{doc.number}-1"}
    scenario.events.append({"id": scenario.name("A"), "type": "journal-approval.requested", **approved})
