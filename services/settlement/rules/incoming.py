"""What a message brings, read once: a document, an instruction to settle, a reversal, an approval, news of sales payment journals.

Invariant: here alone the class of a message's data is looked at; all rules go by what `read` made of it. Whose event it is,
who is named when it waits or is refused, and whether its id can be given back is decided here too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec import Struct

from services.settlement.rules.values import Document, DocumentKey
from shared.events.envelope import EventRef, Message
from shared.events.inbound import (
    CASH,
    CashDiscount,
    DocumentRef,
    DocumentReversalRequested,
    InvoicePosted,
    JournalApprovalRequested,
    Mark,
    PaymentPosted,
    PaymentReversalRequested,
    SettlementRequested,
    SettlementReversalRequested,
    ledger_of,
)
from shared.events.journals import PaymentJournal, PaymentRefused, SalesPaymentJournal, SalesPaymentsReply
from shared.events.kinds import DEFAULT_OFFSET, PAYMENT
from shared.events.settlements import PostedLine
from shared.events.values import Ledger


class IncomingDocument(Struct, frozen=True, gc=False):
    """What an invoice, a payment or a sales payment says of its document; `inverse_rate`: its rate is exactly 1 / that."""

    key: DocumentKey
    kind: str
    account: str
    date: dt.date
    due_date: dt.date
    currency: str
    amount: Decimal
    exchange_rate: Decimal | None
    event: EventRef
    lines: list[PostedLine]
    dimensions: dict[str, str] = {}
    discounts: tuple[CashDiscount, ...] = ()
    posting_profile: str | None = None
    method_of_payment: str | None = None
    credits: str | None = None
    intercompany: tuple[str, str] | None = None
    reference: str | None = None
    text: str | None = None
    inverse_rate: Decimal | None = None


class SettlementInstruction(Struct, frozen=True, gc=False):
    """What is to be settled: a payment's marks, a request's, or a sales payment's.

    `payment` is the payment whose own marks these are, None for a request; amounts to settle are in its currency, in a
    request in each document's. `run` is the id of the run, `sequence` its place in the order of arrival.
    `keys` are the documents of the run: the payment, then those of the marks, in their order. `own_document` and `documents` (those
    of the marks), `all_documents` and their `parties` are filled once all are there. `is_mirror`: it is a sales payment's.
    `discount_rules` then says of each mark which rule made the discount that it mirrors.
    """

    ledger: Ledger
    marks: list[Mark]
    payment: DocumentKey | None
    primary: DocumentKey | None
    date: dt.date | None
    discount_date: dt.date | None
    run: EventRef
    keys: tuple[DocumentKey, ...]
    sequence: int = 0
    own_document: Document | None = None
    documents: tuple[Document, ...] = ()
    all_documents: tuple[Document, ...] = ()
    parties: tuple[str | None, ...] = ()
    is_mirror: bool = False
    discount_rules: tuple[str, ...] = ()


class ReversalInstruction(Struct, frozen=True, gc=False):
    """What is to be taken back: a document itself (`takes_back_document`), or the settlements of a payment or of an event.

    `field` is the JSON pointer under which the request names it. `only_payment`: it can be nothing but a payment.
    """

    ledger: Ledger
    document: DocumentKey | None
    settlement: EventRef | None
    field: str
    date: dt.date | None
    reason: str
    takes_back_document: bool = False
    only_payment: bool = False


class Reply(NamedTuple):
    """One of the `reply_count` messages that say which sales payment journals a run makes; 0: it is not a reply.

    Or the one that says that an approved journal is posted; `run` is then the approval. `is_batch`: nobody has asked for them,
    they are the journals that had waited and are made together; `run` names them.
    """

    run: EventRef
    reply_count: int
    is_batch: bool = False


class Incoming(Struct, frozen=True, gc=False):
    """A message as the rules see it.

    `event` is the event by which outgoing ones are derived: a payment journal carries its payment's. `reported_event` is
    named when it waits or is refused, `numbered_by` when its document's number is taken. `owns_id`: another system's id
    is taken by it, and free again if all of it is refused. `replay` counts how often an operator
    has sent a payment again.
    """

    event: EventRef
    reported_event: EventRef
    numbered_by: EventRef
    owns_id: bool = True
    document: IncomingDocument | None = None
    instruction: SettlementInstruction | None = None
    reversal: ReversalInstruction | None = None
    journal: SalesPaymentJournal | None = None
    reply: Reply | None = None
    approval: JournalApprovalRequested | None = None
    replay: int = 0


def read(message: Message) -> Incoming:
    """What a message brings; of reference data only whose event it is."""
    reader = _READERS.get(type(message.data))
    return reader(message, message.data) if reader is not None else _plain(message)


def _plain(message: Message, **brings: Any) -> Incoming:
    return Incoming(message.ref, message.ref, message.ref, **brings)


def _invoice(message: Message, data: InvoicePosted) -> Incoming:
    """An invoice; without lines it has one, by its kind."""
    ledger = ledger_of(message.type)
    lines = _lines(data) or [PostedLine(DEFAULT_OFFSET[ledger, data.kind], data.amount)]
    seller = data.intercompany_invoice
    document = IncomingDocument(
        DocumentKey(ledger, data.company, data.document),
        data.kind,
        data.account,
        data.date,
        data.due_date or data.date,
        data.currency,
        data.amount,
        data.exchange_rate,
        message.ref,
        lines,
        data.dimensions,
        tuple(data.cash_discounts),
        data.posting_profile,
        credits=data.credits,
        intercompany=(seller.company, seller.document) if seller is not None else None,
        reference=data.reference,
        text=data.text,
    )
    return _plain(message, document=document)


def _payment(_message: Message, data: PaymentJournal) -> Incoming:
    payment, ledger, event = data.payment, data.ledger, data.event
    key = DocumentKey(ledger, payment.company, payment.document)
    primary = key if payment.primary else None
    about = (ledger, payment.settle, key, primary, payment.date, None, event)
    instruction = SettlementInstruction(*about, _keys(ledger, key, payment.settle)) if payment.settle else None
    document = _payment_document(key, payment, event)
    return Incoming(event, event, event, document=document, instruction=instruction, replay=data.replay)


def _payment_document(key: DocumentKey, payment: PaymentPosted, event: EventRef) -> IncomingDocument:
    return IncomingDocument(
        key,
        PAYMENT,
        payment.account,
        payment.date,
        payment.date,
        payment.currency,
        payment.amount,
        payment.exchange_rate,
        event,
        _lines(payment) or [PostedLine(payment.offset or CASH, payment.amount)],
        payment.dimensions,
        posting_profile=payment.posting_profile,
        method_of_payment=payment.method_of_payment,
        reference=payment.reference,
        text=payment.text,
    )


def _lines(data: InvoicePosted | PaymentPosted) -> list[PostedLine]:
    """The lines, each with the dimensions that are its own: the document's are said once, or a long document would multiply them."""
    own = data.dimensions
    return [PostedLine(line.account, line.amount, {} if line.dimensions == own else line.dimensions) for line in data.lines]


