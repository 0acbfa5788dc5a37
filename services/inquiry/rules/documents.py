"""Posted documents and their reversals as rows.

Invariant: `sign` times what is open is the document's balance, debit positive.
"""

from __future__ import annotations

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import DocumentReversalRow, DocumentRow
from services.inquiry.rules.said import broker_time, cause_of, first_of
from shared.events.envelope import Message
from shared.events.kinds import LOWERING, PAYMENT
from shared.events.settlements import DocumentPosted, DocumentReversed
from shared.reference import RECEIVABLE


def take_document(books: InquiryBooks, message: Message) -> None:
    """`document.posted`. A payment is due on its date; when an invoice is due stands in the event that caused it."""
    data: DocumentPosted = message.data
    debits = (data.ledger == RECEIVABLE) == (data.kind not in LOWERING)
    row = DocumentRow(
        ledger=data.ledger,
        company=data.company,
        document=data.document,
        kind=data.kind,
        sign=1 if debits else -1,
        party=data.party,
        account=data.account,
        date=data.date,
        due_date=data.date if data.kind == PAYMENT else None,
        currency=data.currency,
        amount=data.amount,
        accounting_currency=data.accounting_currency,
        exchange_rate=data.exchange_rate,
        accounting_amount=data.accounting_amount,
        summary_account=data.summary_account,
        reference=data.reference,
        text=data.text,
        event_source=cause_of(message).source,
        event_id=cause_of(message).id,
        first_source=first_of(message).source,
        first_id=first_of(message).id,
        posted_at=broker_time(message),
    )
    key = (data.ledger, data.company, data.document)
    if books.documents.get(key) is None:
        books.documents.put(key, row)


def take_document_reversal(books: InquiryBooks, message: Message) -> None:
    """`document.reversed`."""
    data: DocumentReversed = message.data
    key = (data.ledger, data.company, data.document)
    if books.document_reversals.get(key) is None:
        row = DocumentReversalRow(*key, data.date, data.reason, *cause_of(message), broker_time(message))
        books.document_reversals.put(key, row)
