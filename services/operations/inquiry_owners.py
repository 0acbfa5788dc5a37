"""What the topics no longer have, read page by page from the services that own it, for inquiry's tables that are read again.

A topic that was lost, or whose retention has removed its beginning, leaves the books where they are: vouchers in posting, documents
and settlement records in settlement, sales payment journals in payment, refusals in each. From there they are saved as what the topics say
is, by the projection's own rules and statements, so that what is there already stays and nothing is counted twice.

Invariant: amounts, accounts and dates are the owners'. Where a date of reversal is kept nowhere else it is that of the voucher that
mirrors it. What no owner keeps (events as they were sent, times of the broker) is taken over from the tables in use, where there are any.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import orjson

from services.desk.rejections import refused, whole
from services.inquiry.rebuild import hold
from services.inquiry.restore import VoucherOrigin, restore_origins, restore_reference, restore_terms, take_over, voucher_origins
from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.documents import take_document
from services.inquiry.rules.journals import take_journal
from services.inquiry.rules.records import LOWERING_SIDE, RAISING_SIDE
from services.inquiry.rules.refusals import take_refusal
from services.inquiry.rules.rows import DocumentReversalRow, RecordReversalRow, RecordRow, TakeRow
from services.inquiry.rules.vouchers import take_voucher
from services.inquiry.store import Store
from services.payment import queries as payment_queries
from services.posting import queries as posting_queries
from services.settlement import queries as settlement_queries
from shared.events.codec import as_json
from shared.events.envelope import EventRef, Message
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT_REVERSAL
from shared.events.settlements import DocumentPosted
from shared.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.desk.schemas import Schemas
    from services.inquiry.rules.books import VoucherKey
    from services.settlement.rules.values import Document, DocumentKey, RecordInForce, RecordKey
    from shared.delivery.ports import Connection
    from shared.events.vouchers import Voucher
    from shared.postgresql.database import Postgres

SOURCE: Final = "intercompany/inquiry/restored"
"""The source of events that stand for those that nobody knows any more."""
_PAGE: Final = 500
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def posted_on(day: date) -> datetime:
    """When something was posted of which only the accounting date is known."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


async def restore(owners: Schemas, inquiry: Postgres, live: str | None) -> None:
    """Puts into the schema of `inquiry` all that the owners have and it lacks; `live`: the schema in use, if there is one."""
    if live is not None:
        async with inquiry.transaction() as connection:
            await hold(connection, inquiry.schema)
            await take_over(connection, live, inquiry.schema)
    await _restore_reference(owners, inquiry)
    await _restore_documents(owners, inquiry)
    await _restore_records(owners, inquiry)
    await _restore_vouchers(owners, inquiry, live)
    await _restore_journals(owners, inquiry)
    await _restore_refusals(owners, inquiry)
    if live is not None:
        async with inquiry.transaction() as connection:
            await hold(connection, inquiry.schema)
            await restore_origins(connection, live, inquiry.schema)


async def _save(inquiry: Postgres, books: InquiryBooks) -> None:
    """A page, as a batch of the service is saved: nobody else writes meanwhile."""
    async with inquiry.transaction() as connection:
        await hold(connection, inquiry.schema)
        await Store().save(connection, books)


async def _restore_reference(owners: Schemas, inquiry: Postgres) -> None:
    async with owners.of("settlement") as connection:
        in_force = await settlement_queries.reference_events(connection)
    rows = [(key, each.type, orjson.dumps(each.data).decode()) for key, each in in_force.items()]
    async with inquiry.transaction() as connection:
        await hold(connection, inquiry.schema)
        await restore_reference(connection, rows, SOURCE, _BEGINNING)


# Documents


async def _restore_documents(owners: Schemas, inquiry: Postgres) -> None:
    page: list[Document] = []
    async with owners.of("settlement") as settlement, owners.of("posting") as posting:
        async for document in settlement_queries.documents(settlement):
            page.append(document)
            if len(page) == _PAGE:
                await _save_documents(inquiry, posting, page)
                page = []
        await _save_documents(inquiry, posting, page)


