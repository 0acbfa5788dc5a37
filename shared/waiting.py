"""What is waited for of the reference data: the reason, the missing thing as it is shown, and what wakes it (events.md).

A row of the table "waits for" is one function here that gives both halves: `Need.reason` and `Need.key` are shown,
`Need.wake_key` is looked for when something arrives. The functions named `…_key` are that other half, and `woken_by`
says by the same functions what a reference event wakes, so that the two cannot differ. A service adds what it alone waits for.

Invariant: a wake key of reference data is made in this file alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from shared.events import reference
from shared.events.envelope import EventRef
from shared.events.vouchers import EventWaiting
from shared.money import CURRENCIES

WakeKey = tuple[str, ...]
"""What has arrived, as what waits for it is found."""


class Need(NamedTuple):
    """What something waits for: the word of events.md, the missing thing as it is shown, and what wakes it."""

    reason: str
    key: dict[str, str]
    wake_key: WakeKey


class WaitingRow(NamedTuple):
    """What others read of something that waits, without the message that it waits in: the columns that a list shows.

    `since` and `sequence` are its place among all that a service has waiting; `what`: a document, a run, a reversal, an approval …
    """

    event: EventRef
    reason: str
    key: dict[str, str]
    since: dt.datetime
    sequence: int
    what: str


def detail(**key: Any) -> dict[str, str]:
    """The missing thing of a wait as an object of texts."""
    return {name: str(value) for name, value in key.items() if value is not None}


OF_DOCUMENTS: Final = ("company", "account", "exchange-rate", "period")
OF_SETTLEMENTS: Final = (
    *("document", "reservation", "account", "intercompany-accounting", "exchange-rate"),
    *("posting-profile", "method-of-payment", "period"),
)
OF_SALES_PAYMENTS: Final = ("trading-relation", "payment-journal")
"""The rows of the table: what holds back a document, a settlement, reversal or approval, a sales payment journal."""


def rank(reason: str, *, of_document: bool) -> tuple[int, int]:
    """The place of a reason in the table; `of_document`: a document (of a sales payment, too) is held back, not a settlement."""
    if of_document and reason in OF_DOCUMENTS:
        return 0, OF_DOCUMENTS.index(reason)
    return (1, OF_SETTLEMENTS.index(reason)) if reason in OF_SETTLEMENTS else (2, OF_SALES_PAYMENTS.index(reason))


def first_of_each(waits: Iterable[tuple[tuple[int, ...], EventWaiting]]) -> list[EventWaiting]:
    """Each event once, with the first in rank of what it waits for; what has waited longest comes first."""
    first: dict[tuple[str, str], EventWaiting] = {}
    for _, wait in sorted(waits, key=lambda each: each[0]):
        first.setdefault((wait.source, wait.event), wait)
    return sorted(first.values(), key=lambda wait: wait.since)


# What wakes


def company_key(company: str) -> WakeKey:
    """A company is defined."""
    return ("company", company)


def account_key(ledger: str, company: str, account: str) -> WakeKey:
    """A party names this customer or vendor account."""
    return ("account", ledger, company, account)


def exchange_rate_key(one: str, other: str) -> WakeKey:
    """A rate between two currencies is published, in either direction."""
    return ("exchange-rate", *sorted((one, other)))


def period_key(company: str) -> WakeKey:
    """A period of the company is opened."""
    return ("period", company)


def intercompany_accounting_key(company: str, partner: str) -> WakeKey:
    """The accounts in the books of one company towards the other are defined."""
    return ("intercompany-accounting", company, partner)


def posting_profile_key(company: str, profile: str) -> WakeKey:
    """The company defines a posting profile of this id."""
    return ("posting-profile", company, profile)


def method_of_payment_key(company: str, method: str) -> WakeKey:
    """The company defines this method of payment."""
    return ("method-of-payment", company, method)


def trading_relation_key(seller: str, buyer: str, vendor: str) -> WakeKey:
    """It is defined who sells to the buyer's vendor account."""
    return ("trading-relation", seller, buyer, vendor)


def payment_journal_key(company: str, journal: str) -> WakeKey:
    """The payment journal of the company is defined."""
    return ("payment-journal", company, journal)


