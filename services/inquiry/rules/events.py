"""Inbound events as rows: what was sent, when it was received, which company and document it speaks of.

Invariant: an id may be sent with several contents (a mended event; by mistake an id twice); each is a row, told apart by its
digest; the same content sent again moves only when it was last received.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, NamedTuple

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import EventRow
from services.inquiry.rules.said import broker_time
from shared.events.codec import as_json
from shared.events.envelope import Message, Record
from shared.events.inbound import (
    DocumentRef,
    DocumentReversalRequested,
    InvoicePosted,
    JournalApprovalRequested,
    PaymentPosted,
    PaymentReversalRequested,
    SettlementRequested,
    SettlementReversalRequested,
    VoucherImported,
    VoucherImportFailed,
)

_NOWHERE: Final = Record("", None, None)


class About(NamedTuple):
    """What an event says of itself that it can be found by."""

    company: str | None = None
    account: str | None = None
    document: str | None = None
    currency: str | None = None
    amount: Decimal | None = None


def take_event(books: InquiryBooks, message: Message) -> None:
    """An event from outside was received."""
    record = message.record or _NOWHERE
    at = broker_time(message)
    said = about(message.data)
    row = EventRow(
        source=message.ref.source,
        id=message.ref.id,
        digest=message.digest,
        type=message.type,
        time=message.time,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        received_at=at,
        last_received_at=at,
        last_offset=record.offset,
        company=said.company,
        account=said.account,
        document=said.document,
        currency=said.currency,
        amount=said.amount,
        data=as_json(message.data).decode(),
    )
    key = (row.source, row.id, row.digest)
    known = books.events.get(key)
    books.events.put(key, row if known is None else received_again(known, row))


def received_again(one: EventRow, other: EventRow) -> EventRow:
    """The same content received twice: where and when first, and when last, whichever is looked at first."""
    first = min(one, other, key=lambda row: (row.received_at, row.topic, row.partition, row.offset))
    last = max(one, other, key=lambda row: (row.last_received_at, row.last_offset))
    return first._replace(last_received_at=last.last_received_at, last_offset=last.last_offset)


def about(data: Any) -> About:
    """What an inbound event speaks of."""
    if isinstance(data, InvoicePosted | PaymentPosted):
        return About(data.company, data.account, data.document, data.currency, data.amount)
    if isinstance(data, JournalApprovalRequested):
        return About(data.company, document=data.document)
    if isinstance(data, VoucherImported | VoucherImportFailed):
        return About(data.company)
    named = _named(data)
    return About() if named is None else About(named.company, document=named.document)


def _named(data: Any) -> DocumentRef | None:
    if isinstance(data, DocumentReversalRequested):
        return data.document
    if isinstance(data, PaymentReversalRequested | SettlementReversalRequested):
        return data.payment
    return data.primary if isinstance(data, SettlementRequested) else None
