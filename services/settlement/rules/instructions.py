"""Wishes for settlement: a payment's marks, a request, a sales payment's marks, and automatic settlement.

What always holds: a run happens whole or not at all; it reserves its documents from its arrival on; what is missing is
waited for, what contradicts is refused, and the facts around it stand (events.md, "Facts, wishes, waiting, refusal").
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from services.settlement.rules.automatic import settle_automatically
from services.settlement.rules.refusals import Wish, first_refusal
from services.settlement.rules.run.carry_out import carry_out, flag_held_back, next_number
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.gather import credited_key, gather
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import DocumentKey, Need, Request, Waiting, detail
from shared.events.envelope import EventRef, Message
from shared.events.inbound import DocumentRef, Mark, SettlementRequested
from shared.events.journals import PaymentJournal, SalesPaymentJournal
from shared.events.values import Ledger


class Marks(NamedTuple):
    """What a message wishes to settle; `run` is the id of the run, `event` who is named when it waits."""

    ledger: Ledger
    marks: list[Mark]
    payment: DocumentKey | None
    primary: DocumentRef | None
    own_primary: bool
    date: dt.date | None
    discount_date: dt.date | None
    run: EventRef
    event: EventRef

    @property
    def keys(self) -> tuple[DocumentKey, ...]:
        """The documents of the run: the payment, then those of the marks."""
        marked = tuple(DocumentKey(self.ledger, mark.company, mark.document) for mark in self.marks)
        return marked if self.payment is None else (self.payment, *marked)


def marks_of(message: Message) -> Marks:
    """The wish in a payment journal, a sales payment journal or a request."""
    data = message.data
    if isinstance(data, PaymentJournal):
        payment = data.payment
        key = DocumentKey(data.ledger, payment.company, payment.document)
        return Marks(data.ledger, payment.settle, key, None, payment.primary, payment.date, None, data.event, data.event)
    if isinstance(data, SalesPaymentJournal):
        marks = [
            Mark(
                mark.company,
                mark.document,
                amount_to_settle=mark.amount_to_settle or None,
                cash_discount_to_take=mark.cash_discount_to_take,
            )
            for mark in data.marks
        ]
        key = DocumentKey("receivable", data.company, data.document)
        return Marks("receivable", marks, key, None, False, data.date, None, message.ref, data.run)  # noqa: FBT003 - a sales payment has no primary
    request: SettlementRequested = data
    return Marks(
        request.ledger,
        request.settle,
        payment=None,
        primary=request.primary,
        own_primary=False,
        date=request.date,
        discount_date=request.cash_discount_date,
        run=message.ref,
        event=message.ref,
    )


def begin_run(turn: Turn, sequence: int) -> None:
    """A wish comes into being: it goes through, is refused, or waits and reserves its documents."""
    marks = marks_of(turn.message)
    try_run(turn, Waiting(sequence, "run", marks.event, turn.message, Need("document", {}, ()), marks.keys))


def try_run(turn: Turn, waiting: Waiting) -> None:
    """Step 1 of a run and all that follows."""
    marks = marks_of(waiting.message)
    need = _documents_need(turn, marks) or _reservation_need(turn, waiting)
    if need is not None:
        turn.park(waiting._replace(need=need))
        return
    wish = _wish(turn, marks, waiting.sequence)
    try:
        refusal = first_refusal(turn.books, wish)
        if refusal is not None:
            turn.refuse(refusal.code, refusal.field, refusal.message, scope="settlement", frees=marks.payment is None)
            _leave_open(turn, marks)
            turn.release(waiting)
            return
        run = gather(turn, marks, wish)
        documents, recorded = compute(run, next_number(turn, marks.run, marks.ledger))
    except WaitForError as missing:
        turn.park(waiting._replace(need=missing.need))
        return
    flag_held_back(turn, run)
    carry_out(turn, run, marks.run, documents, recorded)
    _done(turn, marks)
    turn.release(waiting)
    for key in marks.keys:
        settle_automatically(turn, key, run.date, marks.run)


def leave_open(turn: Turn, waiting: Waiting) -> None:
    """A payment whose marks are given up is posted and stays open."""
    _leave_open(turn, marks_of(waiting.message))


def document_need(key: DocumentKey) -> Need:
    """The wait for a document to be posted."""
    return Need("document", detail(company=key.company, document=key.document, ledger=key.ledger), ("document", *key))


def _documents_need(turn: Turn, marks: Marks) -> Need | None:
    for key in marks.keys:
        document = turn.books.documents.get(key)
        if document is None:
            return document_need(key)
        credited = credited_key(turn, document)
        if credited is not None and turn.books.documents.get(credited) is None:
            return document_need(credited)
    return None


def _reservation_need(turn: Turn, waiting: Waiting) -> Need | None:
    for key in waiting.reserves:
        if any(other.sequence < waiting.sequence for other in turn.books.waiting.find("reserves", key)):
            return Need("reservation", detail(company=key.company, document=key.document, ledger=key.ledger), ("reservation", *key))
    return None


def _wish(turn: Turn, marks: Marks, sequence: int) -> Wish:
    documents = [turn.books.documents.get(DocumentKey(marks.ledger, mark.company, mark.document)) for mark in marks.marks]
    payment = turn.books.documents.get(marks.payment) if marks.payment is not None else None
    return Wish(
        marks.ledger, marks.marks, [entry for entry in documents if entry is not None], payment, marks.primary, marks.date, sequence
    )


def _leave_open(turn: Turn, marks: Marks) -> None:
    """A payment whose marks are refused is posted and stays open, out of automatic settlement."""
    if marks.payment is None:
        return
    payment = turn.books.documents.get(marks.payment)
    if payment is not None:
        turn.books.documents.put(payment.key, payment._replace(by_hand=True, refused=True))


def _done(turn: Turn, marks: Marks) -> None:
    if marks.payment is None:
        turn.books.requests.put(marks.run, Request(marks.run, turn.message.type))
        turn.wake("event", *marks.run)
