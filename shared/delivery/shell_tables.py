"""All SQL on the shell's own tables (migrations/0001_shell.sql).

Invariant: one query per purpose and batch, never one per message; whatever was sent can be written: text
columns never hold a NUL character, raw bytes stay bytes.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import orjson

from shared.delivery.copying import as_it_is
from shared.delivery.ports import Encoded, Partition
from shared.delivery.together import written_with
from shared.events.codec import as_json, read_stored
from shared.events.envelope import EventRef, Record, Topic
from shared.events.vouchers import EventWaiting
from shared.working_set import SLICE, Released

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping, Sequence
    from datetime import timedelta

    from shared.delivery.folding import Defect, RecordedRefusal
    from shared.delivery.inbox import InboxKey
    from shared.delivery.ports import Connection, Headers
    from shared.delivery.together import Statement

REFERENCE: Final = Partition(Topic.REFERENCE, 0)

_OPEN: Final = """
select e.number as epoch, coalesce(p.next_offset - p.base, 0) as reference, coalesce(p.base, 0) as base,
       (select json_build_array(wake_key, after) from released order by wake_key limit 1) as released,
       (select json_object_agg(key, encode(digest, 'hex')) from inbox where key = any($3::text::uuid[])) as taken,
       coalesce((select max(number) from changes), 0) as changes_through,
       exists (select from (select writer from changes order by number desc limit 32) latest where writer <> $4) as others,
       case when $5::bigint is not null and coalesce((select min(number) from changes), 0) <= greatest($5::bigint, 1)
            then array(select places from changes where number > $5::bigint) end as changes{also}
from epoch e left join positions p on p.topic = $1 and p.partition = $2
"""
_RETAKE: Final = """
insert into inbox (key, digest) select * from unnest($1::uuid[], $2::bytea[])
on conflict (key) do update set digest = excluded.digest
"""
_REFUSE: Final = """
insert into rejections (id, source, event, scope, code, field, message, rejected_at, original, topic, key, value, headers)
select distinct on (r.id) r.* from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::json[], $10::text[], $11::bytea[], $12::bytea[], $13::json[]) as r (id)
on conflict (id) do update set again_at = clock_timestamp()
"""
_FAIL: Final = """
insert into failed (direction, topic, partition, "offset", place, key, value, headers, timestamp_ms, error)
select * from unnest(
    $1::text[], $2::text[], $3::int[], $4::bigint[], $5::int[], $6::bytea[], $7::bytea[], $8::json[], $9::bigint[], $10::text[])
on conflict (topic, partition, "offset", place) do update
set error = excluded.error, attempts = failed.attempts + 1, failed_at = clock_timestamp(), retry = false
"""
_RELEASE: Final = """
insert into released select array(select json_array_elements_text(key)), after from unnest($1::json[], $2::bigint[]) as r (key, after)
on conflict (wake_key) do update set after = least(released.after, excluded.after)
"""
_RESUMED: Final = """
delete from released where wake_key in (select array(select json_array_elements_text(key)) from unnest($1::json[]) as r (key))
"""
FEW: Final = 8
"""So many new ids at most are written with a batch's positions and outbox: those of a payment that comes alone."""
MOST_DROPPED: Final = 500
MOST_RETRIED: Final = 100
MOST_RETRIED_BYTES: Final = 8 * 1024 * 1024
_TO_BE_RETRIED: Final = """
select * from failed where id in (
    select id from (select id, sum(size) over (order by id) - size as before
                    from (select id, coalesce(octet_length(value), 0) as size from failed where retry order by id limit $2) oldest) summed
    where before < $1)
order by id
"""
GIVEN_UP: Final = "discarded"
"""The code of a refusal of what waited and was given up."""
_ANNOUNCE: Final = """
insert into announced (source, event, said) select * from unnest($1::text[], $2::text[], $3::json[])
on conflict do nothing returning source, event
"""
_OVER: Final = "delete from announced where (source, event) in (select * from unnest($1::text[], $2::text[]))"
_STILL_WAITING: Final = "update announced set ended = false where (source, event) in (select * from unnest($1::text[], $2::text[]))"
FINISH: Final = """with moved as (
    insert into positions (topic, partition, next_offset) select * from unnest($1::text[], $2::int[], $3::bigint[])
    on conflict (topic, partition) do update set next_offset = greatest(positions.next_offset, excluded.next_offset)
), taken as (
    insert into inbox (key, digest) select key, decode(digest, 'hex') from unnest($5::text::uuid[], $6::text::text[]) as n (key, digest)
), kept as (
    insert into outgoing (messages, total)
    select $4::bytea, octet_length($4::bytea) + coalesce((select total from outgoing order by id desc limit 1), 0)
    where $4::bytea is not null returning id
)
select id from kept
"""


