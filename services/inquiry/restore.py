"""What the topics no longer have, put into tables that are read again: the SQL of that part of `intercompany inquiry rebuild`.

What was posted comes from the owners (services/operations/inquiry_owners.py) and is saved as what a topic says is. Beside it the tables
in use have what no owner keeps: the events as they were sent, older versions of reference data, and which event came first, when the
broker took a message, what decided a record.

Invariant: what the topics still have stays as they have it; of what is restored amounts, accounts and dates are the owners', whatever
the tables in use say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.inquiry import stored_tables as tables
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.inquiry.rules.books import VoucherKey
    from shared.delivery.ports import Connection

_ONCE: Final = "on conflict do nothing"
_TOLD: Final = {
    "events": tables.RECEIVED_AGAIN,
    "refused_versions": tables.REFUSED_AGAIN,
    "refusals": "on conflict (id) do update set at = least(e.at, excluded.at), again_at = greatest(e.again_at, excluded.again_at)",
    "reference_history": _ONCE,
    "document_reversals": _ONCE,
    "record_reversals": _ONCE,
    "journals": _ONCE,
    "journal_refusals": _ONCE,
}
"""What was told of something, or once: no owner has it as it was said. What was told again after the beginning was lost stays one row."""
_TAKE_OVER: Final = 'insert into "{next}".{table} as e select * from "{live}".{table} {again}'
_CHOOSE_CURRENT_OF_ALL: Final = "select source, id from events group by source, id having count(*) > 1"
_RESTORED: Final = "n.posted_at = (n.date::timestamp at time zone 'UTC')"
"""Nobody knows when it was posted: it has the beginning of its accounting date (`posted_on` of inquiry_owners.py)."""
_FROM_THE_TABLES_IN_USE: Final = (
    """
update "{next}".documents n set first_source = l.first_source, first_id = l.first_id, posted_at = l.posted_at from "{live}".documents l
where l.ledger = n.ledger and l.company = n.company and l.document = n.document and """,
    """
update "{next}".records n set primary_company = l.primary_company, primary_document = l.primary_document,
    cash_discount_rule = l.cash_discount_rule, event_source = l.event_source, event_id = l.event_id, first_source = l.first_source,
    first_id = l.first_id, reference = l.reference, why = l.why, posted_at = l.posted_at from "{live}".records l
where l.run_id = n.run_id and l.run_source = n.run_source and l.ledger = n.ledger and l.number = n.number and """,
    """
update "{next}".takes n set posted_at = l.posted_at from "{live}".takes l where l.run_id = n.run_id and l.run_source = n.run_source
and l.ledger = n.ledger and l.number = n.number and l.side = n.side and """,
)
_VOUCHERS: Final = """
select v.company, v.series, v.number, v.posted_at, v.event_id, v.cause_source, v.cause_id, v.first_source, v.first_id
from unnest($1::text[], $2::text[], $3::bigint[]) as k (company, series, number) join "{live}".vouchers v using (company, series, number)"""
_TERMS: Final = """
update documents d set due_date = k.due_date, cash_discounts = k.cash_discounts, credits = k.credits, ic_company = k.ic_company,
    ic_document = k.ic_document
from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::json[], $6::text[], $7::text[], $8::text[])
    as k (ledger, company, document, due_date, cash_discounts, credits, ic_company, ic_document)
where d.ledger = k.ledger and d.company = k.company and d.document = k.document
and not exists (select from events e where e.source = d.event_source and e.id = d.event_id)"""
_REFERENCE: Final = """
insert into reference_history (key, position, type, data, event_source, event_id, from_time, digest)
select k.key, 0, k.type, k.data, $4, k.key, $5, '' from unnest($1::text[], $2::text[], $3::json[]) as k (key, type, data)
where not exists (select from reference_history r where r.key = k.key) on conflict do nothing"""


async def take_over(connection: Connection, live: str, next_: str) -> None:
    """What was told and the tables in use have, and the new ones do not.

    Which version of an event counts, and what was said last of a voucher, is found again.
    """
    for table, again in _TOLD.items():
        await connection.execute(_TAKE_OVER.format(live=live, next=next_, table=table, again=again))
    named = [tuple(row) for row in await connection.fetch(_CHOOSE_CURRENT_OF_ALL)]
    if named:
        await connection.execute(tables.CHOOSE_CURRENT, *tables.arrays(named, len(named[0])))
    await connection.execute(tables.TELL_ALL_IMPORTS)


async def restore_terms(connection: Connection, causes: Sequence[tuple[str, str]], terms: Sequence[tuple[object, ...]]) -> None:
    """Due dates and discounts of documents: what their events say (`causes`), else what settlement has kept of them (`terms`).

    `terms`: ledger, company, document, due date, tiers as JSON, the invoice that it credits, company and document of the seller's invoice.
    """
    if terms:
        await connection.execute(tables.UPDATE_TERMS, *tables.arrays(causes, 2))
        await connection.execute(_TERMS, *tables.arrays(terms, 8))


async def restore_reference(connection: Connection, in_force: Sequence[tuple[str, str, str]], source: str, since: datetime) -> None:
    """Entities (key, type, data) of which no version is there; as events of `source`."""
    if in_force:
        await connection.execute(_REFERENCE, *tables.arrays(in_force, 3), source, since)


class VoucherOrigin(NamedTuple):
    """When a voucher was posted, the id of its event, the event that it was posted from, and the one from outside."""

    posted_at: datetime
    event_id: str
    cause: EventRef
    first: EventRef


async def voucher_origins(connection: Connection, live: str, keys: Sequence[VoucherKey]) -> dict[VoucherKey, VoucherOrigin]:
    """Of these vouchers what the tables in use know of their origin: sums by day of posting are made with it."""
    rows = await connection.fetch(_VOUCHERS.format(live=live), *tables.arrays(keys, 3))
    return {
        (row["company"], row["series"], row["number"]): VoucherOrigin(
            row["posted_at"],
            row["event_id"],
            EventRef(row["cause_source"], row["cause_id"]),
            EventRef(row["first_source"], row["first_id"]),
        )
        for row in rows
    }


async def restore_origins(connection: Connection, live: str, next_: str) -> None:
    """Which event it came of and when it was posted, of what was restored and the tables in use have, vouchers aside."""
    for statement in _FROM_THE_TABLES_IN_USE:
        await connection.execute(statement.format(live=live, next=next_) + _RESTORED)
