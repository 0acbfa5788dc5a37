"""What a message will make the core look up, so that a batch is loaded at once instead of miss by miss.

What always holds: this is speed, not correctness: what is not foreseen here is loaded when the core asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.settlement.rules.books import Books
from services.settlement.rules.instructions import marks_of
from services.settlement.rules.values import DocumentKey, Waiting
from shared.events.envelope import EventRef, Message
from shared.events.inbound import InvoicePosted, PaymentReversalRequested, SettlementRequested, SettlementReversalRequested, ledger_of
from shared.events.journals import PaymentJournal, SalesPaymentJournal, SalesPaymentsReply
from shared.working_set import Missing


def named_by(message: Message, books: Books, waiting: Waiting | None = None) -> Iterator[Missing]:
    """Rows and index entries that folding this message, or letting this waiting one go on, will ask for."""
    data = message.data
    if waiting is not None:
        yield Missing("waiting", "wakes", ("event", *waiting.event))
    if isinstance(data, InvoicePosted):
        yield from _fact(books, DocumentKey(ledger_of(message.type), data.company, data.document), data.account, data.currency, message.ref)
        if data.credits is not None:
            yield from _document(DocumentKey(ledger_of(message.type), data.company, data.credits))
    elif isinstance(data, PaymentJournal):
        payment = data.payment
        key = DocumentKey(data.ledger, payment.company, payment.document)
        yield from _fact(books, key, payment.account, payment.currency, data.event)
        yield from _run(message, data.event)
    elif isinstance(data, SalesPaymentJournal):
        yield from _fact(books, DocumentKey("receivable", data.company, data.document), data.account, data.currency, message.ref)
        yield from _run(message, message.ref)
        yield Missing("journals", None, (data.company, data.document))
        yield Missing("records", "run", (data.run, "payable"))
        yield from _answers(data.run)
    elif isinstance(data, SalesPaymentsReply):
        yield from _answers(data.run)
    elif isinstance(data, SettlementRequested):
        yield from _run(message, message.ref)
        yield Missing("waiting", "wakes", ("event", *message.ref))
    elif isinstance(data, PaymentReversalRequested | SettlementReversalRequested):
        yield from _reversal(message, data)


def _document(key: DocumentKey) -> Iterator[Missing]:
    yield Missing("documents", None, key)
    yield Missing("waiting", "reserves", key)
    yield Missing("waiting", "wakes", ("reservation", *key))
    yield Missing("journals", "reserves", key)


def _fact(books: Books, key: DocumentKey, account: str, currency: str, event: EventRef) -> Iterator[Missing]:
    yield from _document(key)
    yield Missing("waiting", "wakes", ("document", *key))
    yield Missing("waiting", "wakes", ("event", *event))
    party = books.reference.party(key.ledger, key.company, account)
    if party is not None and books.reference.parameters(key.company, key.ledger).automatic_settlement:
        yield Missing("documents", "open", (key.ledger, key.company, party, currency))
        yield Missing("records", "run", (event, key.ledger))


def _run(message: Message, run: EventRef) -> Iterator[Missing]:
    marks = marks_of(message)
    for key in marks.keys:
        yield from _document(key)
    yield Missing("records", "run", (run, marks.ledger))
    yield from _answers(run)


def _answers(run: EventRef) -> Iterator[Missing]:
    yield Missing("answers", None, run)
    yield Missing("waiting", "wakes", ("answers", *run))


def _reversal(message: Message, data: PaymentReversalRequested | SettlementReversalRequested) -> Iterator[Missing]:
    yield Missing("waiting", "wakes", ("event", *message.ref))
    if data.payment is not None:
        key = DocumentKey(data.ledger, data.payment.company, data.payment.document)
        yield from _document(key)
        yield Missing("records", "document", key)
        yield Missing("journals", None, (key.company, key.document))
        return
    if isinstance(data, SettlementReversalRequested) and data.settlement is not None:
        named = EventRef(data.settlement_source or message.ref.source, data.settlement)
        for ledger in ("receivable", "payable"):
            yield Missing("records", "run", (named, ledger))
        yield Missing("documents", "event", named)
        yield Missing("waiting", "event", named)
        yield Missing("requests", None, named)
        yield from _answers(named)
        yield Missing("journals", "run", named)
