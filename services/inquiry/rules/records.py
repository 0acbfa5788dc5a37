"""Settlement records, what they take from their two documents, and their reversals, as rows.

Invariant: what a record takes from a document is what the settlement service took off what was open of it, in the document's
currency and in accounting currency (settlement's rules/run/records.py): main amount, own discount and what was written off.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import RecordReversalRow, RecordRow, TakeRow
from services.inquiry.rules.said import broker_time, cause_of, first_of
from shared.events.codec import as_json
from shared.events.envelope import Message
from shared.events.settlements import (
    Difference,
    Discount,
    SettledDocument,
    SettlementPosted,
    SettlementRecord,
    SettlementReversed,
)
from shared.money import ZERO
from shared.reference import RECEIVABLE

LOWERING_SIDE = "L"
RAISING_SIDE = "R"


class Taken(NamedTuple):
    """What is taken from a document: in its currency, and in its company's accounting currency."""

    amount: Decimal
    value: Decimal


class _Pair(NamedTuple):
    """A record with its two documents and what names it."""

    key: tuple[str, str, str, int]
    record: SettlementRecord
    lowering: SettledDocument
    raising: SettledDocument


def take_settlement(books: InquiryBooks, message: Message) -> None:
    """`settlement.posted`: one run, or a part of a very large one."""
    data: SettlementPosted = message.data
    for record in data.records:
        pair = _Pair((*data.run, data.ledger, record.number), record, data.documents[record.lowering], data.documents[record.raising])
        if books.records.get(pair.key) is None:
            books.records.put(pair.key, _record(message, pair))
            for row in _takes(message, pair):
                books.takes.put((*pair.key, row.side), row)


def taken(ledger: str, record: SettlementRecord) -> tuple[Taken, Taken]:
    """What a record takes from L and from R; negative from a primary that it enlarges."""
    credit_note = _part(record.credit_note_discount)
    given, received = record.accounting_amount_in_payment_company, record.accounting_amount_in_invoice_company
    gain = _received_more(ledger, record)
    if record.enlarges:
        raising = Taken(record.applied + credit_note.amount, received + gain + credit_note.value)
        return Taken(-record.amount, -given), raising
    remainder, shortfall, discount = _part(record.remainder), _part(record.shortfall), _part(record.discount)
    lowering = Taken(record.amount + remainder.amount + credit_note.amount, given + remainder.value + credit_note.value)
    amount = record.applied + discount.amount + shortfall.amount
    return lowering, Taken(amount, received + discount.value - gain + shortfall.value)


def _part(part: Discount | Difference | None) -> Taken:
    return Taken(ZERO, ZERO) if part is None else Taken(part.amount, part.accounting_amount)


def _received_more(ledger: str, record: SettlementRecord) -> Decimal:
    """By how much more was received than it was worth: of a receivable the gain, of a payable the loss."""
    if record.gain is None:
        return ZERO
    return record.gain.accounting_amount if ledger == RECEIVABLE else -record.gain.accounting_amount


def _takes(message: Message, pair: _Pair) -> Iterator[TakeRow]:
    at = broker_time(message)
    sides = ((LOWERING_SIDE, pair.lowering), (RAISING_SIDE, pair.raising))
    for (side, document), what in zip(sides, taken(pair.key[2], pair.record), strict=True):
        yield TakeRow(*pair.key, side, document.company, document.document, pair.record.date, *what, at)


def _record(message: Message, pair: _Pair) -> RecordRow:
    data: SettlementPosted = message.data
    record, lowering, raising = pair.record, pair.lowering, pair.raising
    primary = None if data.primary is None else data.documents[data.primary]
    why = getattr(record, "why", None)
    return RecordRow(
        *pair.key,
        date=record.date,
        party=data.party,
        primary_company=None if primary is None else primary.company,
        primary_document=None if primary is None else primary.document,
        lowering_company=lowering.company,
        lowering_document=lowering.document,
        raising_company=raising.company,
        raising_document=raising.document,
        enlarges=record.enlarges,
        lowering_currency=lowering.currency,
        raising_currency=raising.currency,
        amount=record.amount,
        applied=record.applied,
        cash_discount=_part(record.discount).amount,
        cash_discount_rule=None if record.discount is None else record.discount.rule,
        credit_note_discount=_part(record.credit_note_discount).amount,
        overpayment=_difference(record.remainder, penny=False),
        underpayment=_difference(record.shortfall, penny=False),
        penny_difference=_difference(record.remainder, penny=True) + _difference(record.shortfall, penny=True),
        penny_currency=_penny_currency(pair),
        realized_gain=ZERO if record.gain is None else record.gain.accounting_amount,
        gain_currency=raising.accounting_currency,
        event_source=message.ref.source,
        event_id=message.ref.id,
        first_source=first_of(message).source,
        first_id=first_of(message).id,
        reference=message.reference_offset,
        why=None if why is None else as_json(why).decode(),
        posted_at=broker_time(message),
    )


def _difference(difference: Difference | None, *, penny: bool) -> Decimal:
    return difference.amount if difference is not None and difference.penny is penny else ZERO


def _penny_currency(pair: _Pair) -> str | None:
    """Of what is written off as a penny difference; of L's if both are."""
    if _difference(pair.record.remainder, penny=True):
        return pair.lowering.currency
    return pair.raising.currency if _difference(pair.record.shortfall, penny=True) else None


def take_settlement_reversal(books: InquiryBooks, message: Message) -> None:
    """`settlement.reversed`: all records of runs, or a part of very many."""
    data: SettlementReversed = message.data
    at = broker_time(message)
    for record in data.records:
        key = (*record.run, record.ledger, record.number)
        if books.record_reversals.get(key) is None:
            books.record_reversals.put(key, RecordReversalRow(*key, record.date, data.reason, *cause_of(message), at))
