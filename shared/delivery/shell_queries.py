"""What others than the shell may read of its tables, and what an operator may order there.

Invariant: `connection` is one to a service's schema. Refusals are kept for ever, only how often one was sent again is counted;
an order is carried out by the service itself, within seconds.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import orjson

from shared.delivery.inbox import InboxKey, inbox_key
from shared.delivery.ports import Partition
from shared.events.envelope import EventRef, Record
from shared.events.vouchers import Rejection, rejection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from shared.delivery.ports import Connection

_THERE: Final = "select to_regclass('inbox') is not null"
_SHOWN: Final = "select id, rejected_at, source, event, scope, code, field, message, replays, again_at"
_REJECTIONS: Final = f"""
{_SHOWN} from rejections where ($1::text is null or code = $1) and ($3::timestamptz is null or (rejected_at, id) < ($3, $4))
order by rejected_at desc, id desc limit $2
"""
_REJECTIONS_NAMED: Final = f"""
{_SHOWN} from rejections where event = $1 and ($2::text is null or code = $2)
union {_SHOWN} from rejections where id = $3::uuid and ($2::text is null or code = $2) order by rejected_at, id
"""
_REJECTIONS_WHOLE: Final = f"{_SHOWN}, original, topic, key, value, headers from rejections where id = any($1::uuid[])"
_FAILED: Final = """
select id, direction, topic, partition, "offset", failed_at, attempts, error, retry from failed where id > $1 order by id limit $2
"""
_RETRY: Final = "update failed set retry = true where ($1::bigint[] is null or id = any($1)) and not retry"
_GAPS: Final = """
select topic, partition, first, last, noted_at, acknowledged_at, acknowledged_by from gaps
where (topic, partition, first) > ($1, $2, $3) and ($4 or not acknowledged) order by topic, partition, first limit $5
"""
_ACKNOWLEDGE: Final = """
update gaps set acknowledged = true, acknowledged_at = clock_timestamp(), acknowledged_by = session_user
where not acknowledged and ($1::text is null or (topic = $1 and partition = $2 and ($3::bigint is null or first = $3)))
returning topic, partition, first, last
"""
_REFUSED_SINCE: Final = """
select distinct on (source, event) source, event, code from rejections join unnest($1::text[], $2::text[]) as named (source, event)
using (source, event) where greatest(rejected_at, again_at) >= $3 order by source, event, greatest(rejected_at, again_at) desc
"""
_REFUSED_LATER: Final = """
select r.id from rejections r where r.id = any($1::uuid[]) and r.code <> 'conflicting-duplicate' and exists (
select from rejections n where n.event = r.event and n.source = r.source and n.scope = r.scope and n.code <> 'conflicting-duplicate'
and (greatest(n.rejected_at, n.again_at), n.id) > (greatest(r.rejected_at, r.again_at), r.id))
"""
"""What a sender has sent again under its id was refused as another one; under an id that is taken each is an event of its own."""
_RESEND: Final = "update outgoing set sent_at = null where sent_at >= $1"
_LAST_SENT: Final = "select id from outgoing where sent_at is not null order by id desc limit 1"
_SENT_PAGE: Final = """
with first as (select id, octet_length(messages) as size from outgoing
               where id > $1 and id <= $2 and sent_at is not null order by id limit 16),
     summed as (select id, sum(size) over (order by id) - size as before from first)
