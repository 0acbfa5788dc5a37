"""Sales payment journals as rows: what they mirror, and how far they have come.

Invariant: of what is told of a journal the furthest status counts, whichever is read first; one whose number was taken in the
seller's books never was, whatever else is told of it.
"""

from __future__ import annotations

from services.inquiry.rules.books import STATUSES, InquiryBooks
from services.inquiry.rules.rows import JournalRefusalRow, JournalRow
from services.inquiry.rules.said import broker_time
from shared.events.envelope import Message
from shared.events.journals import SalesPaymentJournal
from shared.events.settlements import SalesPaymentJournalRefused


def take_journal(books: InquiryBooks, message: Message) -> None:
    """`sales-payment-journal.created`, `.posted`, `.reversed`."""
    data: SalesPaymentJournal = message.data
    row = JournalRow(
        company=data.company,
        document=data.document,
        journal=data.journal,
        status=message.type.rpartition(".")[2],
        account=data.account,
        date=data.date,
        currency=data.currency,
        amount=data.amount,
        reference=data.reference,
        payer_company=data.mirrors[0],
        payer_document=data.mirrors[1],
        payer_source=data.payer.source,
        payer_id=data.payer.id,
        run_source=data.run.source,
        run_id=data.run.id,
        approval_source=None if data.approval is None else data.approval.source,
        approval_id=None if data.approval is None else data.approval.id,
        changed_at=broker_time(message),
    )
    key = (data.company, data.document)
    known = books.journals.get(key)
    if known is None or STATUSES.index(row.status) > STATUSES.index(known.status):
        books.journals.put(key, row)


def take_journal_refusal(books: InquiryBooks, message: Message) -> None:
    """`sales-payment-journal.refused`: its number is taken in the seller's books, and is not given again."""
    data: SalesPaymentJournalRefused = message.data
    key = (data.company, data.document)
    if books.journal_refusals.get(key) is None:
        books.journal_refusals.put(key, JournalRefusalRow(*key, broker_time(message)))
