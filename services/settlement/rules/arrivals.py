"""An event as a document: refused, waiting or posted, and what it wishes to settle."""

from __future__ import annotations

from services.settlement.rules.automatic import settle_automatically
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
from services.settlement.rules.instructions import begin_run
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import DocumentKey, Waiting
from shared.events.envelope import Message
from shared.events.inbound import (
    ledger_of,
)
from shared.events.journals import PaymentJournal, PaymentRefused, SalesPaymentJournal
from shared.events.settlements import SalesPaymentJournalRefused


def _fact(turn: Turn) -> Fact:
    message = turn.message
    data = message.data
    if isinstance(data, PaymentJournal):
        return payment_fact(data.ledger, data.payment, data.event)
    if isinstance(data, SalesPaymentJournal):
        return sales_payment_fact(data, message.ref)
    return invoice_fact(ledger_of(message.type), data, message.ref)


def arrive(turn: Turn) -> None:
    """A document arrives: posted, refused, or kept until what it needs is there."""
    take_fact(turn, turn.books.next_sequence())


def take_fact(turn: Turn, sequence: int) -> None:
    """Posts the document of the turn's message, refuses it or keeps it; then what it wishes to settle."""
    fact = _fact(turn)
    if refused_fact(turn, fact):
        forget_sales_payment(turn)
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


def resume_fact(turn: Turn, waiting: Waiting) -> None:
    """What a document waited for is there."""
    turn.release(waiting)
    take_fact(turn, waiting.sequence)


def payment_journal(turn: Turn) -> None:
    """A payment journal; with `replay`, the refused marks of a payment that is posted are wished again."""
    data: PaymentJournal = turn.message.data
    if not turn.message.data.replay:
        arrive(turn)
        return
    document = turn.books.documents.get(DocumentKey(data.ledger, data.payment.company, data.payment.document))
    if document is not None and document.event == data.event and document.refused:
        begin_run(turn, turn.books.next_sequence())


def payment_refused(turn: Turn) -> None:
    """A payment whose form the payment service could not accept: refused here, where all ids are known."""
    data: PaymentRefused = turn.message.data
    turn.refuse(data.code, data.field, data.message, scope="event", frees=True)


def request(turn: Turn) -> None:
    """A settlement that was asked for."""
    begin_run(turn, turn.books.next_sequence())


def forget_sales_payment(turn: Turn) -> None:
    """The payment service is to forget a sales payment journal whose number is taken."""
    data = turn.message.data
    if not isinstance(data, SalesPaymentJournal):
        return
    known = turn.books.journals.get((data.company, data.document))
    if known is not None and known.run == data.run:
        turn.books.journals.put((data.company, data.document), None)
    turn.say("sales-payment-journal.refused", data.document, data.company, SalesPaymentJournalRefused(data.company, data.document))