select id, sent_at, messages from outgoing where id in (select id from summed where before < 131072) order by id"""
_KEPT_SINCE: Final = "select min(sent_at) from outgoing"
_NOW: Final = "select clock_timestamp()"
_COUNT_REPLAYS: Final = """
update rejections r set replays = r.replays + 1 from unnest($1::uuid[], $2::int[]) as planned (id, number)
where r.id = planned.id
and (select sum(o.replays) from rejections o where o.event = r.event and o.source = r.source) < planned.number
"""
_DISCARD: Final = "insert into discards (source, event) select * from unnest($1::text[], $2::text[]) on conflict do nothing"
_TAKEN: Final = "select key from inbox where key = any($1::uuid[])"
_DIGESTS: Final = "select key, digest from inbox where key = any($1::uuid[])"
_OF_ONE_MOMENT: Final = "set transaction isolation level repeatable read, read only"
_LOOK_INTO: Final = "select set_config('search_path', $1, true)"
_UNSENT: Final = "select count(*) from outbox"
_UNSENT_UPTO: Final = """
select count(*) as rows, max(id) as last, min(created_at) as since from outbox where $1::bigint is null or id <= $1"""
_BACKLOG: Final = "select (select count(*) from outbox) as outbox, (select count(*) from failed) as failed"


MOST_REFUSALS_COUNTED: Final = 10_001
_STAND: Final = """
select (select count(*) from outbox) as outbox, (select min(created_at) from outbox) as outbox_since,
(select count(*) from failed) as failed, (select min(failed_at) from failed) as failed_since,
(select count(*) from (select from rejections limit $1) as counted) as refused,
(select rejected_at from rejections order by rejected_at desc, id desc limit 1) as last_refused_at"""
"""Refusals are never deleted: no more of them are counted than are said exactly."""
_POSITIONS: Final = "select topic, partition, next_offset - base as read from positions"


class Stand(NamedTuple):
    """What a service has to do still: rows to be sent and since when, messages put aside and since when, refusals and when the last was.

    `refused` is at most MOST_REFUSALS_COUNTED.
    """

    outbox: int
    outbox_since: datetime | None
    failed: int
    failed_since: datetime | None
    refused: int
    last_refused_at: datetime | None


class KeptRejection(NamedTuple):
    """A refusal as a service keeps it. Only if it was read whole: the refused event, and its `record` if that was at hand.

    `again_at`: when the event was last refused again for the same reason.
    """

    id: str
    rejected_at: datetime
    rejection: Rejection
    record: Record | None
    replays: int
    again_at: datetime | None = None


class FailedMessage(NamedTuple):
    """A message that was put aside, without itself. `direction`: `in` (a defect of ours), `out` (the broker will never take it)."""

    id: int
    direction: str
    topic: str
    partition: int | None
    offset: int | None
    failed_at: datetime
    attempts: int
    error: str
    retry: bool


class Gap(NamedTuple):
    """Records of a partition, the first and the last, that were gone before they were read; who acknowledged that, and when."""

    topic: str
    partition: int
    first: int
    last: int
    noted_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class Unsent(NamedTuple):
    """How many rows are decided and not yet sent, the id of the last of them, and since when the oldest waits."""

    rows: int
    last: int
    since: datetime | None


class SentRow(NamedTuple):
    """A row of messages that the broker has acknowledged, packed as it was sent, and when that was."""

    id: int
    sent_at: datetime
    messages: bytes


class Backlog(NamedTuple):
    """How many rows are still to be sent, and how many messages the service failed on."""

    outbox: int
    failed: int


async def has_shell(connection: Connection) -> bool:
    """Whether the schema is there and has the shell's tables: a service has been started on it."""
    return bool(await connection.fetchval(_THERE))


async def rejections(
    connection: Connection, code: str | None, limit: int | None, before: tuple[datetime, str] | None = None
) -> list[KeptRejection]:
    """Refusals without the refused events, the newest `limit` first: all, or those with this code, and before a time and id."""
    time, id_ = before or (None, None)
    rows = await connection.fetch(_REJECTIONS, code, limit, time, None if id_ is None else UUID(id_))
    return [_rejection(row) for row in rows]


async def rejections_named(connection: Connection, name: str, code: str | None = None) -> list[KeptRejection]:
    """Refusals with this event id or refusal id, and this code, without the refused events; oldest first."""
    with suppress(ValueError):
        return [_rejection(row) for row in await connection.fetch(_REJECTIONS_NAMED, name, code, UUID(name))]
    return [_rejection(row) for row in await connection.fetch(_REJECTIONS_NAMED, name, code, None)]


async def rejections_whole(connection: Connection, ids: Iterable[str]) -> dict[str, KeptRejection]:
    """These refusals with the refused events, by id."""
    found: dict[str, KeptRejection] = {}
    for row in await connection.fetch(_REJECTIONS_WHOLE, list(map(UUID, ids))):
        said = _kept(row, orjson.loads(row["original"]), _record(row))
        found[said.id] = said
    return found


