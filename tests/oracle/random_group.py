"""The group of a random scenario: companies, parties, parameters, rates, options, trade between the companies.

Invariant: everything is drawn from the scenario's own random numbers.
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
    "historical_currencies",
    "ties",
    "late_reference",
    "merged_parties",
    "both_ledgers",
    "main_accounts",
    "age_of_rates",
)
COMPANIES = ("NORD", "SUED", "OST", "WEST")
_DIGITS = {"JPY": 0, "KWD": 3, "ITL": 0}
RATES = {
    "USD": Decimal(1),
    "EUR": Decimal("1.10"),
    "GBP": Decimal("1.30"),
    "JPY": Decimal("0.0067"),
    "KWD": Decimal("3.25"),
    "BGN": Decimal("0.56"),
    "ITL": Decimal("0.00057"),
}
HISTORICAL = ("BGN", "ITL")
_START = date(2026, 1, 1)
PERCENTS = ("1", "2", "3", "2.5", "10", "5")
AMOUNTS = (
    *("100.00", "50.00", "33.33", "99.99", "16.25", "600.00", "638.22", "1000.00", "0.05", "101.01", "240.00", "75.50"),
    *("0.01", "0.03", "1.00", "2.50", "12.35", "66.67", "1234.56", "99999.99"),
)


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
    client: Row = field(default_factory=dict)  # the party whose documents are settled
    again: float = 0.07  # how often a document is marked that has been marked before
    ties: bool = False  # rates of few digits, at which amounts often fall on the half

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
        if self.has("historical_currencies", 0.03):
            return self.rng.choice(HISTORICAL)
        return self.currencies[company] if self.chance(0.7) else self.rng.choice(["EUR", "USD", "GBP", "JPY", "KWD", "EUR", "USD"])


def money(amount: Decimal, currency: str) -> str:
    """An amount in the currency's digits, never less than one unit."""
    unit = Decimal(1).scaleb(-_DIGITS.get(currency, 2))
    return str(max(amount.quantize(unit, ROUND_HALF_UP), unit))


# The group


def make_group(scenario: Scenario) -> None:
    rng = scenario.rng
    names = rng.sample(COMPANIES, rng.choice([1, 2, 2, 3, 3]))
    same = scenario.chance(0.5)
    scenario.currencies = {name: "USD" if same else rng.choice(["USD", "USD", "EUR", "JPY", "KWD"]) for name in names}
    companies: Row = {name: {"currency": currency} for name, currency in scenario.currencies.items()}
    scenario.again, scenario.ties = rng.choice([0.07, 0.07, 0.3]), scenario.has("ties", 0.3)
    for company in companies.values():
        if scenario.chance(0.25):
            company["accounts"] = chart(scenario)
        if scenario.has("age_of_rates", 0.05):
            company["maximum_rate_age_days"] = rng.choice([0, 10, 30, 50])
    account: Any = ["c1", "c2"] if scenario.has("account_lists", 0.3) else "c1"
    vendor: Any = ["v1", "v2"] if scenario.has("account_lists", 0.2) else "v1"
    parties: Row = {
        "C": {"customers": dict.fromkeys(names, account), "vendors": dict.fromkeys(names, vendor)},
        "D": {"customers": dict.fromkeys(names, "d1"), "vendors": dict.fromkeys(names, "d1")},
    }
    if "summary_accounts" in scenario.features and scenario.chance(0.15):
        parties["C"] |= {"customer_groups": dict.fromkeys(names, "DOM"), "vendor_groups": {names[0]: "DOM"}}
    scenario.client = parties["C"]
    scenario.group = {"companies": companies, "parties": parties, "settlement_parameters": {}, "exchange_rates": []}
    for name in names:
        if scenario.chance(0.75):
            both = ("receivable", "payable")
            scenario.group["settlement_parameters"][name] = {ledger: parameters(scenario) for ledger in both}
    _rates(scenario)
    _options(scenario, names)


def chart(scenario: Scenario) -> Row:
    """Some main accounts; several of one posting type where lists are wanted."""
    found: Row = {"cash": "1010", "cash_discount": "5300", "accounts_receivable": "1200", "sales_tax": "3800"}
    found |= {"accounts_payable": "2200", "due_to": "2300"} if scenario.chance(0.5) else {}
    found |= {"overpayment_underpayment": "7900", "penny_difference": "7910", "realized_loss": "7920"} if scenario.chance(0.5) else {}
    if "account_lists" in scenario.features:
        found["sales_tax"] = ["3800", "3801"]
    return found


