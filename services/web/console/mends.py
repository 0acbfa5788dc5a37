"""What mends a wait: for each kind of missing thing the fields that define it, filled in as far as what is missing says.

Invariant: nothing is asked and nothing sent here. What a mend defines has the key that the API gives it (shared/events/reference.py), so
that it is written over the version that was shown and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from shared.events.reference import entity_key

Row = dict[str, Any]
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a mend: what stands in it first, and of which kind it is (text, date, decimal, or one of `choices`).

    `names`: what it names that has to be there already (party, customer, journal), unless it is said to be new.
    """

    name: str
    label: str
    value: str = ""
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    needed: bool = True
    fixed: bool = False
    names: str = ""


class Definition(NamedTuple):
    """An entity as it is to be: its key, the type of the event that defines it, and its data."""

    key: str
    type: str
    data: Row


@dataclass(frozen=True, slots=True)
class Mend:
    """How something that is missing is defined: what it is called, and its fields."""

    title: str
    fields: tuple[Field, ...]


ALL: Final = "all"
OWN: Final = "own"
YES: Final = "yes"
NO: Final = "no"


ADDED_TO: Final = frozenset({"account", "method-of-payment"})
"""What only gains something by a mend: nothing of what is there is replaced."""


def mend_of(reason: str, key: Values, closed: tuple[str, str] | None = None) -> Mend | None:
    """How what is waited for is defined; None: reference data do not mend it. `closed`: the closed period that the date is in."""
    if reason not in _TITLES or not all(key.get(name) for name in _NAMES[reason]):
        return None
    return Mend(_TITLES[reason], tuple(_fields(reason, key, closed)))


_NAMES: Final = {
    "company": ("company",),
    "account": ("company", "ledger", "account"),
    "exchange-rate": ("from", "to", "company"),
    "period": ("company", "date"),
    "intercompany-accounting": ("company", "partner"),
    "posting-profile": ("company", "posting_profile"),
    "method-of-payment": ("company", "method"),
    "trading-relation": ("seller", "buyer", "vendor"),
    "payment-journal": ("company", "journal"),
}
"""What the key of each says; of what is of companies out of scope less is told, and nothing can be defined."""
_TITLES: Final = {
    "company": "Define the company",
    "account": "Name the party of the account",
    "exchange-rate": "Publish the exchange rate",
    "period": "Open the period",
    "intercompany-accounting": "Set up the intercompany accounts",
    "posting-profile": "Define the posting profile",
    "method-of-payment": "Define the method of payment",
    "trading-relation": "Define the trading relation",
    "payment-journal": "Define the payment journal",
}


def _fixed(key: Values, *names: tuple[str, str]) -> list[Field]:
    return [Field(name, label, key.get(name, ""), fixed=True) for name, label in names]


def _fields(reason: str, key: Values, closed: tuple[str, str] | None) -> list[Field]:
    company = ("company", "Company")
    match reason:
        case "company":
            return [*_fixed(key, company), Field("name", "Name", needed=False), Field("currency", "Accounting currency")]
        case "account":
            known = _fixed(key, company, ("account", "Account"), ("ledger", "Ledger"))
            return [*known, Field("party", "Party", names="party"), Field("name", "Name of the party", needed=False)]
        case "exchange-rate":
            pair = _fixed(key, ("from", "1 unit of"), ("to", "in"))
            whose = (("all", "all companies"), (OWN, "{company} alone"))
            return [
                *pair,
                Field("date", "From this day on", key.get("date", ""), "date"),
                Field("rate", "Rate", kind="decimal"),
                Field("for", "For", ALL, "choice", whose),
            ]
        case "period":
            first, last = closed or (key.get("date", ""), key.get("date", ""))
            return [*_fixed(key, company), Field("from", "First day", first, "date"), Field("to", "Last day", last, "date")]
        case _:
            return _more_fields(reason, key)


