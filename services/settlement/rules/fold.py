"""The settlement core: `fold(books, message) -> list[Outgoing]`, for everything the service takes in.

What always holds: no broker, no database, no clock; the same books and message give the same changes and events.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

from services.settlement.rules.books import Books
from services.settlement.rules.documents import (
    Fact,
    fact_need,
    invoice_fact,
    payment_fact,
    post,
    refused_fact,
    sales_payment_fact,
    waiting_fact,
)
from services.settlement.rules.instructions import begin_run, leave_open, settle_automatically, try_run
from services.settlement.rules.reversals import begin_reversal, try_reversal
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import DocumentKey, SalesJournal, Waiting
from shared.events import reference
from shared.events.envelope import EventRef, Message, Outgoing
from shared.events.inbound import (
    InvoicePosted,
    PaymentReversalRequested,
    SettlementRequested,
    SettlementReversalRequested,
    ledger_of,
)
from shared.events.journals import PaymentJournal, PaymentRefused, SalesPaymentJournal, SalesPaymentsAnswered
from shared.events.settlements import SalesPaymentJournalRefused

__all__ = ["Books", "discard", "expire", "fold"]


def fold(books: Books, message: Message) -> list[Outgoing]:
    """Takes one message in: changes the books and returns what the service says because of it."""
    turn = Turn(books, message)
    take = _HANDLERS.get(type(message.data), _reference)
    take(turn)
    turn.go_on(_RESUME)
    return turn.outgoing


def discard(books: Books, events: Sequence[EventRef], now: dt.datetime) -> list[Outgoing]:
    """An operator gives up what waits for these events: it is refused as `discarded`, and others go on."""
    del now
    given_up = frozenset(events)
    return _give_up(books, lambda waiting: waiting.event in given_up)


def expire(books: Books, older_than: dt.datetime, now: dt.datetime) -> list[Outgoing]:
    """Gives up what has waited since before `older_than` (WAIT_AT_MOST)."""
    del now
    return _give_up(books, lambda waiting: waiting.message.time < older_than)


def _give_up(books: Books, chosen: Callable[[Waiting], bool]) -> list[Outgoing]:
    waits = sorted((waiting for waiting in books.waiting if chosen(waiting)), key=lambda waiting: waiting.sequence)
    outgoing: list[Outgoing] = []
    for waiting in waits:
        turn = Turn(books, waiting.message)
        what = ", ".join(f"{name} {value}" for name, value in waiting.need.key.items())
        frees = waiting.stage == "document" or not isinstance(waiting.message.data, PaymentJournal)
        scope = "event" if waiting.stage == "document" else "settlement"
        turn.refuse("discarded", "", f"discarded while it waited for {waiting.need.reason}: {what}", scope=scope, frees=frees)
        if waiting.stage == "run":
            leave_open(turn, waiting)
        turn.release(waiting)
        turn.go_on(_RESUME)
        outgoing += turn.outgoing
    return outgoing


def _fact(turn: Turn) -> Fact:
    message = turn.message
    data = message.data
    if isinstance(data, PaymentJournal):
        return payment_fact(data.ledger, data.payment, data.event)
    if isinstance(data, SalesPaymentJournal):
        return sales_payment_fact(data, message.ref)
    return invoice_fact(ledger_of(message.type), data, message.ref)


def _arrive(turn: Turn) -> None:
    """A document arrives: posted, refused, or kept until what it needs is there."""
    _take_fact(turn, turn.books.next_sequence())


def _take_fact(turn: Turn, sequence: int) -> None:
    fact = _fact(turn)
    if refused_fact(turn, fact):
        _forget_sales_payment(turn)
        return
    need = fact_need(turn, fact)
    if need is not None:
        turn.park(waiting_fact(turn, need, sequence))
        return
    document = post(turn, fact)
    if _has_marks(turn.message):
        begin_run(turn, _wish_sequence(turn))
    else:
        settle_automatically(turn, document.key, document.date, document.event)
    turn.wake("event", *document.event)


def _wish_sequence(turn: Turn) -> int:
    """A created sales payment's run counts from its creation, any other from now."""
    data = turn.message.data
    journal = turn.books.journals.get((data.company, data.document)) if isinstance(data, SalesPaymentJournal) else None
    return journal.sequence if journal is not None else turn.books.next_sequence()


