"""The settlement core: `fold(books, message) -> list[Outgoing]`, for everything the service takes in.

What always holds: no broker, no database, no clock; the same books and message give the same changes and events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.settlement.rules.arrivals import arrive, payment_journal, payment_refused, request, resume_fact
from services.settlement.rules.books import Books
from services.settlement.rules.instructions import try_run
from services.settlement.rules.reversals import begin_reversal, try_reversal
from services.settlement.rules.sales_payments import answered, sales_payment
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Waiting
from shared.events import reference
from shared.events.envelope import Message, Outgoing
from shared.events.inbound import (
    InvoicePosted,
    PaymentReversalRequested,
    SettlementRequested,
    SettlementReversalRequested,
)
from shared.events.journals import PaymentJournal, PaymentRefused, SalesPaymentJournal, SalesPaymentsReply

__all__ = ["Books", "fold"]


def fold(books: Books, message: Message) -> list[Outgoing]:
    """Takes one message in: changes the books and returns what the service says because of it."""
    turn = Turn(books, message)
    take = _HANDLERS.get(type(message.data), _reference)
    take(turn)
    turn.go_on(RESUME)
    return turn.outgoing


def _reference(turn: Turn) -> None:
    """A reference event: taken over, and all that waited for it is woken."""
    data = turn.message.data
    turn.books.take_reference(turn.message)
    for key in _WAKES.get(type(data), _wakes_nothing)(data):
        turn.wake(*key)


def _wakes_nothing(_data: object) -> list[tuple[str, ...]]:
    return []


def _party_wakes(data: reference.PartyDefined) -> list[tuple[str, ...]]:
    customers = [("account", "receivable", company, account) for company, account in data.customers.items()]
    return [*customers, *(("account", "payable", company, account) for company, account in data.vendors.items())]


def _rate_wakes(data: reference.ExchangeRatePublished) -> list[tuple[str, ...]]:
    low, high = sorted((data.from_, data.to))
    return [("exchange-rate", low, high)]


_WAKES: Final[dict[type, Callable[..., list[tuple[str, ...]]]]] = {
    reference.CompanyDefined: lambda data: [("company", data.company)],
    reference.PartyDefined: _party_wakes,
    reference.ExchangeRatePublished: _rate_wakes,
    reference.IntercompanyAccountingDefined: lambda data: [("intercompany-accounting", data.company, data.partner)],
    reference.PostingProfileDefined: lambda data: [("posting-profile", data.company, data.posting_profile)],
    reference.MethodsOfPaymentDefined: lambda data: [("method-of-payment", data.company, method) for method in data.methods],
    reference.PeriodOpened: lambda data: [("period", data.company)],
}

_HANDLERS: Final[dict[type, Callable[[Turn], None]]] = {
    InvoicePosted: arrive,
    PaymentJournal: payment_journal,
    PaymentRefused: payment_refused,
    SettlementRequested: request,
    SettlementReversalRequested: begin_reversal,
    PaymentReversalRequested: begin_reversal,
    SalesPaymentJournal: sales_payment,
    SalesPaymentsReply: answered,
}

RESUME: Final[dict[str, Callable[[Turn, Waiting], None]]] = {
    "document": resume_fact,
    "run": try_run,
    "reversal": try_reversal,
}
