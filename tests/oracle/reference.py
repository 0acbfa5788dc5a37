"""The reference data of a group, as it stands when something is looked up.

Invariant: a later definition replaces the earlier one of the same key; a withdrawal leaves what was there before any.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.money import number

Row = dict[str, Any]

LEDGERS = ("receivable", "payable")
DEFAULTS: Row = {
    "automatic_settlement": False,
    "settlement_priority": [],
    "cash_discounts_for_partial_payments": False,
    "cash_discounts_for_credit_notes": False,
    "cash_discount_administration": "specific",
    "maximum_penny_difference": "0.00",
    "maximum_overpayment_or_underpayment": "0.00",
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
    "exchange-rate.published": ("from", "to", "date"),
}
TYPES = {*WITHDRAWABLE, "company.defined", "party.defined", "period.closed", "period.opened"}


def day(value: Any) -> date:
    """A date of the contract."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def listed(value: Any) -> list[Any]:
    """What may be one or a list of them, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


class Reference:
    """Everything that masters publish."""

    def __init__(self) -> None:
        self.companies: dict[str, Row] = {}
        self.parties: dict[str, Row] = {}  # in the order of their definition, the last one last
        self.defined: dict[str, dict[tuple[Any, ...], Row]] = {name: {} for name in WITHDRAWABLE}
        self.periods: list[tuple[bool, str, date, date]] = []  # closed?, company, from, to

    def define(self, name: str, data: Row) -> None:
        """Takes a definition in."""
        if name == "company.defined":
            self.companies[data["company"]] = data
        elif name == "party.defined":
            self.parties.pop(data["party"], None)
            self.parties[data["party"]] = data
        elif name in {"period.closed", "period.opened"}:
            self.periods.append((name == "period.closed", data["company"], day(data["from"]), day(data["to"])))
        else:
            self.defined[name][self._key(name, data)] = data

    def withdraw(self, name: str, data: Row) -> None:
        """Takes a definition back; one that is not there is withdrawn already."""
        self.defined[name].pop(self._key(name, data), None)

    @staticmethod
    def _key(name: str, data: Row) -> tuple[Any, ...]:
        if name == "trading-relation.defined":
            return (data["seller"]["company"], data["seller"]["customer"], data["buyer"]["company"], data["buyer"]["vendor"])
        if name == "exchange-rate.published":
            return (data.get("company"), data["from"], data["to"], day(data["date"]))
        return tuple(data[field] for field in WITHDRAWABLE[name])

    # Companies and parties

    def currency(self, company: str) -> str:
        """The company's accounting currency."""
        return str(self.companies[company]["currency"])

    def chart(self, company: str, posting_type: str) -> str | None:
        """The main account of a posting type, the first one; None where the chart has none."""
        accounts = listed((self.companies[company].get("accounts") or {}).get(posting_type))
        return str(accounts[0]) if accounts else None

    def posting_type(self, company: str, account: str) -> str | None:
        """The posting type under which the chart lists a main account."""
        for posting_type, accounts in (self.companies[company].get("accounts") or {}).items():
            if account in map(str, listed(accounts)):
                return str(posting_type)
        return None

    def party(self, ledger: str, company: str, account: str) -> str | None:
        """The party that has the account: of several, the one defined last."""
        field = "customers" if ledger == "receivable" else "vendors"
        found = None
        for name, data in self.parties.items():
            if account in map(str, listed((data.get(field) or {}).get(company))):
                found = name
        return found

    def party_group(self, ledger: str, company: str, account: str) -> str | None:
        """The posting profile's group of the account's party."""
        party = self.party(ledger, company, account)
        field = "customer_groups" if ledger == "receivable" else "vendor_groups"
        return None if party is None else (self.parties[party].get(field) or {}).get(company)

    # Settings

    def parameter(self, company: str, ledger: str, name: str) -> Any:
        """A settlement parameter or its default."""
        value = self.defined["settlement-parameters.defined"].get((company, ledger), {}).get(name)
        return DEFAULTS[name] if value is None else value

    def limit(self, company: str, ledger: str, name: str) -> Fraction:
        """A tolerance in the company's accounting currency."""
        return number(self.parameter(company, ledger, name)) or Fraction(0)

    def option(self, name: str, ledger: str, company: str, partner: str) -> str:
        """`invoice` or `payment`: the intercompany accounting if it says so, else the centralized payments (the ledger's entry first)."""
        accounting = self.defined["intercompany-accounting.defined"].get((company, partner), {})
        central = self.defined["centralized-payments.defined"].get((company,), {})
        default = "invoice" if name == "post_cash_discount" else "payment"
        return str(accounting.get(name) or (central.get(ledger) or {}).get(name) or central.get(name) or default)

    def members(self) -> list[str] | None:
        """The companies that settle across; None: every company."""
        found = self.defined["centralized-payments-members.defined"].get(())
        return None if found is None else list(found["members"])

    def lacks_accounting(self, company: str, partner: str) -> bool:
        """Whether a group that defines intercompany accounting has none for this direction."""
        defined = self.defined["intercompany-accounting.defined"]
        return bool(defined) and (company, partner) not in defined

    def due(self, side: str, company: str, partner: str) -> str:
        """The account of `due_from` or `due_to` towards the partner."""
        entry = self.defined["intercompany-accounting.defined"].get((company, partner), {})
        return str(entry.get(side) or self.chart(company, side) or side)

    def profiles(self, company: str) -> set[str]:
        """The posting profiles that the company defines."""
        return {name for owner, name in self.defined["posting-profile.defined"] if owner == company}

    def summary_account(self, company: str, ledger: str, account: str, profile: str | None) -> str:
        """The main account of a party's account: the profile's account, group, all; else the chart's; else the posting type itself."""
        entry = self.defined["posting-profile.defined"].get((company, profile), {}).get(ledger) or {}
        posting_type = f"accounts_{ledger}"
        group = self.party_group(ledger, company, account)
        found = (entry.get("accounts") or {}).get(account) or (entry.get("groups") or {}).get(group) or entry.get("all")
        return str(found or self.chart(company, posting_type) or posting_type)

    def methods(self, company: str) -> list[str] | None:
        """The methods of payment; None where the company defines none."""
        found = self.defined["methods-of-payment.defined"].get((company,))
        return None if found is None else list(found["methods"])

    def closed(self, company: str, when: date) -> bool:
        """Whether the date is in a closed period: the last word on it counts."""
        state = False
        for closes, owner, first, last in self.periods:
            if owner == company and first <= when <= last:
                state = closes
        return state

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
            for pair, inverse in (((currency, into), False), ((into, currency), True)):
                found = self._latest(owner, pair, when)
                if found is not None:
                    return 1 / found if inverse else found
        return None

    def _latest(self, owner: str | None, pair: tuple[str, str], when: date) -> Fraction | None:
        rates = self.defined["exchange-rate.published"]
        dates = [on for company, *between, on in rates if company == owner and tuple(between) == pair and on <= when]
        return number(rates[(owner, *pair, max(dates))]["rate"]) if dates else None


