"""The reconciler: what one service says is compared with what another one has of it, document by document and voucher by voucher.

Each service is read a page at a time, every page in a statement (or a transaction of one moment) of its own: nothing is locked, no
snapshot is held for longer than a page takes, and memory does not grow with the books. So it runs beside a live system:

- A voucher never changes and its number is the next of its series: those up to the numbers of one moment add up to the balances of
  that moment, whenever they are read.
- What has caused something was committed before it. So from effect to cause a difference is one.
- From cause to effect it may be under way. Such a doubt is kept, what was under way by then is waited for (`under_way`), and the doubt
  is looked at again: a difference that remains is one. Where it could not be waited for long enough, that is said, without an alarm.

Invariant: whatever is sent, in whatever order, and however often a service was killed meanwhile, every check holds, at rest and under
load; nothing is mended here, only shown, by name and with both figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.desk.checking import Check, Doubts
from services.desk.differences import document_judged, document_name, open_differs, record_judged
from services.desk.ledger_check import check_ledger
from services.desk.sales_payments_check import check_sales_payments
from services.desk.sent_check import check_sent
from services.desk.under_way import UnderWay
from services.posting import queries as posting_queries
from services.registry import POSTING, SERVICES
from services.settlement import queries as settlement_queries
from services.settlement.queries import TakenFrom
from shared.delivery import shell_queries
from shared.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.desk.differences import Judged
    from services.desk.schemas import Schemas
    from services.settlement.rules.values import Document, DocumentKey, RecordInForce

__all__ = ["Check", "reconcile"]

_NOTHING_TAKEN: Final = TakenFrom(ZERO, ZERO, 0)
_LISTED: Final = 20


async def reconcile(schemas: Schemas, under_way: UnderWay | None = None) -> list[Check]:
    """All checks, on the three schemas."""
    doubts = Doubts(under_way or UnderWay(schemas))
    put_aside = [await _failed(schemas), await _gaps(schemas)]
    compared = [
        *await _check_documents(schemas, doubts),
        await _check_records(schemas, doubts),
        *await check_sales_payments(schemas, doubts),
        await check_sent(schemas, doubts),
        *await check_ledger(schemas),
    ]
    await doubts.settle()
    return [*await _on_the_way(doubts), *put_aside, *compared]


# Messages


async def _on_the_way(doubts: Doubts) -> list[Check]:
    """What is under way arrives; what is stuck is named."""
    left = await doubts.under_way.passed()
    last = await doubts.under_way.sent(POSTING.name)
    return [
        Check("what is decided is sent", f"{len(SERVICES)} services").found(*dict.fromkeys([*left.unsent, *last.unsent])),
        Check("what is sent is read", f"{len(SERVICES)} services").found(*(each for each in left.stuck if each in left.unread)),
    ]


async def _failed(schemas: Schemas) -> Check:
    check, count = Check("nothing is put aside as defects", ""), 0
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            found = await shell_queries.failed(connection, 0, _LISTED)
            number = (await shell_queries.backlog(connection)).failed
        count += number
        for each in found:
            place = f"{each.topic}/{each.partition}/{each.offset}" if each.direction == "in" else each.topic
            check.found(f"{service.name}/{each.id}: {each.direction} {place}: {each.error[:200]}")
        check.more += number - len(found)
    check.compared = f"{count} messages"
    return check


async def _gaps(schemas: Schemas) -> Check:
    check = Check("no record was gone before it was read", f"{len(SERVICES)} services")
    for service in SERVICES:
        async with schemas.of(service.name) as connection:
            for each in await shell_queries.gaps(connection, ("", 0, 0), _LISTED, acknowledged=False):
                check.found(f"{service.name}/{each.topic}/{each.partition}: the records {each.first} to {each.last}")
    return check


# From settlement to posting


async def _check_documents(schemas: Schemas, doubts: Doubts) -> list[Check]:
    inbox = Check("every document's event is in the inbox", "")
    opened = Check("what is open of a document is what its records leave", "")
    posted = Check("each document has its voucher", "")
    page: list[Document] = []
    count = 0
    while page := await _document_page(schemas, page, inbox, opened):
        count += len(page)
        for document, judged in zip(page, await _documents_judged(schemas, page), strict=True):
            posted.found(*judged.wrong)
            if judged.missing:
                await doubts.add(posted, judged.missing, _document_again(schemas, document))
    inbox.compared = opened.compared = posted.compared = f"{count} documents"
    return [inbox, opened, posted]


async def _document_page(schemas: Schemas, before: Sequence[Document], inbox: Check, opened: Check) -> list[Document]:
    """The next documents, looked at beside the records and the inbox of the same moment."""
    async with schemas.moment_of("settlement") as settlement:
        page = await settlement_queries.document_page(settlement, before[-1].key if before else None)
        if page:
            taken = await settlement_queries.taken_of(settlement, [document.key for document in page])
            known = await shell_queries.taken(settlement, {document.event for document in page})
            for document in page:
                opened.found(*open_differs(document, taken.get(document.key, _NOTHING_TAKEN)))
                if document.event not in known:
                    inbox.found(f"{document_name(document)}: the event {document.event.source} {document.event.id} is not in the inbox")
    return page


async def _documents_judged(schemas: Schemas, page: Sequence[Document]) -> list[Judged]:
    async with schemas.of(POSTING.name) as posting:
        found = await posting_queries.found_of_documents(posting, [document.key for document in page])
    return [document_judged(document, found.get(document.key, [])) for document in page]


def _document_again(schemas: Schemas, document: Document) -> Any:
    async def again() -> list[str]:
        return (await _documents_judged(schemas, [document]))[0].missing

    return again


async def _check_records(schemas: Schemas, doubts: Doubts) -> Check:
    check = Check("each settlement record has its vouchers, in each company", "")
    page: list[RecordInForce] = []
    count = 0
    while True:
        async with schemas.of("settlement") as settlement:
            page = await settlement_queries.record_page(settlement, page[-1].key if page else None)
            keys = {key for record in page for key in (record.lowering, record.raising)}
            documents = await settlement_queries.documents_by_key(settlement, sorted(keys))
        if not page:
            break
        count += len(page)
        whole = [record for record in page if record.lowering in documents and record.raising in documents]
        for record, judged in zip(whole, await _records_judged(schemas, whole, documents), strict=True):
            check.found(*judged.wrong)
            if judged.missing:
                await doubts.add(check, judged.missing, _record_again(schemas, record, documents))
        for record in page:
            gone = [key for key in (record.lowering, record.raising) if key not in documents]
            check.found(*(f"record {record.number} of {record.run.id}: there is no {' '.join(key)}" for key in gone))
    check.compared = f"{count} records"
    return check


async def _records_judged(schemas: Schemas, page: Sequence[RecordInForce], documents: Mapping[DocumentKey, Document]) -> list[Judged]:
    names = [(*record.run, record.ledger, record.number) for record in page]
    async with schemas.of(POSTING.name) as posting:
        found = await posting_queries.found_of_records(posting, names)
    return [record_judged(record, documents, found.get(name, [])) for record, name in zip(page, names, strict=True)]


def _record_again(schemas: Schemas, record: RecordInForce, documents: Mapping[DocumentKey, Document]) -> Any:
    own = {key: documents[key] for key in (record.lowering, record.raising)}

    async def again() -> list[str]:
        return (await _records_judged(schemas, [record], own))[0].missing

    return again