async def _save_documents(inquiry: Postgres, posting: Connection, page: list[Document]) -> None:
    books = InquiryBooks()
    for document in page:
        take_document(books, _document_posted(document))
    reversed_ = [document.key for document in page if document.is_reversed]
    for voucher in await posting_queries.vouchers_of_documents(posting, reversed_) if reversed_ else ():
        if voucher.kind not in DOCUMENT_KINDS:
            key = (voucher.ledger, voucher.company, voucher.document)
            books.document_reversals.put(key, DocumentReversalRow(*key, voucher.date, "", *_event_of(voucher), posted_on(voucher.date)))
    terms = [_terms(document) for document in page]
    async with inquiry.transaction() as connection:
        await hold(connection, inquiry.schema)
        await Store().save(connection, books)
        await restore_terms(connection, [document.event for document in page], terms)


def _document_posted(document: Document) -> Message:
    data = DocumentPosted(
        ledger=document.ledger,
        company=document.company,
        document=document.document,
        kind=document.kind,
        party=document.party,
        account=document.account,
        date=document.date,
        currency=document.currency,
        amount=document.amount,
        accounting_currency=document.accounting_currency,
        exchange_rate=document.exchange_rate,
        accounting_amount=document.accounting_amount,
        summary_account=document.summary_account,
        dimensions=document.dimensions,
        lines=[],
        reference=document.reference,
        text=document.text,
    )
    return Message(document.event, "document.posted", data, posted_on(document.date), cause=document.event, first=document.event)


def _terms(document: Document) -> tuple[object, ...]:
    tiers = as_json(document.discounts).decode() if document.discounts else None
    return (*document.key, document.due_date, tiers, document.credits, document.intercompany_company, document.intercompany_document)


# Settlement records


async def _restore_records(owners: Schemas, inquiry: Postgres) -> None:
    async with owners.of("settlement") as settlement, owners.of("posting") as posting:
        async for page in settlement_queries.record_pages(settlement):
            keys = {key for record in page for key in (record.lowering, record.raising)}
            documents = await settlement_queries.documents_by_key(settlement, sorted(keys))
            mirrored = await _mirrored(posting, {record.run for record in page if record.is_reversed})
            await _save(inquiry, _books_of(page, documents, mirrored))


async def _mirrored(posting: Connection, runs: set[EventRef]) -> dict[tuple[EventRef, str, int | None], date]:
    """The dates on which records of these runs were mirrored; within one company a record may have posted nothing."""
    vouchers = await posting_queries.vouchers_of_runs(posting, sorted(runs)) if runs else []
    return {
        (each.settlement.ref, each.ledger, each.record): each.date
        for each in vouchers
        if each.settlement is not None and each.kind == SETTLEMENT_REVERSAL
    }


def _books_of(
    page: Iterable[RecordInForce], documents: Mapping[DocumentKey, Document], mirrored: Mapping[tuple[EventRef, str, int | None], date]
) -> InquiryBooks:
    books = InquiryBooks()
    for record in page:
        key = _key(record.key)
        at = posted_on(record.date)
        books.records.put(key, _record(record, documents[record.lowering], documents[record.raising]))
        for side, of, amount, value in (
            (LOWERING_SIDE, record.lowering, record.taken_from_lowering, record.accounting_amount_from_lowering),
            (RAISING_SIDE, record.raising, record.taken_from_raising, record.accounting_amount_from_raising),
        ):
            books.takes.put((*key, side), TakeRow(*key, side, of.company, of.document, record.date, amount, value, at))
        if record.is_reversed:
            on = mirrored.get((record.run, record.ledger, record.number), record.date)
            books.record_reversals.put(key, RecordReversalRow(*key, on, "", SOURCE, record.run.id, posted_on(on)))
    return books


def _key(key: RecordKey) -> tuple[str, str, str, int]:
    return (*key.run, key.ledger, key.number)


