"""The facts of a line out of the owners' tables: the voucher of posting, the record and documents of settlement.

Invariant: five statements at most in each schema, whatever the size of the books.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from services.desk.why.explain import Explanation, explain
from services.desk.why.facts import Bought, Facts, Lookup
from services.desk.why.mirrored import bought_of, is_mirrored
from services.desk.why.parameters import lookup_in
from services.payment import queries as payment_queries
from services.posting import queries as posting_queries
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey, RecordKey
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT
from shared.reference import Reference

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from services.settlement.rules.values import RecordInForce
    from shared.delivery.ports import Connection
    from shared.events.vouchers import Voucher


AsTheyWere = Callable[[Facts], Awaitable[Facts]]
"""Gives the facts with the parameters that were in force when a line was decided, and of a reversal with what asked for it."""


class NoSuchLineError(Exception):
    """The company has no such voucher, or the voucher no such line; the message says which."""


async def why(  # noqa: PLR0913 - a line is named by three things
    schemas: Schemas, company: str, voucher: str, line: int, language: str, as_they_were: AsTheyWere | None = None
) -> Explanation:
    """Why this line (from 1) of a company's voucher is there, in a language; NoSuchLineError if it is not.

    `as_they_were` gives the parameters that were in force then, and what asked for a reversal; without it the parameters in force
    now are said, and nothing of who reversed.
    """
    async with schemas.of("posting") as posting, schemas.of("settlement") as settlement:
        found = await posting_queries.voucher_numbered(posting, company, voucher)
        if found is None:
            msg = f"{company} has no voucher {voucher}"
            raise NoSuchLineError(msg)
        if not 1 <= line <= len(found.lines):
            msg = f"{company} {voucher} has lines 1 to {len(found.lines)}, not {line}"
            raise NoSuchLineError(msg)
        lookup = lookup_in(Reference() if as_they_were is not None else await settlement_queries.reference(settlement))
        facts = await _facts(posting, settlement, found, line - 1, lookup)
    if found.kind == SETTLEMENT and facts.record is not None and is_mirrored(facts.record):
        facts = replace(facts, bought=await _bought(schemas, facts.record))
    return explain(facts if as_they_were is None else await as_they_were(facts), language)


async def _bought(schemas: Schemas, record: RecordInForce) -> Bought | None:
    async with schemas.of("payment") as payment:
        journal = await payment_queries.journal_numbered(payment, record.lowering.company, record.lowering.document)
    if journal is None:
        return None
    run, key = journal.data.run, DocumentKey("payable", *journal.data.mirrors)
    async with schemas.of("settlement") as settlement:
        records = [each for each in await settlement_queries.records_of_run(settlement, run.id) if each.run == run]
        documents = await settlement_queries.documents_by_key(settlement, [key, *(each.raising for each in records)])
    return bought_of(documents.pop(key, None), documents.values(), record)


async def _facts(posting: Connection, settlement: Connection, voucher: Voucher, place: int, lookup: Lookup) -> Facts:
    if voucher.settlement is None or voucher.record is None:
        key = DocumentKey(voucher.ledger, voucher.company, voucher.document)  # type: ignore[arg-type]
        own = (await settlement_queries.documents_by_key(settlement, [key])).get(key)
        original = None
        if voucher.kind not in DOCUMENT_KINDS:
            vouchers = await posting_queries.vouchers_of_documents(posting, [key])
            original = next((each for each in vouchers if each.kind in DOCUMENT_KINDS), None)
        return Facts(voucher, place, lookup, document=own, original=original)
    run = voucher.settlement.ref
    original = None
    if voucher.kind != SETTLEMENT:
        vouchers = await posting_queries.vouchers_of_runs(posting, [run])
        original = next((each for each in vouchers if _is_original(each, voucher)), None)
    record = await settlement_queries.record(settlement, RecordKey(run, voucher.ledger, voucher.record))  # type: ignore[arg-type]
    if record is None:
        return Facts(voucher, place, lookup, original=original)
    documents = await settlement_queries.documents_by_key(settlement, [record.lowering, record.raising])
    return Facts(voucher, place, lookup, record, documents.get(record.lowering), documents.get(record.raising), original=original)


def _is_original(each: Voucher, mirror: Voucher) -> bool:
    return each.kind == SETTLEMENT and (each.ledger, each.company, each.record) == (mirror.ledger, mirror.company, mirror.record)
