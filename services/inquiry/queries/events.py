"""One event from outside: whether it was received, waits, was refused, or what it posted.

Invariant: the state is the most that is to be done about it: what waits or was refused is said although the event posted something.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from services.inquiry.rules.imports import STATES
from shared.events.envelope import EventRef
from shared.events.vouchers import voucher_number
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.delivery.ports import Connection

Row = dict[str, Any]

UNKNOWN: Final = "unknown"
RECEIVED: Final = "received"
WAITING: Final = "waiting"
REFUSED: Final = "refused"
POSTED: Final = "posted"

_EVENT: Final = """
select e.source, e.id, e.type, e.time, e.topic, e.received_at, e.data::text as data from events e
where e.id = $2 and e.source = $1 and e.is_current"""
_REFUSALS: Final = """
select id, at, service, scope, code, field, message from refusals where event = $2 and source = $1 order by at, id"""
_DOCUMENTS: Final = """
select ledger, company, document from documents where event_id = $2 and event_source = $1 order by ledger, company, document"""
_VOUCHERS: Final = """
select company, series, number, kind from vouchers where first_id = $2 and first_source = $1 order by posted_at, company, series, number
limit 1000"""
_RECEIPTS: Final = """
select e.source, e.id, e.type, e.received_at, e.last_received_at, e.data::text as data
from unnest($1::text[], $2::text[]) as k (source, id) join events e on e.id = k.id and e.source = k.source and e.is_current"""
_SOURCES: Final = "select distinct source from events where id = $1 and is_current union select source from refusals where event = $1"


async def sources(connection: Connection, id_: str) -> list[str]:
    """The sources of which an event with this id was received or refused."""
    return sorted(row["source"] for row in await connection.fetch(_SOURCES, id_))


class Receipt(NamedTuple):
    """That an event was received: its type and data, when first (any data), and when last with this data, by the broker's clock."""

    type: str
    data: Any
    received_at: dt.datetime
    last_received_at: dt.datetime


async def receipts(connection: Connection, refs: Iterable[EventRef]) -> dict[EventRef, Receipt]:
    """Of these events those that were read here."""
    wanted = list(refs)
    found = await connection.fetch(_RECEIPTS, [ref.source for ref in wanted], [ref.id for ref in wanted])
    return {
        EventRef(row["source"], row["id"]): Receipt(row["type"], orjson.loads(row["data"]), row["received_at"], row["last_received_at"])
        for row in found
    }


async def event(connection: Connection, source: str, id_: str, waits: Sequence[Row] = ()) -> Row:
    """The state of an event; `waits`: what it has waiting, as the desk shows it (this is known to the owners alone).

    `received`: read here, and nothing has come of it yet; `unknown`: not read here.
    """
    found = await connection.fetchrow(_EVENT, source, id_)
    refusals = [refusal_row(each) for each in await connection.fetch(_REFUSALS, source, id_)]
    documents = [dict(each) for each in await connection.fetch(_DOCUMENTS, source, id_)]
    vouchers = [_voucher(each) for each in await connection.fetch(_VOUCHERS, source, id_)]
    is_posted = bool(documents or vouchers) or is_whole_when_read(None if found is None else found["type"])
    return {
        "source": source,
        "id": id_,
        "type": None if found is None else found["type"],
        "state": state_of(waits=bool(waits), refused=bool(refusals), posted=is_posted, received=found is not None),
        "received_at": None if found is None else instant(found["received_at"]),
        "data": None if found is None else orjson.loads(found["data"]),
        "waits": list(waits),
        "refusals": refusals,
        "documents": documents,
        "vouchers": vouchers,
    }


def is_whole_when_read(type_: str | None) -> bool:
    """Whether an event of this type posts nothing, so that nothing is still to come of it."""
    return type_ in STATES


def state_of(*, waits: bool, refused: bool, posted: bool, received: bool) -> str:
    """The state of an event: what waits comes first, then what was refused, then what was posted."""
    if waits:
        return WAITING
    if refused:
        return REFUSED
    if posted:
        return POSTED
    return RECEIVED if received else UNKNOWN


def refusal_row(record: Any) -> Row:
    """A refusal without the refused event."""
    return {**{name: record[name] for name in ("id", "service", "scope", "code", "field", "message")}, "at": instant(record["at"])}


def _voucher(record: Any) -> Row:
    return {"company": record["company"], "voucher": voucher_number(record["series"], record["number"]), "kind": record["kind"]}
