"""Amounts with the one rounding of the rules, and the reference data of a group as it stands when something is looked up.

Invariant: an amount is an exact fraction until `rounded` makes it a number of its currency's minor units; a later definition
replaces the earlier one of the same key, a withdrawal leaves what was there before any.
"""

import re
from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.currencies import DIGITS

ZERO = Fraction(0)
Row = dict[str, Any]
Key = tuple[str, str, str]  # of a document: ledger, company, number

PARTIES = (("customer", "receivable"), ("vendor", "payable"))
LEDGERS = tuple(ledger for _, ledger in PARTIES)
DEFAULTS: Row = {
    "cash_discount_administration": "specific",
    "over_under_policy": "classic",
    "cash_discount_base": "net_of_sales_tax",
    "cash_discount_rate": "invoice_date",
    "tax_on_cash_discount": "unchanged",
}
WITHDRAWABLE = {  # the event's type -> the fields of its key
    "intercompany-accounting.defined": ("company", "partner"),
    "settlement-parameters.defined": ("company", "ledger"),
    "posting-profile.defined": ("company", "posting_profile"),
    "methods-of-payment.defined": ("company",),
    "payment-journal.defined": ("company", "journal"),
    "trading-relation.defined": ("seller", "buyer"),
    "centralized-payments.defined": ("company",),
    "centralized-payments-members.defined": (),
    "exchange-rate.published": ("company", "from", "to", "date"),
}
TYPES = {*WITHDRAWABLE, "company.defined", "party.defined", "period.closed", "period.opened"}


def day(value: Any) -> date:
    """A date of the contract."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def listed(value: Any) -> list[str]:
    """What may be one or a list of them, as a list."""
    return [str(each) for each in (value if isinstance(value, list) else [] if value is None else [value])]


def rounded(amount: Fraction, currency: str) -> Fraction:
    """The amount in whole minor units of its currency, half up (a negative amount like its positive)."""
    unit = 10 ** DIGITS[currency]
    whole = (abs(amount) * unit * 2 + 1) // 2
    return Fraction(whole if amount >= 0 else -whole, unit)


def total(amounts: Iterable[Fraction]) -> Fraction:
    """A sum of amounts; of none it is 0."""
    return sum(amounts, ZERO)


def text(amount: Fraction, currency: str) -> str:
    """The amount as a decimal string with its currency's digits; there is no negative zero."""
    digits, units = DIGITS[currency], int(rounded(amount, currency) * 10 ** DIGITS[currency])
    whole, point = divmod(abs(units), 10**digits)
    return f"{'-' if units < 0 else ''}{whole}" + (f".{point:0{digits}d}" if digits else "")


def number(value: Any) -> Fraction | None:
    """A decimal string as a number; None if it is none."""
    return Fraction(value.strip()) if isinstance(value, str) and re.match(r"^-?\d+(\.\d+)?$", value.strip()) else None


