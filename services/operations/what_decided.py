"""What a simulated voucher comes of and the simulation did not change: its lines cannot say without it why they are there.

Invariant: nothing is replaced that the simulation has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.desk.why.mirrored import is_mirrored
from services.payment import queries as payment_queries
from services.payment.rules.values import JournalKey
from services.posting import queries as posting_queries
from services.posting.rules.numbers import VoucherKey
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey, RecordKey
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.rows import BooksOfAll
    from services.desk.schemas import OneMoment
    from services.settlement.rules.values import RecordInForce
    from shared.events.vouchers import Voucher

_KINDS_OF_THEIR_OWN: Final = frozenset({*DOCUMENT_KINDS, SETTLEMENT})


async def load_what_decided(snapshot: OneMoment, books: BooksOfAll) -> None:
    """Adds to a simulation's books what its vouchers come of and the simulation did not change."""
    vouchers = list(books.posting.vouchers)
    posting = await snapshot.of("posting")
    mirrors = [each for each in vouchers if each.kind not in _KINDS_OF_THEIR_OWN]
    runs = {each.settlement.ref for each in mirrors if each.settlement is not None}
    keys = {(each.ledger, each.company, each.document) for each in mirrors if each.settlement is None}
    originals = [
        *(await posting_queries.vouchers_of_runs(posting, runs) if runs else ()),
        *(await posting_queries.vouchers_of_documents(posting, keys) if keys else ()),
    ]
    books.posting.vouchers.loaded_whole(None, ((VoucherKey(each.company, each.series, each.number), each) for each in originals))
    await _load_of_settlement(snapshot, books, vouchers)


async def _load_of_payer(snapshot: OneMoment, books: BooksOfAll, record: RecordInForce) -> set[DocumentKey]:
    """The journal of a sales payment and the records of the run that it mirrors; the vendor payment and what that settled."""
    key, tables = JournalKey(record.lowering.company, record.lowering.document), books.settlement
    journal = books.payment.journals.get(key)
    if journal is None:
        journal = await payment_queries.journal_numbered(await snapshot.of("payment"), *key)
        if journal is None:
            return set()
        books.payment.journals.loaded(key, journal)
    run, found = journal.data.run, {DocumentKey("payable", *journal.data.mirrors)}
    for each in await settlement_queries.records_of_run(await snapshot.of("settlement"), run.id):
        if each.run == run and tables.records.get(each.key) is None:
            tables.records.loaded(each.key, each)
    return found | {each.raising for each in tables.records if each.run == run}


async def _load_of_settlement(snapshot: OneMoment, books: BooksOfAll, vouchers: Iterable[Voucher]) -> None:
    """Records and documents of vouchers that only now could be posted: settlement had decided them before."""
    settlement, tables = await snapshot.of("settlement"), books.settlement
    own: set[DocumentKey] = set()
    for voucher in vouchers:
        if voucher.settlement is None or voucher.record is None:
            own.add(DocumentKey(voucher.ledger, voucher.company, voucher.document))  # type: ignore[arg-type]
            continue
        key = RecordKey(voucher.settlement.ref, voucher.ledger, voucher.record)  # type: ignore[arg-type]
        record = tables.records.get(key)
        if record is None:
            record = await settlement_queries.record(settlement, key)
        if record is not None:
            tables.records.loaded(key, record)
            own |= {record.lowering, record.raising}
            if voucher.kind == SETTLEMENT and is_mirrored(record):
                own |= await _load_of_payer(snapshot, books, record)
    missing = [key for key in own if tables.documents.get(key) is None]
    for document_key, document in (await settlement_queries.documents_by_key(settlement, missing) if missing else {}).items():
        tables.documents.loaded(document_key, document)