def _record(record: RecordInForce, lowering: Document, raising: Document) -> RecordRow:
    """The record as it was told; what settlement does not keep of it is what can be told from the rest."""
    penny = abs(record.penny_difference)
    lowering_rest = record.taken_from_lowering - record.amount - record.overpayment - record.credit_note_discount
    penny_of_lowering = ZERO if record.enlarges else lowering_rest
    beside = record.credit_note_discount if record.enlarges else record.cash_discount + record.underpayment + penny - penny_of_lowering
    penny_currency = (lowering if penny_of_lowering else raising).currency if penny else None
    return RecordRow(
        *_key(record.key),
        date=record.date,
        party=lowering.party,
        primary_company=lowering.company if record.enlarges else None,
        primary_document=lowering.document if record.enlarges else None,
        lowering_company=lowering.company,
        lowering_document=lowering.document,
        raising_company=raising.company,
        raising_document=raising.document,
        enlarges=record.enlarges,
        lowering_currency=lowering.currency,
        raising_currency=raising.currency,
        amount=record.amount,
        applied=record.taken_from_raising - beside,
        cash_discount=record.cash_discount,
        cash_discount_rule=None,
        credit_note_discount=record.credit_note_discount,
        overpayment=record.overpayment,
        underpayment=record.underpayment,
        penny_difference=penny,
        penny_currency=penny_currency,
        realized_gain=record.realized_gain,
        gain_currency=raising.accounting_currency,
        event_source=SOURCE,
        event_id=record.run.id,
        first_source=record.run.source,
        first_id=record.run.id,
        reference=0,
        why=None if record.why is None else as_json(record.why).decode(),
        posted_at=posted_on(record.date),
    )


# Vouchers, journals, refusals


async def _restore_vouchers(owners: Schemas, inquiry: Postgres, live: str | None) -> None:
    async with owners.of("posting") as posting:
        async for page in posting_queries.voucher_pages(posting):
            origins: dict[VoucherKey, VoucherOrigin] = {}
            if live is not None:
                async with inquiry.transaction() as connection:
                    origins = await voucher_origins(connection, live, [(each.company, each.series, each.number) for each in page])
            books = InquiryBooks()
            for voucher in page:
                origin = origins.get((voucher.company, voucher.series, voucher.number)) or _origin_of(voucher)
                ref = EventRef(SOURCE, origin.event_id)
                take_voucher(books, Message(ref, "voucher.posted", voucher, origin.posted_at, cause=origin.cause, first=origin.first))
            await _save(inquiry, books)


def _origin_of(voucher: Voucher) -> VoucherOrigin:
    """What is told of a voucher of which nothing else is known: its run stands for what it came of."""
    ref = _event_of(voucher)
    first = ref if voucher.settlement is None else voucher.settlement.ref
    return VoucherOrigin(posted_on(voucher.date), ref.id, first, first)


def _event_of(voucher: Voucher) -> EventRef:
    return EventRef(SOURCE, f"{voucher.company}/{voucher.voucher}")


async def _restore_journals(owners: Schemas, inquiry: Postgres) -> None:
    async with owners.of("payment") as payment:
        async for page in payment_queries.journal_pages(payment):
            books = InquiryBooks()
            for each in page:
                ref = EventRef(SOURCE, f"{each.data.company}/{each.data.document}")
                take_journal(books, Message(ref, f"sales-payment-journal.{each.status}", each.data, posted_on(each.data.date)))
            await _save(inquiry, books)


async def _restore_refusals(owners: Schemas, inquiry: Postgres) -> None:
    books = InquiryBooks()
    count = 0
    async for each in whole(owners, await refused(owners)):
        ref = EventRef(f"intercompany/{each.service}", each.id)
        take_refusal(books, Message(ref, "event.rejected", each.rejection, each.rejected_at))
        count += 1
        if count % _PAGE == 0:
            await _save(inquiry, books)
            books = InquiryBooks()
    await _save(inquiry, books)
