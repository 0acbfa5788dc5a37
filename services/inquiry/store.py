"""What the inquiry service writes for a batch.

Invariant: the number of statements of a batch does not depend on its size, and nothing is read row by row; what batches write
does not depend on their order, and nothing is written twice: base rows are inserted once, what is derived of them is computed
again for the keys that a batch touches. The sums of days and months grow by the vouchers that were new, in the transaction that adds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.inquiry import stored_tables as tables
from services.inquiry.rules.books import DocumentKey, InquiryBooks
from services.inquiry.rules.imports import STATES
from services.inquiry.rules.rows import LineRow, TakeRow
from services.inquiry.rules.vouchers import daily_sums, sums_between
from shared.delivery.ports import Connection
from shared.delivery.together import Statement
from shared.delivery.writes import Writes
from shared.events.contract import short_type
from shared.events.envelope import EventRef, Message
from shared.missing import Missing
from shared.working_set import Released
from shared.working_table import Table

_NAME: Final = 2
_DOCUMENT: Final = 3
_RECORD: Final = 4


class Store:
    """The tables of one schema; the connection's search_path names it."""

    opening = ""

    def only_look(self) -> None:
        """Nothing is drawn here."""

    async def load(self, connection: Connection, messages: Sequence[Message], opened: Mapping[str, Any] | None = None) -> InquiryBooks:
        """Nothing: what a message says follows from it alone."""
        del connection, messages, opened
        return InquiryBooks()

    async def load_missing(self, connection: Connection, books: InquiryBooks, missing: Iterable[Missing]) -> None:
        """Nothing is ever missing."""
        del connection, books, missing

    async def load_all(self, connection: Connection) -> InquiryBooks:
        """Nothing: questions are asked in SQL."""
        del connection
        return InquiryBooks()

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> InquiryBooks:
        """Nothing waits here."""
        del connection, events, older_than
        return InquiryBooks()

    async def load_released(self, connection: Connection, released: Released) -> InquiryBooks:
        """Nothing waits here."""
        del connection, released
        return InquiryBooks()

    def written(self, books: InquiryBooks) -> Writes:
        """Nothing: what there is to be written is found out when it is."""
        del books
        return Writes()

    async def save(
        self, connection: Connection, books: InquiryBooks, later: list[Statement] | None = None, writes: Writes | None = None
    ) -> None:
        """Everything that the messages of a batch say; at most 24 statements."""
        del later, writes
        await _save_events(connection, books)
        await _save_documents(connection, books)
        touched = await _save_records(connection, books)
        await _update_open(connection, books, touched)
        await _save_vouchers(connection, books)
        await _save_journals(connection, books)
        await _insert(connection, tables.SAVE_REFUSALS, books.refusals)
        await _insert(connection, tables.SAVE_REFERENCE, books.reference_history)


def _changed(table: Table[Any, Any]) -> list[Any]:
    """The rows that a batch brings."""
    return [row for row in table.changed.values() if row is not None]


async def _insert(connection: Connection, statement: str, table: Table[Any, Any]) -> None:
    if table.changed:
        rows = _changed(table)
        await connection.execute(statement, *tables.arrays(rows, len(rows[0])))


async def _save_events(connection: Connection, books: InquiryBooks) -> None:
    """Events, and of each that was sent or refused the version that counts now, with what follows from it.

    That is what the documents say that it caused, and what was said of a voucher.
    """
    await _insert(connection, tables.SAVE_REFUSED_VERSIONS, books.refused_versions)
    await _insert(connection, tables.SAVE_EVENTS, books.events)
    named = sorted({(source, id_) for source, id_, _ in (*books.events.changed, *books.refused_versions.changed)})
    if named:
        await connection.execute(tables.CHOOSE_CURRENT, *tables.arrays(named, _NAME))
        await connection.execute(tables.UPDATE_TERMS, *tables.arrays(named, _NAME))
        if _speaks_of_vouchers(books):
            await connection.execute(tables.TELL_IMPORTS, *tables.arrays(named, _NAME))


def _speaks_of_vouchers(books: InquiryBooks) -> bool:
    """Whether a company's own system said something of a voucher, or was refused it."""
    said = any(row.type in STATES for row in _changed(books.events))
    return said or any(short_type(row.type or "") in STATES for row in _changed(books.refusals))


async def _save_documents(connection: Connection, books: InquiryBooks) -> None:
    await _insert(connection, tables.SAVE_DOCUMENT_REVERSALS, books.document_reversals)
    await _insert(connection, tables.SAVE_DOCUMENTS, books.documents)
    named = sorted({*books.documents.changed, *books.document_reversals.changed})
    if named:
        await connection.execute(tables.MARK_DOCUMENTS, *tables.arrays(named, _DOCUMENT))


async def _save_records(connection: Connection, books: InquiryBooks) -> set[DocumentKey]:
    """Records and what they take; the documents of which what was taken changes."""
    await _insert(connection, tables.SAVE_RECORD_REVERSALS, books.record_reversals)
    touched: set[DocumentKey] = set()
    if books.records.changed:
        records = _changed(books.records)
        new = {tuple(row) for row in await connection.fetch(tables.SAVE_RECORDS, *tables.arrays(records, len(records[0])))}
        takes: list[TakeRow] = [row for row in _changed(books.takes) if row[:_RECORD] in new]
        if takes:
            await connection.copy_records_to_table("takes", records=takes, columns=TakeRow._fields)
            touched |= {(row.ledger, row.company, row.document) for row in takes}
    named = sorted({*books.records.changed, *books.record_reversals.changed})
    if named:
        await connection.execute(tables.MARK_RECORDS, *tables.arrays(named, _RECORD))
        touched |= {tuple(row) for row in await connection.fetch(tables.MARK_TAKES, *tables.arrays(named, _RECORD))}
    return touched


async def _update_open(connection: Connection, books: InquiryBooks, touched: set[DocumentKey]) -> None:
    named = sorted({*touched, *books.documents.changed, *books.document_reversals.changed})
    if named:
        await connection.execute(tables.UPDATE_OPEN, *tables.arrays(named, _DOCUMENT))


async def _save_vouchers(connection: Connection, books: InquiryBooks) -> None:
    """Vouchers that are new, their lines, and the sums of their days."""
    if not books.vouchers.changed:
        return
    posted = _changed(books.vouchers)
    rows = [each.voucher for each in posted]
    new = {tuple(row) for row in await connection.fetch(tables.SAVE_VOUCHERS, *tables.arrays(rows, len(rows[0])))}
    added = [each for each in posted if each.voucher[:3] in new]
    lines: list[LineRow] = [line for each in added for line in each.lines]
    if lines:
        await connection.copy_records_to_table("lines", records=lines, columns=LineRow._fields)
        months, days = sums_between(added)
        for statement, sums in ((tables.ADD_TO_DAYS, daily_sums(lines)), (tables.ADD_TO_MONTHS, months), (tables.ADD_BETWEEN_DAYS, days)):
            if sums:
                await connection.execute(statement, *tables.arrays(sums, len(sums[0])))


async def _save_journals(connection: Connection, books: InquiryBooks) -> None:
    await _insert(connection, tables.SAVE_JOURNAL_REFUSALS, books.journal_refusals)
    await _insert(connection, tables.SAVE_JOURNALS, books.journals)
    named = sorted({*books.journals.changed, *books.journal_refusals.changed})
    if named:
        await connection.execute(tables.REFUSE_JOURNALS, *tables.arrays(named, _NAME))