async def refused_later(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of these refusals whose event was sent again and refused again since, for whatever reason."""
    return {str(row["id"]) for row in await connection.fetch(_REFUSED_LATER, list(map(UUID, ids)))}


def _rejection(row: Any) -> KeptRejection:
    return _kept(row, {}, None)


def _kept(row: Any, original: dict[str, Any], record: Record | None) -> KeptRejection:
    said = (row["scope"], row["code"], row["field"], row["message"], original)
    refusal = replace(rejection(EventRef(row["source"], row["event"]), *said), at=row["rejected_at"])
    return KeptRejection(str(row["id"]), row["rejected_at"], refusal, record, row["replays"], row["again_at"])


def _record(row: Any) -> Record | None:
    if row["topic"] is None or row["headers"] is None:
        return None
    headers = tuple((name, base64.b64decode(value)) for name, value in orjson.loads(row["headers"]))
    return Record(row["topic"], row["key"], row["value"], headers)


async def refused_since(connection: Connection, events: Iterable[EventRef], since: datetime) -> dict[EventRef, str]:
    """Those of these events that were refused at this time or later, or again for the same reason, and the code of the last time."""
    refs = list(events)
    rows = await connection.fetch(_REFUSED_SINCE, [ref.source for ref in refs], [ref.id for ref in refs], since)
    return {EventRef(row["source"], row["event"]): row["code"] for row in rows}


async def now(connection: Connection) -> datetime:
    """The time by the database's clock."""
    time: datetime = await connection.fetchval(_NOW)
    return time


async def count_replays(connection: Connection, numbers: Mapping[str, int]) -> None:
    """Notes that refused events are sent again, and how often by now, by the refusals' ids; what was noted so often stays as it is."""
    await connection.execute(_COUNT_REPLAYS, [UUID(id_) for id_ in numbers], list(numbers.values()))


async def order_discards(connection: Connection, events: Iterable[EventRef]) -> None:
    """Has the service give up what these events wait for."""
    ordered = list(events)
    await connection.execute(_DISCARD, [event.source for event in ordered], [event.id for event in ordered])


async def taken(connection: Connection, events: Iterable[EventRef]) -> set[EventRef]:
    """Those of these events that are in the inbox."""
    keys = {inbox_key(event): event for event in events}
    rows = await connection.fetch(_TAKEN, list(keys))
    return {keys[str(row["key"])] for row in rows}


async def digests(connection: Connection, keys: Iterable[InboxKey]) -> dict[InboxKey, bytes]:
    """The digests of the data with which these ids (inbox.inbox_key) were taken; those that were."""
    return {str(row["key"]): row["digest"] for row in await connection.fetch(_DIGESTS, list(keys))}


async def be_of_one_moment(connection: Connection) -> None:
    """Has a transaction that has just begun see everything as it is now, and change nothing."""
    await connection.execute(_OF_ONE_MOMENT)


async def look_into(connection: Connection, schema: str) -> None:
    """Has the transaction read another service's schema from here on."""
    await connection.fetchval(_LOOK_INTO, schema)


async def failed(connection: Connection, after: int, most: int) -> list[FailedMessage]:
    """The first `most` messages that were put aside, after this number."""
    return [FailedMessage(*row.values()) for row in await connection.fetch(_FAILED, after, most)]


async def order_retries(connection: Connection, numbers: list[int] | None) -> int:
    """Has the service try these messages again, or all (None); how many it will."""
    return int((await connection.execute(_RETRY, numbers)).split()[-1])


async def order_resending(connection: Connection, since: datetime) -> int:
    """Has the service send again what the broker acknowledged at this time or later, in its order and under its ids; how many rows."""
    return int((await connection.execute(_RESEND, since)).split()[-1])


async def last_sent(connection: Connection) -> int:
    """The id of the last row that was sent and is still kept; 0: none."""
    return int(await connection.fetchval(_LAST_SENT) or 0)


async def sent_page(connection: Connection, after: int, last: int) -> list[SentRow]:
    """The next rows that were sent and are still kept, up to the id `last`; so many bytes at once, one row at least."""
    return [SentRow(*row.values()) for row in await connection.fetch(_SENT_PAGE, after, last)]


async def kept_since(connection: Connection) -> datetime | None:
    """When the oldest of what can be sent again was sent; None: there is nothing."""
    since: datetime | None = await connection.fetchval(_KEPT_SINCE)
    return since


async def gaps(connection: Connection, after: tuple[str, int, int], most: int, *, acknowledged: bool) -> list[Gap]:
    """The first `most` gaps after a place (topic, partition, first record); those that were acknowledged too, or the open ones."""
    return [Gap(*row.values()) for row in await connection.fetch(_GAPS, *after, acknowledged, most)]


async def acknowledge_gaps(connection: Connection, topic: str | None, partition: int, first: int | None) -> list[tuple[str, int, int, int]]:
    """Acknowledges the open gaps of a partition, or the one from `first` on, or all (no topic); gives topic, partition, first, last."""
    return [tuple(row.values()) for row in await connection.fetch(_ACKNOWLEDGE, topic, partition, first)]


async def stand(connection: Connection) -> Stand:
    """What a service has to do still."""
    return Stand(*(await connection.fetchrow(_STAND, MOST_REFUSALS_COUNTED)).values())


async def read_positions(connection: Connection) -> dict[Partition, int]:
    """How far a service has read: the offset of the next record of each partition of which it has read something."""
    return {Partition(row["topic"], row["partition"]): row["read"] for row in await connection.fetch(_POSITIONS)}


async def unsent(connection: Connection) -> int:
    """How many rows are decided and not yet on the topics."""
    return int(await connection.fetchval(_UNSENT))


async def unsent_upto(connection: Connection, last: int | None) -> Unsent:
    """The rows that are not yet on the topics, of those up to this id; None: all of now."""
    row = await connection.fetchrow(_UNSENT_UPTO, last)
    return Unsent(row["rows"], row["last"] or 0, row["since"])


async def backlog(connection: Connection) -> Backlog:
    """What is decided and not yet sent, and what was put aside as a defect."""
    row = await connection.fetchrow(_BACKLOG)
    return Backlog(row["outbox"], row["failed"])
