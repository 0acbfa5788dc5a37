"""The reference data of a group: companies, parties, intercompany accounting, parameters, rates, periods, trading.

In go the reference events of events.md, one by one in their order (`take`); out come the answers the cores ask for.

Invariant: a later event replaces the earlier one of the same key, a withdrawal leaves nothing of it; of several parties
that name an account, the one defined last has it; nothing here is ever guessed: what is not defined is None, and the core
that needs it waits for it by name. Taking events costs no more than their number, however many there are of one key.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

from shared.events import reference as events
from shared.events.values import Ledger

RECEIVABLE: Final = "receivable"
PAYABLE: Final = "payable"
SUMMARY_TYPE: Final = {RECEIVABLE: "accounts_receivable", PAYABLE: "accounts_payable"}


class AccountKey(NamedTuple):
    """A customer or vendor account in a company."""

    ledger: str
    company: str
    account: str


class Reference:
    """What is defined by now. `take` changes it in place; `copy` first where the change may have to be undone."""

    def __init__(self) -> None:
        self.companies: dict[str, events.CompanyDefined] = {}
        self.parties: dict[str, events.PartyDefined] = {}
        self.party_of: dict[tuple[str, str, str], str] = {}
        self._named_by: dict[AccountKey, tuple[str, ...]] = {}
        self._own_rates: set[tuple[str | None, str, str]] = set()
        self.group_of: dict[AccountKey, str] = {}
        self.members: frozenset[str] | None = None
        self.centralized_payments: dict[str, events.CentralizedPaymentsDefined] = {}
        self.intercompany: dict[tuple[str, str], events.IntercompanyAccountingDefined] = {}
        self.settlement_parameters: dict[tuple[str, str], events.SettlementParametersDefined] = {}
        self.posting_profiles: dict[str, dict[str, events.PostingProfileDefined]] = {}
        self.methods: dict[str, frozenset[str]] = {}
        self.payment_journals: dict[tuple[str, str], events.PaymentJournalDefined] = {}
        self.trading: dict[tuple[str, str, str], events.TradingRelationDefined] = {}
        self._relations: dict[tuple[str, str, str], tuple[events.TradingRelationDefined, ...]] = {}
        self.rates: dict[tuple[str | None, str, str], list[tuple[date, Fraction]]] = {}
        self.senders: dict[str, events.SenderDefined] = {}
        self.periods: dict[str, tuple[events.PeriodClosed | events.PeriodOpened, ...]] = {}

    def copy(self) -> Reference:
        """The same reference data, to be changed apart from this one."""
        other = Reference()
        for name, value in vars(self).items():
            setattr(other, name, dict(value) if isinstance(value, dict) else value)
        self._own_rates, other._own_rates = set(), set()  # the lists are shared now: who adds a rate makes one of its own
        return other

    # What comes in

    def contradiction(self, data: Any) -> tuple[str, str] | None:
        """What of a reference event contradicts what is defined (JSON pointer, message): it is not to be taken.

        The currency of a company never changes: its books are kept in it.
        """
        known = self.companies.get(data.company) if isinstance(data, events.CompanyDefined) else None
        if known is None or known.currency == data.currency:
            return None
        problem = f"{data.company} keeps its books in {known.currency}: with {data.currency} it is a new company, under a code of its own"
        return "/currency", problem

    def take(self, data: Any) -> None:
        """Folds one typed reference event (shared.events.reference); TypeError if it is not one."""
        fold = _FOLDS.get(type(data))
        if fold is None:
            msg = f"{type(data).__name__} is not a reference event"
            raise TypeError(msg)
        fold(self, data)

    def _take_company(self, data: events.CompanyDefined) -> None:
        self.companies[data.company] = data

    def _take_party(self, data: events.PartyDefined) -> None:
        before = self.parties.get(data.party)
        keys = _accounts(before) if before is not None else []
        for key in keys:
            self._named_by[key] = tuple(party for party in self._named_by[key] if party != data.party)
        self.parties[data.party] = data
        for key in (named := _accounts(data)):
            self._named_by[key] = (*(party for party in self._named_by.get(key, ()) if party != data.party), data.party)
        for key in {*keys, *named}:
            self._give(key)

    def _give(self, key: AccountKey) -> None:
        """An account to the party that named it last, with the group it has there; to none if no party names it."""
        self.party_of.pop(key, None)
        self.group_of.pop(key, None)
        names = self._named_by[key]
        if not names:
            del self._named_by[key]
            return
        self.party_of[key] = names[-1]
        party = self.parties[names[-1]]
        group = (party.customer_groups if key.ledger == RECEIVABLE else party.vendor_groups).get(key.company)
        if group is not None:
            self.group_of[key] = group

    def _take_members(self, data: events.CentralizedPaymentsMembersDefined) -> None:
        self.members = frozenset(data.members)

    def _take_centralized_payments(self, data: events.CentralizedPaymentsDefined) -> None:
        self.centralized_payments[data.company] = data

    def _take_intercompany(self, data: events.IntercompanyAccountingDefined) -> None:
        self.intercompany[data.company, data.partner] = data

    def _take_parameters(self, data: events.SettlementParametersDefined) -> None:
        self.settlement_parameters[data.company, data.ledger] = data

    def _take_profile(self, data: events.PostingProfileDefined) -> None:
        self.posting_profiles[data.company] = {**self.posting_profiles.get(data.company, {}), data.posting_profile: data}

    def _take_methods(self, data: events.MethodsOfPaymentDefined) -> None:
        self.methods[data.company] = frozenset(data.methods)

    def _take_payment_journal(self, data: events.PaymentJournalDefined) -> None:
        self.payment_journals[data.company, data.journal] = data

    def _take_trading(self, data: events.TradingRelationDefined) -> None:
        self._relate(data, (data,))

    def _take_rate(self, data: events.ExchangeRatePublished) -> None:
        rates = self._rates_of((data.company, data.from_, data.to))
        place = bisect_left(rates, data.date, key=_day)
        replaced = place < len(rates) and _day(rates[place]) == data.date
        rates[place : place + replaced] = [(data.date, Fraction(data.rate))]

    def _rates_of(self, key: tuple[str | None, str, str]) -> list[tuple[date, Fraction]]:
        """The rates of a pair, by date, in a list that no copy shares."""
        if key not in self._own_rates:
            self.rates[key] = list(self.rates.get(key, ()))
            self._own_rates.add(key)
        return self.rates[key]

    def _take_period(self, data: events.PeriodClosed | events.PeriodOpened) -> None:
        same = [period for period in self.periods.get(data.company, ()) if (period.from_, period.to) != (data.from_, data.to)]
        self.periods[data.company] = (*same, data)

    def _take_sender(self, data: events.SenderDefined) -> None:
        self.senders[data.sender] = data

    def _relate(self, data: Any, new: tuple[events.TradingRelationDefined, ...]) -> None:
        """Puts `new` in the place of the relation with the same seller and buyer; of several customers the last one counts."""
        key = _relation(data)
        others = (each for each in self._relations.get(key, ()) if each.seller.customer != data.seller.customer)
        self._relations[key] = (*others, *new)
        self.trading.pop(key, None)
        if self._relations[key]:
            self.trading[key] = self._relations[key][-1]

    def _take_withdrawal(self, data: events.ReferenceWithdrawn) -> None:
        if data.event == "centralized-payments-members.defined":
            self.members = None
        elif data.event == "exchange-rate.published":
            rates = self._rates_of((data.company, str(data.from_), str(data.to)))
            rates[:] = [rate for rate in rates if _day(rate) != data.date]
        elif data.event == "trading-relation.defined":
            self._relate(data, ())
        elif data.event == "posting-profile.defined":
            profiles = self.posting_profiles.get(str(data.company), {})
            self.posting_profiles[str(data.company)] = {name: each for name, each in profiles.items() if name != data.posting_profile}
        else:
            table, key = _WITHDRAWN[data.event](self, data)
            table.pop(key, None)

    # What is asked

    def sender(self, name: str) -> events.SenderDefined | None:
        """For whom a sender speaks, as an operator has defined it."""
        return self.senders.get(name)

    def company(self, code: str) -> events.CompanyDefined | None:
        """The legal entity of this code."""
        return self.companies.get(code)

    def currency(self, company: str) -> str:
        """The accounting currency of a company that is defined."""
        return self.companies[company].currency

    def party(self, ledger: str, company: str, account: str) -> str | None:
        """The party behind a customer (receivable) or vendor (payable) account of a company (F-A04)."""
        return self.party_of.get((ledger, company, account))

    def main_account(self, company: str, posting_type: str) -> str:
        """The main account of a posting type in the company's chart, the first of several; without one it stands for itself."""
        entry = self.companies.get(company)
        listed = entry.accounts.get(posting_type) if entry is not None else None
        return listed[0] if listed else posting_type

    def summary_account(self, key: AccountKey, profile: str | None) -> str:
        """The receivable or payable account: by the posting profile, account before group before all (F-A16), else the chart."""
        defined = self.posting_profiles.get(key.company, {}).get(profile) if profile is not None else None
        entry = (defined.receivable if key.ledger == RECEIVABLE else defined.payable) if defined is not None else None
        found: str | None = None
        if entry is not None:
            found = entry.accounts.get(key.account) or entry.groups.get(self.group_of.get(key, "")) or entry.all
        return found or self.main_account(key.company, SUMMARY_TYPE[key.ledger])

    def parameters(self, company: str, ledger: Ledger) -> events.SettlementParametersDefined:
        """The settlement parameters of a company and ledger, the defaults where none are defined."""
        return self.settlement_parameters.get((company, ledger)) or _default_parameters(company, ledger)

    def has_intercompany_accounting(self, company: str, partner: str) -> bool:
        """Whether `company` may post towards `partner`: the pair is defined, or the group defines none at all (F-A08)."""
        return not self.intercompany or (company, partner) in self.intercompany

    def intercompany_account(self, company: str, partner: str, posting_type: str) -> str:
        """The `due_from` or `due_to` main account in the books of `company` towards `partner`, else the posting type."""
        entry = self.intercompany.get((company, partner))
        own = getattr(entry, posting_type) if entry is not None else None
        return own or self.main_account(company, posting_type)

    def posting_option(self, option: str, ledger: str, payer: str, partner: str) -> str | None:
        """`post_cash_discount` or `post_exchange_gain_or_loss` of the originating company towards the other company.

        Its intercompany accounting if that says so, else its centralized payments, the ledger's own entry first; None: default.
        """
        pair = self.intercompany.get((payer, partner))
        central = self.centralized_payments.get(payer)
        own = (central.receivable if ledger == RECEIVABLE else central.payable) if central is not None else None
        for entry in (pair, own, central):
            value: str | None = getattr(entry, option) if entry is not None else None
            if value is not None:
                return value
        return None

    def rate(self, company: str, from_: str, to: str, on: date) -> Fraction | None:
        """Published: 1 `from_` in `to` for a company on a date, the latest on or before it.

        The company's direct, the company's inverse, the general direct, the general inverse, in this order; one that is older
        than the company's `maximum_rate_age_days` is none. From its own currency it is the inverse of its rate into it, so
        that both ways are the same.
        """
        if from_ == to:
            return Fraction(1)
        entity = self.companies.get(company)
        if entity is not None and entity.currency == from_:
            back = self.rate(company, to, from_, on)
            return None if back is None else 1 / back
        oldest = None if entity is None else _oldest(on, entity.maximum_rate_age_days)
        for owner in (company, None):
            direct = _latest(self.rates.get((owner, from_, to)), on, oldest)
            if direct is not None:
                return direct
            inverse = _latest(self.rates.get((owner, to, from_)), on, oldest)
            if inverse is not None:
                return 1 / inverse
        return None

    def is_closed(self, company: str, on: date) -> bool:
        """Whether a date lies in a closed period of the company: the last word on that date counts."""
        for period in reversed(self.periods.get(company, ())):
            if period.from_ <= on <= period.to:
                return isinstance(period, events.PeriodClosed)
        return False


