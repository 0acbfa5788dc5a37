"""Follows an event or a document to every voucher that came of it, in whichever company.

Invariant: from an event or document: its voucher; the settlement runs it has part in, with their records and the
vouchers of each in both companies; the sales payment journals that mirror it, and in turn all of that for them. The
other documents of a run are named, not followed: else everything a party ever did would be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.desk.rows import document_row, journal_row, money, settlement_row, voucher_row
from services.payment import queries as payment_queries
from services.posting import queries as posting_queries
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.schemas import Schemas
    from services.payment.rules.values import SalesPayment
    from services.settlement.rules.values import Document, RecordInForce
    from shared.delivery.ports import Connection
    from shared.events.envelope import EventRef
    from shared.events.vouchers import Voucher

Row = dict[str, Any]

_MOST: Final = 1000
"""Documents and runs that one trace follows: a chain is short, but nothing here may run for ever."""


@dataclass(frozen=True, slots=True)
class TracedDocument:
    """A document; `journal`: the sales payment journal that it is, if it is one."""

    document: Document
    vouchers: list[Row]
    journal: SalesPayment | None

    def as_row(self) -> Row:
        """The document as it is shown everywhere, what it is, the event that posted it, its journal and its vouchers."""
        document = self.document
        return {
            **document_row(document),
            "kind": document.kind,
            "date": document.date.isoformat(),
            "amount": money(document.amount, document.currency),
            "event": document.event.id,
            "source": document.event.source,
            "journal": journal_row(self.journal, booked=True) if self.journal else None,
            "vouchers": self.vouchers,
        }


@dataclass(frozen=True, slots=True)
class TracedRun:
    """A settlement run: its records as rows, and the vouchers it made, reversals included."""

    run: EventRef
    records: list[Row]
    vouchers: list[Row]

    def as_row(self) -> Row:
        """The run with its records and vouchers."""
        return {"settlement": self.run.id, "source": self.run.source, "records": self.records, "vouchers": self.vouchers}


@dataclass(frozen=True, slots=True)
class Trace:
    """Documents and runs in the order in which they followed from each other."""

    documents: list[TracedDocument] = field(default_factory=list)
    runs: list[TracedRun] = field(default_factory=list)

    @property
    def found(self) -> bool:
        """Whether there is anything of that name."""
        return bool(self.documents or self.runs)

    def as_row(self) -> Row:
        """The trace as an object."""
        return {"documents": [each.as_row() for each in self.documents], "settlements": [each.as_row() for each in self.runs]}


async def trace(schemas: Schemas, name: str) -> Trace:
    """What came of the event with this id, or of the documents with this number."""
    async with (
        schemas.of("payment") as payment,
        schemas.of("settlement") as settlement,
        schemas.of("posting") as posting,
    ):
        return await _Tracer(payment, settlement, posting).follow(name)


class _Tracer:
    def __init__(self, payment: Connection, settlement: Connection, posting: Connection) -> None:
        self._payment = payment
        self._settlement = settlement
        self._posting = posting
        self._trace = Trace()
        self._seen: set[DocumentKey] = set()
        self._runs: set[EventRef] = set()

    async def follow(self, name: str) -> Trace:
        documents = await settlement_queries.documents_named(self._settlement, name)
        for document in documents:
            await self._upstream(document)
        for record in await settlement_queries.records_of_run(self._settlement, name):
            await self._run(record.run)
        return self._trace

    async def _upstream(self, document: Document) -> None:
        """A sales payment is followed from the vendor payment that it mirrors."""
        journal = await payment_queries.journal_numbered(self._payment, document.company, document.document)
        if journal is not None:
            await self._documents([DocumentKey("payable", *journal.data.mirrors)])
        await self._document(document)

    async def _documents(self, keys: Iterable[DocumentKey]) -> None:
        for document in (await settlement_queries.documents_by_key(self._settlement, keys)).values():
            await self._document(document)

    async def _document(self, document: Document) -> None:
        if document.key in self._seen or len(self._seen) >= _MOST:
            return
        self._seen.add(document.key)
        vouchers = await posting_queries.vouchers_of_documents(self._posting, [document.key])
        journal = await payment_queries.journal_numbered(self._payment, document.company, document.document)
        self._trace.documents.append(TracedDocument(document, self._rows(vouchers), journal))
        for record in await settlement_queries.records_of_document(self._settlement, document.key):
            await self._run(record.run)
        await self._mirrors(document)

    async def _mirrors(self, document: Document) -> None:
        mirrors = await payment_queries.mirrors_of(self._payment, document.event, document.company, document.document)
        await self._documents([DocumentKey("receivable", *journal.key) for journal in mirrors])

    async def _run(self, run: EventRef) -> None:
        if run in self._runs or len(self._runs) >= _MOST:
            return
        self._runs.add(run)
        records = [record for record in await settlement_queries.records_of_run(self._settlement, run.id) if record.run == run]
        documents = await self._documents_of(records)
        rows = [_record_row(record, documents) for record in records]
        self._trace.runs.append(TracedRun(run, rows, self._rows(await posting_queries.vouchers_of_runs(self._posting, [run]))))
        payments = {record.lowering for record in records if record.ledger == "payable"}
        for key in sorted(payments):
            await self._mirrors(documents[key])

    async def _documents_of(self, records: Iterable[RecordInForce]) -> dict[DocumentKey, Document]:
        keys = {key for record in records for key in (record.lowering, record.raising)}
        return await settlement_queries.documents_by_key(self._settlement, sorted(keys))

    def _rows(self, vouchers: Iterable[Voucher]) -> list[Row]:
        return [voucher_row(voucher) for voucher in vouchers]


def _record_row(record: RecordInForce, documents: dict[DocumentKey, Document]) -> Row:
    """The settlement record as it is shown everywhere, its number in the run, and whether it is reversed."""
    row = settlement_row(record, documents[record.lowering], documents[record.raising])
    return {"record": record.number, **row, "reversed": record.is_reversed}
