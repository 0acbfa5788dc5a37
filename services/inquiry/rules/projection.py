"""The tables that follow from all that was said: base rows with what is derived of them, in memory.

It is the oracle of store.py: over the same messages the database has these rows.

Invariant: every table is a function of the books' rows alone, so it does not depend on the order of the messages.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any, Final

import orjson

from services.inquiry.rules.books import DocumentKey, EventKey, InquiryBooks
from services.inquiry.rules.imports import NOTHING_SAID, imports
from services.inquiry.rules.rows import DocumentRow, EventRow, ImportedRow, VoucherRow
from services.inquiry.rules.vouchers import daily_sums, sums_between
from shared.events.vouchers import voucher_number
from shared.money import ZERO

Row = dict[str, Any]

EventName = tuple[str, str]
"""Source and id."""

_DOCUMENT = ("ledger", "company", "document")
_RECORD = ("run_id", "run_source", "ledger", "number")
_VOUCHER = ("company", "series", "number")
KEYS: Final[dict[str, tuple[str, ...]]] = {
    "events": ("source", "id", "digest"),
    "refused_versions": ("source", "id", "digest"),
    "documents": _DOCUMENT,
    "document_reversals": _DOCUMENT,
    "takes": (*_RECORD, "side"),
    "records": _RECORD,
    "record_reversals": _RECORD,
    "vouchers": _VOUCHER,
    "lines": (*_VOUCHER, "line"),
    "daily": ("company", "account", "posting_type", "partner", "currency", "date"),
    "between_months": ("company", "partner", "currency", "posting_type", "month"),
    "between_days": ("company", "partner", "currency", "posting_type", "date", "posted_on"),
    "journals": ("company", "document"),
    "journal_refusals": ("company", "document"),
    "refusals": ("id",),
    "reference_history": ("key", "position"),
    "imported": ("company", "voucher"),
}
"""The tables that messages fill, each with its primary key."""


def tables(books: InquiryBooks) -> dict[str, list[Row]]:
    """All rows of every table as mappings by column, in no order; without what only the database gives (vouchers.position)."""
    months, days = sums_between(books.vouchers)
    current = current_versions(books)
    imported = imports(books, current.values())
    return {
        "events": _events(books, current),
        "refused_versions": _plain(books.refused_versions),
        "documents": _documents(books, current),
        "document_reversals": _plain(books.document_reversals),
        "takes": [_reversible(books, row, row[:4]) for row in books.takes],
        "records": [_reversible(books, row, row[:4]) for row in books.records],
        "record_reversals": _plain(books.record_reversals),
        "vouchers": [_voucher(each.voucher, imported) for each in books.vouchers],
        "lines": [line._asdict() for each in books.vouchers for line in each.lines],
        "daily": [row._asdict() for row in daily_sums(line for each in books.vouchers for line in each.lines)],
        "between_months": [row._asdict() for row in months],
        "between_days": [row._asdict() for row in days],
        "journals": _journals(books),
        "journal_refusals": _plain(books.journal_refusals),
        "refusals": _plain(books.refusals),
        "reference_history": _plain(books.reference_history),
        "imported": _plain(imported.values()),
    }


def _plain(rows: Any) -> list[Row]:
    return [row._asdict() for row in rows]


def current_versions(books: InquiryBooks) -> dict[EventName, EventRow]:
    """Of each event the version that counts: sent last of those that were not refused, or whose id was not taken, or of all."""

    def rank(row: EventRow) -> tuple[Any, ...]:
        key: EventKey = (row.source, row.id, row.digest)
        refused = books.refused_versions.get(key)
        is_conflicting = refused is not None and refused.is_conflicting
        return (not is_conflicting, refused is None, row.last_received_at, row.last_offset, row.digest)

    current: dict[EventName, EventRow] = {}
    for row in books.events:
        known = current.get((row.source, row.id))
        if known is None or rank(row) > rank(known):
            current[row.source, row.id] = row
    return current


def _events(books: InquiryBooks, current: dict[EventName, EventRow]) -> list[Row]:
    return [{**row._asdict(), "is_current": current[row.source, row.id] is row} for row in books.events]


def _documents(books: InquiryBooks, events: dict[EventName, EventRow]) -> list[Row]:
    taken = _taken(books)
    return [_document(books, row, events.get((row.event_source, row.event_id)), taken) for row in books.documents]


def _voucher(row: VoucherRow, imported: dict[tuple[str, str], ImportedRow]) -> Row:
    said = imported.get((row.company, voucher_number(row.series, row.number)))
    return {**row._asdict(), "import_state": NOTHING_SAID if said is None else said.state}


def _taken(books: InquiryBooks) -> dict[DocumentKey, tuple[Decimal, Decimal]]:
    """What the records in force take from each document, in its currency and in accounting currency."""
    sums: defaultdict[DocumentKey, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for take in books.takes:
        if books.record_reversals.get(take[:4]) is None:
            key = (take.ledger, take.company, take.document)
            amount, value = sums[key]
            sums[key] = (amount + take.amount, value + take.value)
    return sums


def _document(books: InquiryBooks, row: DocumentRow, event: EventRow | None, taken: dict[DocumentKey, tuple[Decimal, Decimal]]) -> Row:
    key = (row.ledger, row.company, row.document)
    reversal = books.document_reversals.get(key)
    amount, value = (row.amount, row.accounting_amount) if reversal is None else (ZERO, ZERO)
    gone, gone_value = taken[key]
    return {
        **row._asdict(),
        **_terms(row, event),
        "reversed_on": None if reversal is None else reversal.date,
        "reversed_at": None if reversal is None else reversal.posted_at,
        "open": amount - gone,
        "open_accounting": value - gone_value,
    }


def _terms(row: DocumentRow, event: EventRow | None) -> Row:
    """What an invoice's own event says; a payment's says nothing of it."""
    said = {} if event is None else orjson.loads(event.data)
    linked = said.get("intercompany_invoice") or {}
    due_date = said.get("due_date")
    return {
        "due_date": row.due_date if due_date is None else row.date.fromisoformat(due_date),
        "cash_discounts": orjson.dumps(said["cash_discounts"]).decode() if said.get("cash_discounts") else None,
        "credits": said.get("credits"),
        "ic_company": linked.get("company"),
        "ic_document": linked.get("document"),
    }


def _reversible(books: InquiryBooks, row: Any, key: Any) -> Row:
    reversal = books.record_reversals.get(key)
    mark = (None, None) if reversal is None else (reversal.date, reversal.posted_at)
    return {**row._asdict(), "reversed_on": mark[0], "reversed_at": mark[1]}


def _journals(books: InquiryBooks) -> list[Row]:
    rows = []
    for journal in books.journals:
        refusal = books.journal_refusals.get((journal.company, journal.document))
        if refusal is not None:
            journal = journal._replace(status="refused", changed_at=refusal.refused_at)  # noqa: PLW2901 - the same journal, as it is now
        rows.append(journal._asdict())
    return rows
