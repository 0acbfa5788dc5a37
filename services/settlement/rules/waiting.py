"""Every reason to wait, with the missing thing as it is shown and what wakes it (events.md, "waits for").

A row of the table is one function here that gives both halves: `Need.reason` and `Need.key` are shown, `Need.wake_key` is
looked for when something arrives. The functions named `…_key` are that other half: whoever brings the missing thing wakes
by the same function, so that the two cannot differ.

Invariant: a wake key is made in this file alone; what is parked is woken by exactly the keys that the table says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Final

from services.settlement.rules.values import DocumentKey, Need, WakeKey, detail
from shared.events import reference
from shared.events.envelope import EventRef
from shared.events.values import Ledger

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


def document_key(document: DocumentKey) -> WakeKey:
    """The document is posted."""
    return ("document", *document)


def event_key(event: EventRef) -> WakeKey:
    """What the event asked for is posted, carried out, refused or given up: it waits no longer."""
    return ("event", *event)


def reservation_key(document: DocumentKey) -> WakeKey:
    """A run that had reserved the document has gone on or was refused."""
    return ("reservation", *document)


def replies_key(run: EventRef) -> WakeKey:
    """All sales payment journals of the run are told."""
    return ("answers", *run)


def intercompany_accounting_key(company: str, partner: str) -> WakeKey:
    """The accounts in the books of one company towards the other are defined."""
    return ("intercompany-accounting", company, partner)


def posting_profile_key(company: str, profile: str) -> WakeKey:
    """The company defines a posting profile of this id."""
    return ("posting-profile", company, profile)


def method_of_payment_key(company: str, method: str) -> WakeKey:
    """The company defines this method of payment."""
    return ("method-of-payment", company, method)


# What is waited for, in the order of the table


def for_company(company: str) -> Need:
    """The company of a document is not defined."""
    return Need("company", detail(company=company), company_key(company))


def for_account(ledger: Ledger, company: str, account: str) -> Need:
    """No party names the account."""
    return Need("account", detail(company=company, ledger=ledger, account=account), account_key(ledger, company, account))


def for_document(document: DocumentKey) -> Need:
    """A document is not posted yet."""
    return Need("document", _shown(document), document_key(document))


def for_marks_of(document: DocumentKey) -> Need:
    """A payment is posted and its own marks still wait: it is shown as the document that is waited for."""
    return Need("document", _shown(document), reservation_key(document))


def for_event(event: EventRef) -> Need:
    """The event that a reversal names has not been seen, or itself waits."""
    return Need("document", detail(event=event.id, source=event.source), event_key(event))


def for_replies(run: EventRef) -> Need:
    """It is not known yet which sales payment journals the run has: it is shown by the event that caused it."""
    return Need("document", detail(event=run.id), replies_key(run))


def for_reservation(document: DocumentKey) -> Need:
    """An earlier run over the document waits."""
    return Need("reservation", _shown(document), reservation_key(document))


def for_intercompany_accounting(company: str, partner: str) -> Need:
    """The accounts in the books of one company towards the other are not defined (F-A08)."""
    key = detail(company=company, partner=partner)
    return Need("intercompany-accounting", key, intercompany_accounting_key(company, partner))


def for_exchange_rate(company: str, from_: str, to: str, on: dt.date) -> Need:
    """No rate is published on or before the date."""
    return Need("exchange-rate", detail(company=company, **{"from": from_, "to": to}, date=on), exchange_rate_key(from_, to))


def for_posting_profile(company: str, profile: str) -> Need:
    """The company defines posting profiles, and not this one (F-A05)."""
    return Need("posting-profile", detail(company=company, posting_profile=profile), posting_profile_key(company, profile))


def for_method_of_payment(company: str, method: str) -> Need:
    """The company defines methods of payment, and not this one (F-A06)."""
    return Need("method-of-payment", detail(company=company, method=method), method_of_payment_key(company, method))


def for_period(company: str, on: dt.date) -> Need:
    """The date is in a closed period of the company (C41)."""
    return Need("period", detail(company=company, date=on.isoformat()), period_key(company))


def _shown(document: DocumentKey) -> dict[str, str]:
    return detail(company=document.company, document=document.document, ledger=document.ledger)


# What reference data wakes


def woken_by(data: Any) -> Iterable[WakeKey]:
    """The keys that a reference event wakes."""
    wakes = _WOKEN_BY.get(type(data))
    return wakes(data) if wakes is not None else ()


def _woken_by_party(data: reference.PartyDefined) -> Iterable[WakeKey]:
    for ledger, accounts in (("receivable", data.customers), ("payable", data.vendors)):
        for company, named in accounts.items():
            yield from (account_key(ledger, company, account) for account in named)


_WOKEN_BY: Final[dict[type, Callable[[Any], Iterable[WakeKey]]]] = {
    reference.CompanyDefined: lambda data: [company_key(data.company)],
    reference.PartyDefined: _woken_by_party,
    reference.ExchangeRatePublished: lambda data: [exchange_rate_key(data.from_, data.to)],
    reference.IntercompanyAccountingDefined: lambda data: [intercompany_accounting_key(data.company, data.partner)],
    reference.PostingProfileDefined: lambda data: [posting_profile_key(data.company, data.posting_profile)],
    reference.MethodsOfPaymentDefined: lambda data: [method_of_payment_key(data.company, method) for method in data.methods],
    reference.PeriodOpened: lambda data: [period_key(data.company)],
}