def _refused_payment(_message: Message, data: PaymentRefused) -> Incoming:
    return Incoming(data.event, data.event, data.event, replay=data.replay)


def _sales_payment(message: Message, data: SalesPaymentJournal) -> Incoming:
    """A sales payment: a document in the seller's books, and what it settles there."""
    key = DocumentKey("receivable", data.company, data.document)
    line = PostedLine(data.offset, data.amount, {})
    document = IncomingDocument(
        key,
        PAYMENT,
        data.account,
        data.date,
        data.date,
        data.currency,
        data.amount,
        data.exchange_rate,
        message.ref,
        [line],
        reference=data.reference,
        inverse_rate=data.inverse_rate,
    )
    marks = [
        Mark(
            mark.company,
            mark.document,
            amount_to_settle=mark.amount_to_settle or None,
            cash_discount_to_take=mark.cash_discount_to_take,
            cross_rate=mark.cross_rate,
        )
        for mark in data.marks
    ]
    rules = tuple([mark.cash_discount_rule for mark in data.marks])
    asked = (key, None, data.date, None, message.ref, _keys("receivable", key, marks))
    instruction = SettlementInstruction("receivable", marks, *asked, is_mirror=True, discount_rules=rules)
    return Incoming(
        message.ref,
        data.run if data.approval is None else data.approval,
        data.payer,
        owns_id=False,
        document=document,
        instruction=instruction if marks else None,
        journal=data,
        reply=_reply_of(data),
    )


def _reply_of(data: SalesPaymentJournal) -> Reply:
    if data.approval is not None:
        return Reply(data.approval, 1)
    return Reply(data.run, data.reply_count) if data.batch is None else Reply(data.batch, data.batch_size, is_batch=True)


def _reply(message: Message, data: SalesPaymentsReply) -> Incoming:
    return _plain(message, reply=Reply(data.run, data.reply_count))


def _approval(message: Message, data: JournalApprovalRequested) -> Incoming:
    return _plain(message, approval=data)


def _request(message: Message, data: SettlementRequested) -> Incoming:
    primary = _key(data.ledger, data.primary)
    about = (data.ledger, data.settle, None, primary, data.date, data.cash_discount_date, message.ref)
    instruction = SettlementInstruction(*about, _keys(data.ledger, None, data.settle))
    return _plain(message, instruction=instruction)


def _settlement_reversal(message: Message, data: SettlementReversalRequested) -> Incoming:
    settlement = EventRef(data.settlement_source or message.ref.source, data.settlement) if data.settlement is not None else None
    document = _key(data.ledger, data.payment)
    field_ = "/payment" if document is not None else "/settlement"
    reversal = ReversalInstruction(data.ledger, document, settlement, field_, data.date, data.reason or "")
    return _plain(message, reversal=reversal)


def _document_reversal(message: Message, data: DocumentReversalRequested) -> Incoming:
    about = (_key(data.ledger, data.document), None, "/document", data.date, data.reason or "")
    return _plain(message, reversal=ReversalInstruction(data.ledger, *about, takes_back_document=True))


def _payment_reversal(message: Message, data: PaymentReversalRequested) -> Incoming:
    about = (_key(data.ledger, data.payment), None, "/payment", data.date, data.reason or "")
    return _plain(message, reversal=ReversalInstruction(data.ledger, *about, takes_back_document=True, only_payment=True))


def _keys(ledger: Ledger, payment: DocumentKey | None, marks: list[Mark]) -> tuple[DocumentKey, ...]:
    marked = [DocumentKey(ledger, mark.company, mark.document) for mark in marks]
    return tuple(marked) if payment is None else (payment, *marked)


def _key(ledger: Ledger, ref: DocumentRef | None) -> DocumentKey | None:
    return None if ref is None else DocumentKey(ledger, ref.company, ref.document)


_READERS: Final[dict[type, Callable[[Message, Any], Incoming]]] = {
    InvoicePosted: _invoice,
    PaymentJournal: _payment,
    PaymentRefused: _refused_payment,
    SalesPaymentJournal: _sales_payment,
    SalesPaymentsReply: _reply,
    JournalApprovalRequested: _approval,
    SettlementRequested: _request,
    SettlementReversalRequested: _settlement_reversal,
    DocumentReversalRequested: _document_reversal,
    PaymentReversalRequested: _payment_reversal,
}