class State(NamedTuple):
    """What a batch finds under the lock.

    The epoch, how far the service has read the reference topic, its base, of what may resume and has not yet the next (there may be
    very much of it), and those of the ids that were asked about that are taken already, with the digests of what took them.
    `changes_through`: the last note of what a batch has changed, and `changes` what was noted after the one that was asked about, None
    if that is not known of each; `others`: whether other instances take batches, too.
    `opened`: what the service's store reads with every batch, by name. `later`: of what the batch writes what `finish` does with the rest.
    """

    epoch: int
    reference: int
    base: int
    released: Released | None
    taken: dict[InboxKey, bytes]
    changes_through: int
    changes: list[bytes] | None
    others: bool
    opened: Mapping[str, Any]
    later: list[Statement]

    @property
    def next_released(self) -> dict[tuple[str, ...], Released]:
        """The next of what may resume by its key; empty if there is none."""
        return {} if self.released is None else {self.released.wake_key: self.released}


class Failed(NamedTuple):
    """A row of `failed` that an operator wants to be tried again."""

    id: int
    direction: str
    record: Record

    def is_place_of(self, record: Record) -> bool:
        """Whether a record is the one that was put aside: of what came as a bundle each event has a place of its own."""
        mine = self.record
        return (mine.topic, mine.partition, mine.offset, mine.place) == (record.topic, record.partition, record.offset, record.place)


def batch_lock(schema: str) -> str:
    """The name of the lock under which a service takes its batches, one at a time."""
    return f"{schema}.batch"


async def open_batch(
    connection: Connection, keys: Collection[InboxKey] = (), opening: str = "", writer: int = 0, since: int | None = None
) -> State:
    """What a batch finds, in a transaction that has the service's lock: nobody else takes any of the `keys` meanwhile.

    It is read by a statement of its own, since a statement sees what was committed when it began to wait. `opening`: columns of the
    service's own that are read with it, which saves a round trip. `writer`: this instance in the notes of changes; `since`: the note
    after which they are wanted.
    """
    # An array as text: given a list, the driver looks at every value by itself.
    row = await connection.fetchrow(_opening(opening), *REFERENCE, f"{{{','.join(keys)}}}", writer, since)
    wake_key, after = orjson.loads(row["released"] or "[null, 0]")
    released = None if wake_key is None else Released(tuple(wake_key), after)
    taken = {key: bytes.fromhex(digest) for key, digest in orjson.loads(row["taken"] or "{}").items()}
    changes = None if row["changes"] is None or None in row["changes"] else row["changes"]
    noted = (row["changes_through"], changes, row["others"])
    return State(row["epoch"], row["reference"], row["base"], released, taken, *noted, row, [])


@cache
def _opening(columns: str) -> str:
    return _OPEN.format(also=f",\n       {columns}" if columns else "")


async def save_released(
    connection: Connection, changed: Mapping[tuple[str, ...], Released | None], known: Container[tuple[str, ...]]
) -> None:
    """Writes what may resume; None: all of it has been looked at. `known`: the keys of what was read, which takes the place of that.

    What is noted under another key is looked at from where it is, or from there on if that is earlier.
    """
    resumed = [orjson.dumps(wake_key).decode() for wake_key, released in changed.items() if released is None or wake_key in known]
    waiting = [(orjson.dumps(wake_key).decode(), released.after) for wake_key, released in changed.items() if released is not None]
    if resumed:
        await connection.execute(_RESUMED, resumed)
    if waiting:
        await connection.execute(_RELEASE, *_columns(waiting))


async def note_start(connection: Connection, instance: str) -> bool:
    """Notes that an instance runs; whether the one before it under the same name had stopped in good order."""
    query = "insert into running (instance) values ($1) on conflict do nothing returning true"
    return bool(await connection.fetchval(query, instance))


async def note_stop(connection: Connection, instance: str) -> None:
    """Notes that an instance stopped in good order."""
    await connection.execute("delete from running where instance = $1", instance)


