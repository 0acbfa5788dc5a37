"""What others than the shell may read of its tables, and what an operator may order there.

Invariant: `connection` is one to a service's schema. Refusals are kept for ever, only how often one was sent again is counted;
an order is carried out by the service itself, within seconds.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from shared.delivery.inbox import inbox_key
from shared.events.envelope import EventRef, Record
from shared.events.vouchers import Rejection, rejection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.delivery.ports import Connection

_THERE: Final = "select to_regclass('inbox') is not null"
_REJECTIONS: Final = """
select id, rejected_at, source, event, scope, code, field, message, original, topic, key, value, headers, replays from rejections
where ($1::text is null or code = $1) and ($2::text is null or event = $2 or id::text = $2)
order by rejected_at desc, id limit $3
"""
_COUNT_REPLAYS: Final = "update rejections set replays = replays + 1 where id = any($1::uuid[])"
_DISCARD: Final = "insert into discards (source, event) select * from unnest($1::text[], $2::text[]) on conflict do nothing"
_TAKEN: Final = "select key from inbox where key = any($1::uuid[])"
_BACKLOG: Final = "select (select count(*) from outbox) as outbox, (select count(*) from failed) as failed"


class KeptRejection(NamedTuple):
    """A refusal as a service keeps it. `record`: the refused event as it came, None if it was not at hand."""

    id: str
    rejected_at: datetime
    rejection: Rejection
    record: Record | None
    replays: int


class Backlog(NamedTuple):
    """How many rows are still to be sent, and how many messages the service failed on."""

    outbox: int
    failed: int


async def has_shell(connection: Connection) -> bool:
    """Whether the schema is there and has the shell's tables: a service has been started on it."""
    return bool(await connection.fetchval(_THERE))


async def rejections(
    connection: Connection, name: str | None = None, code: str | None = None, limit: int | None = None
) -> list[KeptRejection]:
    """Refusals, oldest first: all, or those with this event id or refusal id, or this code; the newest `limit` of them."""
    rows = await connection.fetch(_REJECTIONS, code, name, limit)
    return [_rejection(row) for row in reversed(rows)]


def _rejection(row: Any) -> KeptRejection:
    said = (row["scope"], row["code"], row["field"], row["message"], orjson.loads(row["original"]))
    refusal = replace(rejection(EventRef(row["source"], row["event"]), *said), at=row["rejected_at"])
    return KeptRejection(str(row["id"]), row["rejected_at"], refusal, _record(row), row["replays"])


def _record(row: Any) -> Record | None:
    if row["topic"] is None or row["headers"] is None:
        return None
    headers = tuple((name, base64.b64decode(value)) for name, value in orjson.loads(row["headers"]))
    return Record(row["topic"], row["key"], row["value"], headers)


async def count_replays(connection: Connection, ids: Iterable[str]) -> None:
    """Notes that these refused events were sent again; `ids` are those of the refusals."""
    await connection.execute(_COUNT_REPLAYS, list(ids))


async def order_discards(connection: Connection, events: Iterable[EventRef]) -> None:
    """Has the service give up what these events wait for."""
    ordered = list(events)
    await connection.execute(_DISCARD, [event.source for event in ordered], [event.id for event in ordered])


async def taken(connection: Connection, events: Iterable[EventRef]) -> set[EventRef]:
    """Those of these events that are in the inbox."""
    keys = {inbox_key(event): event for event in events}
    rows = await connection.fetch(_TAKEN, list(keys))
    found = {row["key"].int for row in rows}
    return {event for key, event in keys.items() if key.int in found}


async def backlog(connection: Connection) -> Backlog:
    """What is decided and not yet sent, and what was put aside as a defect."""
    row = await connection.fetchrow(_BACKLOG)
    return Backlog(row["outbox"], row["failed"])
