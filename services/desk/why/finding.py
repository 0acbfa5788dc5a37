"""The facts of a line out of the owners' tables: the voucher of posting, the record and documents of settlement.

What was in force when the line was decided is inquiry's to say: the owners keep no more than what is in force now.

Invariant: four statements at most in each schema, whatever the size of the books.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.desk.why.explain import Explanation, explain
from services.desk.why.facts import Facts
from services.desk.why.parameters import keys_asked, lookup_in, lookup_of
from services.inquiry.queries.reference import decided_with, entities
from services.posting import queries as posting_queries
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey, RecordKey
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT
from shared.reference import Reference

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from services.desk.why.facts import Lookup
    from shared.delivery.ports import Connection
    from shared.events.vouchers import Voucher


class NoSuchLineError(Exception):
    """The company has no such voucher, or the voucher no such line; the message says which."""


async def why(  # noqa: PLR0913 - a line is named by three things
    schemas: Schemas, books: Connection, company: str, voucher: str, line: int, language: str
) -> Explanation:
    """Why this line (from 1) of a company's voucher is there, in a language; NoSuchLineError if it is not.

    The parameters are said as they were in force then, by `books`, inquiry's connection.
    """
    async with schemas.of("posting") as posting, schemas.of("settlement") as settlement:
        found = await posting_queries.voucher_numbered(posting, company, voucher)
        if found is None:
            msg = f"{company} has no voucher {voucher}"
            raise NoSuchLineError(msg)
        if not 1 <= line <= len(found.lines):
            msg = f"{company} {voucher} has lines 1 to {len(found.lines)}, not {line}"
            raise NoSuchLineError(msg)
        facts = await _facts(posting, settlement, found, line - 1, lookup_in(Reference()))
    return explain(replace(facts, lookup=await _as_they_were(books, facts)), language)


async def _as_they_were(books: Connection, facts: Facts) -> Lookup:
    """The parameters as they were when the line was decided; while inquiry has not read the voucher, as it has them now."""
    voucher = facts.voucher
    documents = [each for each in (facts.lowering, facts.raising, facts.document) if each is not None]
    partners = [line.partner for line in voucher.lines if line.partner is not None]
    keys = keys_asked([voucher.company, *partners, *(each.company for each in documents)], voucher.ledger)  # type: ignore[arg-type]
    decided = await decided_with(books, voucher.company, voucher.series, voucher.number)
    return lookup_of(await entities(books, keys), (lambda _: True) if decided is None else decided.counts)


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