@lru_cache(maxsize=4096)
def _default_parameters(company: str, ledger: Ledger) -> events.SettlementParametersDefined:
    return events.SettlementParametersDefined(company=company, ledger=ledger)


def _accounts(party: events.PartyDefined) -> list[AccountKey]:
    return [
        AccountKey(ledger, company, account)
        for ledger, lists in ((RECEIVABLE, party.customers), (PAYABLE, party.vendors))
        for company, accounts in lists.items()
        for account in accounts
    ]


def _day(rate: tuple[date, Fraction]) -> date:
    return rate[0]


def _oldest(on: date, days: int | None) -> date | None:
    """The first date of a rate that still counts; None: every one does."""
    return None if days is None else date.fromordinal(max(on.toordinal() - days, date.min.toordinal()))


def _latest(rates: list[tuple[date, Fraction]] | None, on: date, oldest: date | None) -> Fraction | None:
    if not rates:
        return None
    position = bisect_right(rates, on, key=_day)
    if not position or (oldest is not None and _day(rates[position - 1]) < oldest):
        return None
    return rates[position - 1][1]


def as_fraction(rate: Decimal) -> Fraction:
    """A rate as the exact fraction it is."""
    return Fraction(rate)


_WITHDRAWN: Final[dict[str, Callable[[Reference, events.ReferenceWithdrawn], tuple[dict[Any, Any], Any]]]] = {
    "intercompany-accounting.defined": lambda reference, data: (reference.intercompany, (data.company, data.partner)),
    "settlement-parameters.defined": lambda reference, data: (reference.settlement_parameters, (data.company, data.ledger)),
    "methods-of-payment.defined": lambda reference, data: (reference.methods, data.company),
    "payment-journal.defined": lambda reference, data: (reference.payment_journals, (data.company, data.journal)),
    "centralized-payments.defined": lambda reference, data: (reference.centralized_payments, data.company),
    "sender.defined": lambda reference, data: (reference.senders, data.sender),
}
"""Where the entity that is withdrawn stands: its table, and its key there."""