def _more_fields(reason: str, key: Values) -> list[Field]:
    company = ("company", "Company")
    match reason:
        case "intercompany-accounting":
            accounts = [Field("due_from", "Account for due from", needed=False), Field("due_to", "Account for due to", needed=False)]
            return [*_fixed(key, company, ("partner", "Partner")), *accounts]
        case "posting-profile":
            accounts = [
                Field("receivable", "Summary account, customers", needed=False),
                Field("payable", "Summary account, vendors", needed=False),
            ]
            return [*_fixed(key, company, ("posting_profile", "Posting profile")), *accounts]
        case "method-of-payment":
            return _fixed(key, company, ("method", "Method of payment"))
        case "trading-relation":
            parties = _fixed(key, ("seller", "Seller"), ("buyer", "Buyer"), ("vendor", "The seller's vendor account with the buyer"))
            how = Field("post", "Post the mirrored payment", NO, "choice", ((NO, "once it is approved"), (YES, "at once")))
            return [
                *parties,
                Field("customer", "The buyer's customer account with the seller", names="customer"),
                Field("journal", "Payment journal of the seller", names="journal"),
                how,
            ]
        case _:
            return [*_fixed(key, company, ("journal", "Payment journal")), Field("offset", "Offset account", "cash")]


# What is defined


def key_of(reason: str, values: Values) -> str:
    """The key of what a mend defines."""
    kind, names = _KEYS[reason]
    own = {**values, "company": ""} if values.get("for") == ALL else values
    return entity_key(kind, *(own.get(name, "") for name in names))


_KEYS: Final = {
    "company": ("company", ("company",)),
    "account": ("party", ("party",)),
    "exchange-rate": ("exchange-rate", ("company", "from", "to", "date")),
    "period": ("period", ("company", "from", "to")),
    "intercompany-accounting": ("intercompany-accounting", ("company", "partner")),
    "posting-profile": ("posting-profile", ("company", "posting_profile")),
    "method-of-payment": ("methods-of-payment", ("company",)),
    "trading-relation": ("trading-relation", ("seller", "customer", "buyer", "vendor")),
    "payment-journal": ("payment-journal", ("company", "journal")),
}


def definition_of(reason: str, values: Values, in_force: Row | None) -> Definition:
    """The entity as it is to be; `in_force`: the data of what is there under its key, to which the missing part is added."""
    type_, data = _DATA[reason]
    given = {name: value for name, value in values.items() if value}
    return Definition(key_of(reason, values), type_, data(given, in_force or {}))


def _only(*names: str) -> Callable[[Values, Row], Row]:
    """What is there, with these fields as they are given."""
    return lambda given, in_force: {**in_force, **{name: given[name] for name in names if name in given}}


def _rate(given: Values, _: Row) -> Row:
    own = ("company",) if given.get("for") == OWN else ()
    return _only("from", "to", "date", "rate", *own)(given, {})


def _period(given: Values, _: Row) -> Row:
    return _only("company", "from", "to")(given, {})


def _party(given: Values, in_force: Row) -> Row:
    """The party with the account beside those that it has; the name is that of a new one, whoever is there keeps theirs."""
    side = "customers" if given.get("ledger") == "receivable" else "vendors"
    company, accounts = given.get("company", ""), dict(in_force.get(side, {}))
    accounts[company] = list(dict.fromkeys([*accounts.get(company, ()), given.get("account", "")]))
    name = () if in_force else ("name",)
    return {**_only("party", *name)(given, in_force), side: accounts}


def _profile(given: Values, in_force: Row) -> Row:
    accounts: Row = {name: {"all": given[name]} for name in ("receivable", "payable") if name in given}
    return {**_only("company", "posting_profile")(given, in_force), **accounts}


def _methods(given: Values, in_force: Row) -> Row:
    """The methods that the company has, and this one."""
    methods = list(dict.fromkeys([*in_force.get("methods", ()), given.get("method", "")]))
    return {**_only("company")(given, {}), "methods": methods}


def _relation(given: Values, _: Row) -> Row:
    return {
        "seller": {"company": given.get("seller", ""), "customer": given.get("customer", "")},
        "buyer": {"company": given.get("buyer", ""), "vendor": given.get("vendor", "")},
        "payment_journal": given.get("journal", ""),
        "post_automatically": given.get("post") == YES,
    }


_DATA: Final[dict[str, tuple[str, Callable[[Values, Row], Row]]]] = {
    "company": ("company.defined", _only("company", "name", "currency")),
    "account": ("party.defined", _party),
    "exchange-rate": ("exchange-rate.published", _rate),
    "period": ("period.opened", _period),
    "intercompany-accounting": ("intercompany-accounting.defined", _only("company", "partner", "due_from", "due_to")),
    "posting-profile": ("posting-profile.defined", _profile),
    "method-of-payment": ("methods-of-payment.defined", _methods),
    "trading-relation": ("trading-relation.defined", _relation),
    "payment-journal": ("payment-journal.defined", _only("company", "journal", "offset")),
}