def group_events(group: Row) -> list[tuple[str, Row]]:
    """The entities of a scenario's group as definitions, companies and parties last."""
    found: list[tuple[str, Row]] = []
    for company, ledgers in (group.get("settlement_parameters") or {}).items():
        for ledger, fields in (ledgers or {}).items():
            found.append(("settlement-parameters.defined", {"company": company, "ledger": ledger, **(fields or {})}))
    for company, partners in (group.get("intercompany_accounting") or {}).items():
        found += [("intercompany-accounting.defined", {"company": company, "partner": p, **(f or {})}) for p, f in partners.items()]
    for company, fields in (group.get("centralized_payments") or {}).items():
        found.append(("centralized-payments.defined", {"company": company, **(fields or {})}))
    if group.get("centralized_payments_members") is not None:
        found.append(("centralized-payments-members.defined", {"members": group["centralized_payments_members"]}))
    for company, profiles in (group.get("posting_profiles") or {}).items():
        found += [("posting-profile.defined", {"company": company, "posting_profile": p, **(f or {})}) for p, f in profiles.items()]
    for company, methods in (group.get("methods_of_payment") or {}).items():
        found.append(("methods-of-payment.defined", {"company": company, "methods": methods}))
    for company, journals in (group.get("payment_journals") or {}).items():
        found += [("payment-journal.defined", {"company": company, "journal": j, **(f or {})}) for j, f in journals.items()]
    found += [("trading-relation.defined", relation) for relation in group.get("trading") or []]
    found += [("exchange-rate.published", rate) for rate in group.get("exchange_rates") or []]
    for company, spans in (group.get("closed_periods") or {}).items():
        found += [("period.closed", {"company": company, **span}) for span in spans]
    found += [("company.defined", {"company": company, **(fields or {})}) for company, fields in (group.get("companies") or {}).items()]
    found += [("party.defined", {"party": party, **(fields or {})}) for party, fields in (group.get("parties") or {}).items()]
    return found