async def change_inbox(
    connection: Connection, known: Mapping[InboxKey, bytes], changes: Mapping[InboxKey, bytes | None]
) -> dict[InboxKey, bytes]:
    """Writes the ids that a fold gave back or took again, and many new ones; gives those that are still to be written by `finish`.

    `known`: what was there, of all it asked about. Many go by COPY, which writes a twenty-fifth less of the log; few with the rest,
    which saves two round trips.
    """
    free = [key for key, digest in changes.items() if digest is None]
    if known or free:
        again = {key: digest for key, digest in changes.items() if digest is not None and key in known and digest != known[key]}
        if free:
            await connection.execute("delete from inbox where key = any($1::uuid[])", free)
        if again:
            await connection.execute(_RETAKE, list(again), list(again.values()))
    new = {key: digest for key, digest in changes.items() if digest is not None and key not in known}
    if len(new) <= FEW:
        return new
    lines = "".join([f"{key}\t\\\\x{digest.hex()}\n" for key, digest in new.items()])
    await connection.copy_to_table("inbox", source=as_it_is(lines), columns=("key", "digest"))
    return {}


async def refuse(connection: Connection, refusals: Sequence[RecordedRefusal]) -> None:
    """Keeps refusals with the refused events, each with the time that it tells; of the same refusal again only the time is noted."""
    if refusals:
        await connection.execute(_REFUSE, *_columns(map(_refusal_row, refusals)))


def _refusal_row(refusal: RecordedRefusal) -> tuple[Any, ...]:
    said, record = refusal.outgoing.data, refusal.record
    what = (said.source, said.event, said.scope, said.code, said.field, said.message)
    raw = (record.topic, record.key, record.value, _headers(record.headers)) if record else (None, None, None, None)
    return (UUID(refusal.outgoing.ref.id), *map(_text, what), said.at, as_json(said.original).decode(), *raw)


async def noted_replays(connection: Connection, events: Collection[EventRef]) -> dict[EventRef, int]:
    """How often operators have had these events sent again; those that were refused."""
    query = """select source, event, sum(replays)::int as replays from rejections
               join unnest($1::text[], $2::text[]) as named (source, event) using (source, event) group by source, event"""
    rows = await connection.fetch(query, [event.source for event in events], [event.id for event in events])
    return {EventRef(row["source"], row["event"]): row["replays"] for row in rows}


async def fail(connection: Connection, failures: Sequence[Defect]) -> None:
    """Keeps messages on which this program failed."""
    if failures:
        await connection.execute(_FAIL, *_columns(_failure_row(each.record, each.error) for each in failures))


def _failure_row(record: Record, error: Exception) -> tuple[Any, ...]:
    place = ("in", record.topic, record.partition, record.offset, record.place)
    return (*place, record.key, record.value, _headers(record.headers), record.timestamp_ms, _error(error))


async def fail_sending(connection: Connection, refused: Sequence[tuple[Encoded, Exception]]) -> None:
    """Keeps messages that the broker will never take."""
    if refused:
        rows = (
            ("out", each.topic, None, None, 0, each.key, each.value, _headers(each.headers), 0, _error(error)) for each, error in refused
        )
        await connection.execute(_FAIL, *_columns(rows))


async def fail_again(connection: Connection, number: int, error: Exception) -> None:
    """Keeps what was tried again and failed again."""
    query = "update failed set error = $2, attempts = attempts + 1, failed_at = clock_timestamp(), retry = false where id = $1"
    await connection.execute(query, number, _error(error))


async def bound_failed(connection: Connection, most: int, days: int) -> list[dict[str, Any]]:
    """Drops what was put aside beyond so many messages and days, the oldest first; gives its places."""
    query = """
    with surplus as (
        select id from failed where failed_at < clock_timestamp() - make_interval(days => $2)
        or id <= (select id from failed order by id desc offset $1 limit 1)
        order by id limit 1000)
    delete from failed using surplus where failed.id = surplus.id
    returning failed.id, direction, topic, partition, "offset", error"""
    return [dict(row) for row in await connection.fetch(query, most, days)]


async def finish(
    connection: Connection,
    positions: Mapping[Partition, int],
    packed: bytes | None,
    taken_now: Mapping[InboxKey, bytes] | None = None,
    later: Sequence[Statement] = (),
) -> int | None:
    """Moves the positions on (never back), writes the ids that a batch has taken, and the outbox row; its id, None without one.

    `later`: what of the books is still to be written. All in one statement: for a batch of one event round trips are most of its time.
    """
    places = [partition.topic for partition in positions], [partition.number for partition in positions], list(positions.values())
    ids = taken_now or {}
    # Arrays as text: given lists, the driver looks at every value by itself.
    keys, digests = f"{{{','.join(ids)}}}", f"{{{','.join([digest.hex() for digest in ids.values()])}}}"
    query, parameters = written_with((FINISH, (*places, packed, keys, digests)), later)
    row: int | None = await connection.fetchval(query, *parameters)
    return row