# What is waited for, in the order of the table


def for_company(company: str) -> Need:
    """The company of a document is not defined."""
    return Need("company", detail(company=company), company_key(company))


def for_account(ledger: str, company: str, account: str) -> Need:
    """No party names the account."""
    return Need("account", detail(company=company, ledger=ledger, account=account), account_key(ledger, company, account))


def for_exchange_rate(company: str, from_: str, to: str, on: dt.date) -> Need:
    """No rate is published on or before the date that is not too old for the company."""
    return Need("exchange-rate", detail(company=company, **{"from": from_, "to": to}, date=on), exchange_rate_key(from_, to))


def for_period(company: str, on: dt.date) -> Need:
    """The date is in a closed period of the company (C41)."""
    return Need("period", detail(company=company, date=on.isoformat()), period_key(company))


def for_intercompany_accounting(company: str, partner: str) -> Need:
    """The accounts in the books of one company towards the other are not defined (F-A08)."""
    key = detail(company=company, partner=partner)
    return Need("intercompany-accounting", key, intercompany_accounting_key(company, partner))


def for_posting_profile(company: str, profile: str) -> Need:
    """The company defines posting profiles, and not this one (F-A05)."""
    return Need("posting-profile", detail(company=company, posting_profile=profile), posting_profile_key(company, profile))


def for_method_of_payment(company: str, method: str) -> Need:
    """The company defines methods of payment, and not this one (F-A06)."""
    return Need("method-of-payment", detail(company=company, method=method), method_of_payment_key(company, method))


def for_trading_relation(seller: str, buyer: str, vendor: str) -> Need:
    """It is not defined who sells to the buyer's vendor account (F-G03)."""
    return Need("trading-relation", detail(seller=seller, buyer=buyer, vendor=vendor), trading_relation_key(seller, buyer, vendor))


def for_payment_journal(company: str, journal: str) -> Need:
    """The payment journal of a trading relation is not defined."""
    return Need("payment-journal", detail(company=company, journal=journal), payment_journal_key(company, journal))


# What reference data wakes


def woken_by(data: Any) -> Iterable[WakeKey]:
    """The keys that a reference event wakes."""
    wakes = _WOKEN_BY.get(type(data))
    return wakes(data) if wakes is not None else ()


def _woken_by_company(data: reference.CompanyDefined) -> Iterable[WakeKey]:
    """What waits for the company, and for a rate of it: how old its rates may be is the company's to say."""
    yield company_key(data.company)
    yield from (exchange_rate_key(data.currency, other) for other in CURRENCIES if other != data.currency)


def _woken_by_party(data: reference.PartyDefined) -> Iterable[WakeKey]:
    for ledger, accounts in (("receivable", data.customers), ("payable", data.vendors)):
        for company, named in accounts.items():
            yield from (account_key(ledger, company, account) for account in named)


def _woken_by_withdrawal(data: reference.ReferenceWithdrawn) -> Iterable[WakeKey]:
    """A sales payment journal that waits for something else waits for its relation again once that is withdrawn."""
    if data.seller is not None and data.buyer is not None:
        yield trading_relation_key(data.seller.company, data.buyer.company, data.buyer.vendor)


_WOKEN_BY: Final[dict[type, Callable[[Any], Iterable[WakeKey]]]] = {
    reference.CompanyDefined: _woken_by_company,
    reference.PartyDefined: _woken_by_party,
    reference.ExchangeRatePublished: lambda data: [exchange_rate_key(data.from_, data.to)],
    reference.IntercompanyAccountingDefined: lambda data: [intercompany_accounting_key(data.company, data.partner)],
    reference.PostingProfileDefined: lambda data: [posting_profile_key(data.company, data.posting_profile)],
    reference.MethodsOfPaymentDefined: lambda data: [method_of_payment_key(data.company, method) for method in data.methods],
    reference.PeriodOpened: lambda data: [period_key(data.company)],
    reference.TradingRelationDefined: lambda data: [trading_relation_key(data.seller.company, data.buyer.company, data.buyer.vendor)],
    reference.PaymentJournalDefined: lambda data: [payment_journal_key(data.company, data.journal)],
    reference.ReferenceWithdrawn: _woken_by_withdrawal,
}