def parameters(scenario: Scenario) -> Row:
    rng, found = scenario.rng, {}
    choices: dict[str, tuple[float, list[Any]]] = {
        "cash_discounts_for_partial_payments": (0.4, [True]),
        "cash_discounts_for_credit_notes": (0.55, [True]),
        "cash_discount_administration": (0.4, ["unspecific"]),
        "maximum_penny_difference": (0.35, ["0.02", "0.05", "0.10", "1", "0.01"]),
        "maximum_overpayment_or_underpayment": (0.55, ["1.00", "2.00", "5.00", "0.50", "300"]),
        "over_under_policy": (0.25, ["only_with_cash_discount"]),
        "cash_discount_base": (0.3, ["gross"]),
        "cash_discount_rate": (0.3, ["payment_date"]),
        "automatic_settlement": (0.3, [True]),
        "settlement_priority": (0.35, _PRIORITIES),
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
    [{"transaction_date": "ascending"}, {"transaction_amount": "ascending"}],
    [{"cash_discount_date": "descending"}, {"due_date": "ascending"}],
]


def _rates(scenario: Scenario) -> None:
    for currency in dict.fromkeys(scenario.currencies.values()):
        for other in RATES:
            if other == currency or scenario.chance(0.08):
                continue
            published = {(entry["from"], entry["to"]) for entry in scenario.group["exchange_rates"]}
            if (currency, other) in published and "rates_both_ways" not in scenario.features:
                continue
            for when in ("2025-12-01", "2026-01-20"):
                rate = published_rate(scenario, other, currency)
                entry = {"from": other, "to": currency, "date": when, "rate": rate}
                if scenario.has("rates_both_ways", 0.15):
                    entry = {"from": currency, "to": other, "date": when, "rate": str((1 / Decimal(rate)).quantize(Decimal("0.000001")))}
                if scenario.chance(0.2):
                    entry["company"] = scenario.rng.choice([n for n, c in scenario.currencies.items() if c == currency])
                if scenario.chance(0.04):
                    scenario.late.append({"id": scenario.name("X"), "type": "exchange-rate.published", **entry})
                else:
                    scenario.group["exchange_rates"].append(entry)


def published_rate(scenario: Scenario, one: str, other: str) -> str:
    """About what 1 unit of a currency is worth in another."""
    rate = RATES[one] / RATES[other] * (1 + Decimal(scenario.rng.randint(-5, 5)) / 100)
    return f"{Decimal(f'{rate:.2g}') if scenario.ties else rate.quantize(Decimal('0.00000001')):f}"


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
    if scenario.chance(0.1):
        group["closed_periods"] = {rng.choice(names): [{"from": "2026-01-10", "to": rng.choice(["2026-01-20", "2026-02-05"])}]}
    if "summary_accounts" in scenario.features and scenario.chance(0.2):
        _profiles(scenario, names)
    if scenario.chance(0.14):
        group["methods_of_payment"] = {name: rng.choice([["CHECK"], ["CHECK", "EFT"]]) for name in names}


def _profiles(scenario: Scenario, names: list[str]) -> None:
    for name in names:
        groups = {"groups": {"DOM": "1230"}} if scenario.chance(0.4) else {}
        general = {"receivable": {"all": "1210", "accounts": {"d1": "1220", "c2": "1240"}, **groups}, "payable": {"all": "2210"}}
        advance = {"receivable": {"all": "2410"}, "payable": {"all": "1450"}}
        profiles = {"GEN": general} if scenario.chance(0.35) else {"GEN": general, "ADV": advance}
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
            elif scenario.chance(0.93):
                scenario.group.setdefault("intercompany_accounting", {}).setdefault(one, {})[other] = entry


def make_trade(scenario: Scenario) -> None:
    names = list(scenario.currencies)
    seller = scenario.rng.choice([name for name in COMPANIES if name not in names])
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
        group["settlement_parameters"][seller] = {"receivable": parameters(scenario)}
    for other, value in RATES.items():
        if other != scenario.currencies[seller] and scenario.chance(0.8):
            rate = (value / RATES[scenario.currencies[seller]]).quantize(Decimal("0.000001"))
            group["exchange_rates"].append(
                {"company": seller, "from": other, "to": scenario.currencies[seller], "date": "2025-12-01", "rate": str(rate)}
            )
