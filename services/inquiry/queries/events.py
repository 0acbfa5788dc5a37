"""One event from outside: whether it was received, waits, was refused, or what it posted.

Invariant: the state is the most that is to be done about it: what waits or was refused is said although the event posted something.
Whoever says an event's state says what `stage` gives, of what he knows.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
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

CLOCKS_DIFFER: Final = dt.timedelta(seconds=5)
"""By so much the broker's clock may be ahead of the services': what was refused is not taken for what was sent again since."""
WHOLE_EVENT: Final = "event"
"""The scope of a refusal of which nothing was taken; another leaves part of the event posted."""

POSTED_IN_ANY_CASE: Final = (
    *("cash_discount", "credit_note_discount", "overpayment", "underpayment", "penny_difference", "realized_gain"),
)
"""The amounts of a record of which each has lines, also where both documents are of one company."""


class StageOfEvent(StrEnum):
    """How far an event is."""

    UNKNOWN = "unknown"
    RECEIVED = "received"
    WAITING = "waiting"
    REFUSED = "refused"
    POSTED = "posted"


class Refused(NamedTuple):
    """A refusal: of the event or of part of it (`scope`), and when it was refused last."""

    scope: str
    at: dt.datetime


class Became(NamedTuple):
    """What is known to have become of an event.

    `is_taken`: a service has taken it; `is_whole`: a voucher is there of all that it decided. `sent_at`: when it was received last (any
    clock's tolerance taken off), None if nobody has seen it. `posts_nothing`: it has had its effect once it is read.
    """

    waits: bool
    refusals: tuple[Refused, ...]
    is_taken: bool
    is_whole: bool
    sent_at: dt.datetime | None
    posts_nothing: bool = False


def stage(became: Became) -> StageOfEvent:
    """The state of an event: what waits comes first, then what was refused, then what was posted.

    A refused part (a payment's marks) stays refused although the rest was posted. A refusal of the whole event is of the past once it was
    taken, or was sent again and nothing came of that yet; an id that another event has taken is refused for that other one alone.
    """
    if became.waits:
        return StageOfEvent.WAITING
    if any(each.scope != WHOLE_EVENT for each in became.refusals):
        return StageOfEvent.REFUSED
    if became.is_taken:
        return StageOfEvent.POSTED if became.is_whole else StageOfEvent.RECEIVED
    if became.refusals and (became.sent_at is None or max(each.at for each in became.refusals) >= became.sent_at):
        return StageOfEvent.REFUSED
    if became.sent_at is None:
        return StageOfEvent.UNKNOWN
    return StageOfEvent.POSTED if became.posts_nothing else StageOfEvent.RECEIVED


_EVENT: Final = """
select e.source, e.id, e.type, e.time, e.topic, e.received_at, e.last_received_at, e.data::text as data from events e
where e.id = $2 and e.source = $1 and e.is_current"""
_REFUSALS: Final = """
select id, at, again_at, service, scope, code, field, message from refusals where event = $2 and source = $1 order by at, id"""
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
    refused = await connection.fetch(_REFUSALS, source, id_)
    documents = [dict(each) for each in await connection.fetch(_DOCUMENTS, source, id_)]
    vouchers = [_voucher(each) for each in await connection.fetch(_VOUCHERS, source, id_)]
    refusals = tuple(Refused(each["scope"], each["again_at"] or each["at"]) for each in refused)
    sent_at = None if found is None else found["last_received_at"] - CLOCKS_DIFFER
    nothing = found is not None and posts_nothing(found["type"])
    became = Became(bool(waits), refusals, bool(documents or vouchers), is_whole=True, sent_at=sent_at, posts_nothing=nothing)
    return {
        "source": source,
        "id": id_,
        "type": None if found is None else found["type"],
        "state": stage(became),
        "received_at": None if found is None else instant(found["received_at"]),
        "data": None if found is None else orjson.loads(found["data"]),
        "waits": list(waits),
        "refusals": [refusal_row(each) for each in refused],
        "documents": documents,
        "vouchers": vouchers,
    }


def posts_nothing(type_: str | None) -> bool:
    """Whether an event of this type posts nothing, so that nothing is still to come of it once it is read."""
    return type_ in STATES


def refusal_row(record: Any) -> Row:
    """A refusal without the refused event."""
    return {**{name: record[name] for name in ("id", "service", "scope", "code", "field", "message")}, "at": instant(record["at"])}


def _voucher(record: Any) -> Row:
    return {"company": record["company"], "voucher": voucher_number(record["series"], record["number"]), "kind": record["kind"]}
