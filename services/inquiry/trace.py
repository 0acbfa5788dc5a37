"""Follows an event or a document to every voucher that came of it, in whichever company.

What always holds: from an event or document: its voucher; the settlement runs it has part in, with their records and the
vouchers of each in both companies; the sales payment journals that mirror it, and in turn all of that for them. The
other documents of a run are named, not followed: else everything a party ever did would be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.inquiry.schemas import schema_of
from services.payment import queries as sales_payments
from services.posting import queries as ledger
from services.settlement import queries as subledger
from services.settlement.rules.values import DocumentKey

if TYPE_CHECKING:
    from services.settlement.rules.values import Document, RecordInForce
    from shared.delivery.ports import Connection
    from shared.events.envelope import EventRef
    from shared.events.journals import SalesPaymentJournal
    from shared.settings import Settings

Row = dict[str, Any]

_MOST: Final = 1000
"""Documents and runs that one trace follows: a chain is short, but nothing here may run for ever."""


@dataclass(frozen=True, slots=True)
class TracedRun:
    """A settlement run: its records and the vouchers it made, reversals included."""

    run: EventRef
    records: list[RecordInForce]
    vouchers: list[Row]


@dataclass(frozen=True, slots=True)
class TracedDocument:
    """A document with its vouchers; `journal`: status and content of the sales payment journal that it is, if it is one."""

    document: Document
    vouchers: list[Row]
    journal: tuple[str, SalesPaymentJournal] | None


@dataclass(frozen=True, slots=True)
class Trace:
    """Documents and runs in the order in which they followed from each other."""

    documents: list[TracedDocument] = field(default_factory=list)
    runs: list[TracedRun] = field(default_factory=list)

    @property
    def found(self) -> bool:
        """Whether there is anything of that name."""
        return bool(self.documents or self.runs)


async def trace(settings: Settings, name: str) -> Trace:
    """What came of the event with this id, or of the documents with this number."""
    async with (
        schema_of("payment", settings) as payment,
        schema_of("settlement", settings) as settlement,
        schema_of("posting", settings) as posting,
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
        documents = await subledger.documents_named(self._settlement, name)
        for document in documents:
            await self._upstream(document)
        for record in await subledger.records_of_run(self._settlement, name):
            await self._run(record.run)
        return self._trace

    async def _upstream(self, document: Document) -> None:
        """A sales payment is followed from the vendor payment that it mirrors."""
        for _, journal in await sales_payments.journal_numbered(self._payment, document.company, document.document):
            payer = DocumentKey("payable", *journal.mirrors)
            for vendor_payment in await subledger.documents_by_key(self._settlement, [payer]):
                await self._document(vendor_payment)
        await self._document(document)

    async def _document(self, document: Document) -> None:
        if document.key in self._seen or len(self._seen) >= _MOST:
            return
        self._seen.add(document.key)
        vouchers = await ledger.vouchers_of_documents(self._posting, [document.key])
        journals = await sales_payments.journal_numbered(self._payment, document.company, document.document)
        self._trace.documents.append(TracedDocument(document, vouchers, journals[0] if journals else None))
        for record in await subledger.records_of_document(self._settlement, document.key):
            await self._run(record.run)
        await self._mirrors(document)

    async def _mirrors(self, document: Document) -> None:
        for _, journal in await sales_payments.mirrors_of(self._payment, document.event, document.company, document.document):
            key = DocumentKey("receivable", journal.company, journal.document)
            for sales_payment in await subledger.documents_by_key(self._settlement, [key]):
                await self._document(sales_payment)

    async def _run(self, run: EventRef) -> None:
        if run in self._runs or len(self._runs) >= _MOST:
            return
        self._runs.add(run)
        records = [record for record in await subledger.records_of_run(self._settlement, run.id) if record.run == run]
        self._trace.runs.append(TracedRun(run, records, await ledger.vouchers_of_runs(self._posting, [run])))
        for key in {record.lowering for record in records if record.ledger == "payable"}:
            for payment in await subledger.documents_by_key(self._settlement, [key]):
                await self._mirrors(payment)