class Reference:
    """Everything that masters publish."""

    def __init__(self) -> None:
        self.companies: dict[str, Row] = {}
        self.parties: dict[str, Row] = {}  # in the order of their definition, the last one last
        self.periods: list[Row] = []
        self.defined: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in WITHDRAWABLE}

    def define(self, name: str, data: Row) -> None:
        """Takes a definition in."""
        if name == "company.defined":
            self.companies[data["company"]] = data
        elif name == "party.defined":
            self.parties.pop(data["party"], None)
            self.parties[data["party"]] = data
        elif name.startswith("period."):
            self.periods.append({**data, "closed": name == "period.closed"})
        else:
            self.defined[name][self._key(name, data)] = data

    def withdraw(self, name: str, data: Row) -> None:
        """Takes a definition back; one that is not there is withdrawn already."""
        self.defined[name].pop(self._key(name, data), None)

    @staticmethod
    def _key(name: str, data: Row) -> tuple[Any, ...]:
        key = [data.get(field) for field in WITHDRAWABLE[name]]
        sides = [[each[side] for side in sorted(each)] if isinstance(each, dict) else [each] for each in key]
        return tuple(part and str(part) for side in sides for part in side)

    def get(self, name: str, *key: Any) -> Row:
        """What is defined under the key; empty where nothing is."""
        return self.defined[name].get(key) or {}

    # Companies and parties

    def currency(self, company: str) -> str:
        """The company's accounting currency."""
        return str(self.companies[company]["currency"])

    def chart(self, company: str, posting_type: str) -> str | None:
        """The main account of a posting type, the first one; None where the chart has none."""
        return next(iter(listed((self.companies[company].get("accounts") or {}).get(posting_type))), None)

    def posting_type(self, company: str, account: str) -> str | None:
        """The posting type under which the chart lists a main account."""
        chart = self.companies[company].get("accounts") or {}
        return next((posting_type for posting_type, accounts in chart.items() if account in listed(accounts)), None)

    def party(self, ledger: str, company: str, account: str) -> str | None:
        """The party that has the account: of several, the one defined last."""
        field = "customers" if ledger == "receivable" else "vendors"
        having = [name for name, data in self.parties.items() if account in listed((data.get(field) or {}).get(company))]
        return having[-1] if having else None

    def summary_account(self, company: str, ledger: str, account: str, profile: str | None) -> str:
        """The main account of a party's account: the profile's for the account, group, all; else the chart's; else the posting type."""
        entry = self.get("posting-profile.defined", company, profile).get(ledger) or {}
        field = "customer_groups" if ledger == "receivable" else "vendor_groups"
        group = (self.parties[self.party(ledger, company, account) or ""].get(field) or {}).get(company)
        found = (entry.get("accounts") or {}).get(account) or (entry.get("groups") or {}).get(group) or entry.get("all")
        return str(found or self.chart(company, f"accounts_{ledger}") or f"accounts_{ledger}")

    # Settings

    def parameter(self, company: str, ledger: str, name: str) -> Any:
        """A settlement parameter or its default."""
        value = self.get("settlement-parameters.defined", company, ledger).get(name)
        return DEFAULTS.get(name) if value is None else value

    def option(self, name: str, ledger: str, company: str, partner: str) -> str:
        """`invoice` or `payment`: the intercompany accounting if it says so, else the centralized payments (the ledger's entry first)."""
        central = self.get("centralized-payments.defined", company)
        places = (self.get("intercompany-accounting.defined", company, partner), central.get(ledger) or {}, central)
        default = "invoice" if name == "post_cash_discount" else "payment"
        return next((str(place[name]) for place in places if place.get(name)), default)

    def relation(self, seller: str, buyer: str, vendor: str) -> Row | None:
        """The trading relation between a seller and a buyer's vendor account."""
        relations = self.defined["trading-relation.defined"].items()
        return next((data for key, data in relations if (key[0], key[2], key[3]) == (seller, buyer, vendor)), None)

    def lacks_accounting(self, company: str, partner: str) -> bool:
        """Whether a group that defines intercompany accounting has none for this direction."""
        defined = self.defined["intercompany-accounting.defined"]
        return company != partner and bool(defined) and (company, partner) not in defined

    def lacks_id(self, event: str, company: str, said: str) -> bool:
        """Whether a company that defines posting profiles, or methods of payment, has none of this id."""
        entries = [(key, data) for key, data in self.defined[event].items() if key[0] == company]
        return bool(entries) and not any(said in data.get("methods", key) for key, data in entries)

    def closed(self, company: str, when: date) -> bool:
        """Whether the date is in a closed period: the last word on it counts."""
        said = [each for each in self.periods if each["company"] == company and day(each["from"]) <= when <= day(each["to"])]
        return bool(said) and bool(said[-1]["closed"])

    # Rates

    def rate(self, company: str, currency: str, when: date) -> Fraction | None:
        """1 unit of the currency in the company's own: its direct, its inverse, the general direct, the general inverse."""
        return self.between(company, currency, self.currency(company), when)

    def between(self, company: str, currency: str, into: str, when: date) -> Fraction | None:
        """1 unit of a currency in another, as the company publishes it; into its own it is the company's rate of the currency."""
        if currency == into:
            return Fraction(1)
        if currency == self.currency(company):
            back = self.between(company, into, currency, when)
            return None if back is None else 1 / back
        for owner in (company, None):
            direct, inverse = self._published(company, owner, currency, into, when), self._published(company, owner, into, currency, when)
            if direct or inverse:
                return direct or 1 / (inverse or ZERO)
        return None

    def _published(self, company: str, owner: str | None, currency: str, into: str, when: date) -> Fraction | None:
        """The latest on or before the date, unless it is older than the company allows."""
        rates, most = self.defined["exchange-rate.published"], self.companies[company].get("maximum_rate_age_days")
        dates = [day(key[3]) for key in rates if key[:3] == (owner, currency, into) and day(key[3]) <= when]
        if not dates or (most is not None and (when - max(dates)).days > most):
            return None
        return number(rates[owner, currency, into, max(dates).isoformat()]["rate"])
