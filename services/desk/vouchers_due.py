"""Whether all vouchers of an event are there: that of each document, and those of each record that posts any.

Invariant: a record within one company that moves nothing between accounts (no discount, gain or difference, one summary account) has no
voucher, so none is waited for; one across companies has one in each.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from services.desk.at_owners import posted
from services.inquiry.queries.events import POSTED_IN_ANY_CASE
from services.settlement import queries as settlement_queries
from shared.events.kinds import SETTLEMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.desk.schemas import ServicesSchemas
    from services.settlement.rules.values import Document, DocumentKey, RecordInForce

Row = dict[str, Any]


async def vouchers_of(schemas: ServicesSchemas, documents: Sequence[Document], records: Sequence[RecordInForce]) -> tuple[list[Row], bool]:
    """The vouchers of the documents and records of one event, and whether none is still to come."""
    keys = [(each.ledger, each.company, each.document) for each in documents]
    rows = await posted(schemas, keys, {each.run for each in records}) if keys or records else []
    there = {(row["ledger"], row["company"], row["document"]) for row in rows if row["settlement"] is None}
    missing = _missing(rows, records)
    unclear = [each for each in missing if not moves_money(each)]
    async with schemas.of("settlement") as connection:
        settled = await settlement_queries.documents_by_key(connection, {key for each in unclear for key in (each.lowering, each.raising)})
    is_due = any(has_vouchers(each, settled) for each in missing)
    return rows, all(key in there for key in keys) and not is_due


def _missing(rows: Iterable[Row], records: Iterable[RecordInForce]) -> list[RecordInForce]:
    """The records with fewer vouchers than companies."""
    made = Counter((row["ledger"], row["record"]) for row in rows if row["settlement"] is not None and row["kind"] == SETTLEMENT)
    return [each for each in records if made[each.ledger, each.number] < len({each.lowering.company, each.raising.company})]


def has_vouchers(record: RecordInForce, documents: Mapping[DocumentKey, Document]) -> bool:
    """Whether a record posts something; of `documents` its own are needed only where it does not say so alone (`moves_money`).

    F-C17: within one company what is settled moves between the summary accounts of the two documents, where they differ.
    """
    if moves_money(record):
        return True
    return bool(record.amount) and documents[record.lowering].summary_account != documents[record.raising].summary_account


def moves_money(record: RecordInForce) -> bool:
    """Whether a record posts something, as far as it says alone: across companies, a discount, a difference, a gain or loss."""
    return record.lowering.company != record.raising.company or any(getattr(record, name) for name in POSTED_IN_ANY_CASE)