def _has_marks(message: Message) -> bool:
    data = message.data
    if isinstance(data, PaymentJournal):
        return bool(data.payment.settle)
    return isinstance(data, SalesPaymentJournal) and bool(data.marks)


def _resume_fact(turn: Turn, waiting: Waiting) -> None:
    turn.release(waiting)
    _take_fact(turn, waiting.sequence)


def _payment(turn: Turn) -> None:
    """A payment journal; with `replay`, the refused marks of a payment that is posted are wished again."""
    data: PaymentJournal = turn.message.data
    if not turn.message.data.replay:
        _arrive(turn)
        return
    document = turn.books.documents.get(DocumentKey(data.ledger, data.payment.company, data.payment.document))
    if document is not None and document.event == data.event and document.refused:
        begin_run(turn, turn.books.next_sequence())


def _payment_refused(turn: Turn) -> None:
    """A payment whose form the payment service could not accept: refused here, where all ids are known."""
    data: PaymentRefused = turn.message.data
    turn.refuse(data.code, data.field, data.message, scope="event", frees=True)


def _request(turn: Turn) -> None:
    begin_run(turn, turn.books.next_sequence())


def _sales_payment(turn: Turn) -> None:
    """A sales payment journal: created (it reserves), posted (a document and its marks) or reversed (known already)."""
    data: SalesPaymentJournal = turn.message.data
    key = (data.company, data.document)
    known = turn.books.journals.get(key)
    if turn.message.type == "sales-payment-journal.reversed":
        return
    if turn.message.type == "sales-payment-journal.created" and not _is_undone(turn, data):
        _create(turn, data, known)
    elif known is None and _is_undone(turn, data):
        _forget_sales_payment(turn)
    elif known is None or known.status == "created":
        sequence = known.sequence if known is not None else turn.books.next_sequence()
        turn.books.journals.put(key, _journal(data, "posted", sequence))
        _take_fact(turn, sequence)
    turn.answered(data.run, data.answers)


def _is_undone(turn: Turn, data: SalesPaymentJournal) -> bool:
    """A journal had waited while its run was reversed, and crosses the news of it: it is not made any more."""
    records = turn.books.records.find("run", (data.run, "payable"))
    return bool(records) and all(record.reversed for record in records)


def _create(turn: Turn, data: SalesPaymentJournal, known: SalesJournal | None) -> None:
    taken = turn.books.documents.get(DocumentKey("receivable", data.company, data.document))
    if known is not None or taken is not None:
        message = f"receivable document {data.document} of {data.company} has been posted by another event"
        turn.refuse("document-exists", "/document", message, scope="event", frees=False)
        _forget_sales_payment(turn)
        return
    turn.books.journals.put((data.company, data.document), _journal(data, "created", turn.books.next_sequence()))


def _journal(data: SalesPaymentJournal, status: str, sequence: int) -> SalesJournal:
    reserves = tuple(DocumentKey("receivable", mark.company, mark.document) for mark in data.marks) if status == "created" else ()
    return SalesJournal(data.company, data.document, data.journal, status, data.run, sequence, reserves)


def _forget_sales_payment(turn: Turn) -> None:
    """The payment service is to forget a sales payment journal whose number is taken."""
    data = turn.message.data
    if not isinstance(data, SalesPaymentJournal):
        return
    known = turn.books.journals.get((data.company, data.document))
    if known is not None and known.run == data.run:
        turn.books.journals.put((data.company, data.document), None)
    turn.say("sales-payment-journal.refused", data.document, data.company, SalesPaymentJournalRefused(data.company, data.document))


def _answered(turn: Turn) -> None:
    turn.answered(turn.message.data.run, turn.message.data.answers)


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
    InvoicePosted: _arrive,
    PaymentJournal: _payment,
    PaymentRefused: _payment_refused,
    SettlementRequested: _request,
    SettlementReversalRequested: begin_reversal,
    PaymentReversalRequested: begin_reversal,
    SalesPaymentJournal: _sales_payment,
    SalesPaymentsAnswered: _answered,
}

_RESUME: Final[dict[str, Callable[[Turn, Waiting], None]]] = {
    "document": _resume_fact,
    "run": try_run,
    "reversal": try_reversal,
}