async def note_sent(connection: Connection, rows: Sequence[int]) -> None:
    """Takes rows out of the outbox that the broker has acknowledged; they are kept as sent."""
    await connection.execute("update outgoing set sent_at = clock_timestamp() where id = any($1::bigint[])", list(rows))


async def bound_sent(connection: Connection, keep: timedelta, keep_bytes: int) -> None:
    """Drops what was sent longer ago than that, and the oldest beyond so many bytes, so many rows at once; what was not sent stays.

    `keep_bytes`: of messages as they are packed, those that are still to be sent among them.
    """
    query = """delete from outgoing where id in (
               select id from (select id, sent_at, total - octet_length(messages) as before from outgoing order by id limit $2) oldest
               where sent_at < clock_timestamp() - $1::interval
               or sent_at is not null and before < (select total from outgoing order by id desc limit 1) - $3::bigint)"""
    await connection.execute(query, keep, MOST_DROPPED, keep_bytes)


async def to_be_retried(connection: Connection) -> list[Failed]:
    """The failed messages that an operator wants to be tried again, oldest first; so many bytes at once, one at least."""
    rows = await connection.fetch(_TO_BE_RETRIED, MOST_RETRIED_BYTES, MOST_RETRIED)
    return [Failed(row["id"], row["direction"], _record(row)) for row in rows]


def _record(row: Any) -> Record:
    headers = tuple((name, base64.b64decode(value)) for name, value in orjson.loads(row["headers"]))
    where = (row["partition"] or 0, row["offset"] or 0, row["timestamp_ms"])
    return Record(row["topic"], row["key"], row["value"], headers, *where, place=row["place"])


async def forget_failed(connection: Connection, failed: Failed) -> None:
    """Drops a failed message that has been taken by now."""
    await connection.execute("delete from failed where id = $1", failed.id)


async def ordered_discards(connection: Connection) -> list[EventRef]:
    """The events whose waiting an operator gave up, oldest orders first, so many at once."""
    return [
        EventRef(row["source"], row["event"])
        for row in await connection.fetch("select source, event from discards order by ordered_at limit 100")
    ]


async def forget_discards(connection: Connection, events: Sequence[EventRef]) -> None:
    """Drops orders that were carried out."""
    if events:
        sources, ids = [event.source for event in events], [event.id for event in events]
        query = "delete from discards where (source, event) in (select * from unnest($1::text[], $2::text[]))"
        await connection.execute(query, sources, ids)


async def note_announced(connection: Connection, waits: Sequence[EventWaiting]) -> list[EventWaiting]:
    """Notes that these events were said to wait; those of them that were not said to before."""
    if not waits:
        return []
    rows = await connection.fetch(_ANNOUNCE, *_columns((each.source, each.event, as_json(each).decode()) for each in waits))
    new = {(row["source"], row["event"]) for row in rows}
    return [each for each in waits if (each.source, each.event) in new]


async def announced_and_ended(connection: Connection) -> list[EventWaiting]:
    """Events that were said to wait and of which something has stopped waiting, so many at once."""
    rows = await connection.fetch("select said from announced where ended order by event limit $1", SLICE)
    return [read_stored(EventWaiting, row["said"]) for row in rows]


async def forget_announced(connection: Connection, ended: Sequence[EventWaiting], still: Container[EventRef]) -> None:
    """Drops the marks of these events; of those that still wait, only that something has ended."""
    names = [EventRef(each.source, each.event) for each in ended]
    over, waiting = [each for each in names if each not in still], [each for each in names if each in still]
    for query, chosen in ((_OVER, over), (_STILL_WAITING, waiting)):
        if chosen:
            await connection.execute(query, *_columns(chosen))


async def forget_given_up(connection: Connection, refusals: Sequence[RecordedRefusal]) -> None:
    """Drops the marks of events whose waiting was given up: that they resumed is not said."""
    given_up = [(each.outgoing.data.source, each.outgoing.data.event) for each in refusals if each.outgoing.data.code == GIVEN_UP]
    if given_up:
        await connection.execute(_OVER, *_columns(given_up))


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _headers(headers: Headers) -> str:
    return orjson.dumps([(name, base64.b64encode(value or b"").decode()) for name, value in headers]).decode()


def _text(text: str) -> str:
    return text.replace("\0", "\\u0000")


def _error(error: Exception) -> str:
    return _text(f"{type(error).__name__}: {error}")[:2000]