def _relation(data: Any) -> tuple[str, str, str]:
    return (data.seller.company, data.buyer.company, data.buyer.vendor)


_FOLDS: Final[dict[type, Any]] = {
    events.CompanyDefined: Reference._take_company,  # noqa: SLF001 - the table of this class's own folds
    events.PartyDefined: Reference._take_party,  # noqa: SLF001
    events.CentralizedPaymentsMembersDefined: Reference._take_members,  # noqa: SLF001
    events.CentralizedPaymentsDefined: Reference._take_centralized_payments,  # noqa: SLF001
    events.IntercompanyAccountingDefined: Reference._take_intercompany,  # noqa: SLF001
    events.SettlementParametersDefined: Reference._take_parameters,  # noqa: SLF001
    events.PostingProfileDefined: Reference._take_profile,  # noqa: SLF001
    events.MethodsOfPaymentDefined: Reference._take_methods,  # noqa: SLF001
    events.PaymentJournalDefined: Reference._take_payment_journal,  # noqa: SLF001
    events.TradingRelationDefined: Reference._take_trading,  # noqa: SLF001
    events.ExchangeRatePublished: Reference._take_rate,  # noqa: SLF001
    events.PeriodClosed: Reference._take_period,  # noqa: SLF001
    events.PeriodOpened: Reference._take_period,  # noqa: SLF001
    events.SenderDefined: Reference._take_sender,  # noqa: SLF001
    events.ReferenceWithdrawn: Reference._take_withdrawal,  # noqa: SLF001
}
