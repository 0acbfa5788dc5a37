"""What others may read of the settlement service's tables: documents and settlement records as its rules have them.

Invariant: rows are read by the service's own readers (services.settlement.stored_tables), so their form is known in one
place; a large ledger is read page by page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.settlement.rules.values import DocumentKey, RecordInForce
from services.settlement.stored_tables import TABLES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.settlement.rules.values import Document
    from shared.delivery.ports import Connection

_PAGE: Final = 5000
_NEXT: Final = """
select ledger, company, document, body from documents
where (ledger, company, document) > ($1, $2, $3) and ($4::text is null or company = $4) and ($5::text is null or party = $5)
order by ledger, company, document limit $6
"""
_NEXT_RECORDS: Final = """
select run_id, run_source, ledger, number, body from records
where (run_id, run_source, ledger, number) > ($1, $2, $3, $4) order by run_id, run_source, ledger, number limit $5
"""
_OF_EVENT: Final = "select body from documents where event_id = $1"
_OF_NUMBER: Final = """
select body from documents where ledger in ('receivable', 'payable') and document = $1
and company in (select data->>'company' from reference where type = 'company.defined')
"""
_OF_RUN: Final = "select body from records where run_id = $1"


async def documents(connection: Connection, company: str | None = None, party: str | None = None) -> AsyncIterator[Document]:
    """All posted documents, by ledger, company and number."""
    last = ("", "", "")
    while True:
        rows = await connection.fetch(_NEXT, *last, company, party, _PAGE)
        for row in rows:
            yield TABLES["documents"].read(row["body"])[1]
        if len(rows) < _PAGE:
            return
        last = (rows[-1]["ledger"], rows[-1]["company"], rows[-1]["document"])


async def record_pages(connection: Connection) -> AsyncIterator[list[RecordInForce]]:
    """All settlement records, reversed ones too, a page at a time."""
    last: tuple[Any, ...] = ("", "", "", -1)
    while rows := await connection.fetch(_NEXT_RECORDS, *last, _PAGE):
        yield [TABLES["records"].read(row["body"])[1] for row in rows]
        last = (rows[-1]["run_id"], rows[-1]["run_source"], rows[-1]["ledger"], rows[-1]["number"])


async def documents_named(connection: Connection, name: str) -> list[Document]:
    """The documents that an event of this id posted, and those with this number."""
    rows = [*await connection.fetch(_OF_EVENT, name), *await connection.fetch(_OF_NUMBER, name)]
    found = dict(TABLES["documents"].read(row["body"]) for row in rows)
    return list(found.values())


async def documents_by_key(connection: Connection, keys: Iterable[DocumentKey]) -> list[Document]:
    """The documents with these keys."""
    return [document for key in keys async for document in _read(connection, "documents", TABLES["documents"].select, key)]


async def records_of_run(connection: Connection, run_id: str) -> list[RecordInForce]:
    """The records, reversed ones too, of all runs with this id."""
    return [TABLES["records"].read(row["body"])[1] for row in await connection.fetch(_OF_RUN, run_id)]


async def records_of_document(connection: Connection, key: DocumentKey) -> list[RecordInForce]:
    """The records, reversed ones too, that a document has part in."""
    return [record async for record in _read(connection, "records", TABLES["records"].indexes["document"].select, key)]


async def _read(connection: Connection, table: str, select: str, key: DocumentKey) -> AsyncIterator[Any]:
    for row in await connection.fetch(select, *([part] for part in key)):
        yield TABLES[table].read(row["body"])[1]
