"""How far the books here are read, and the transaction in which a request asks all its questions.

Invariant: what one request is told is of one moment, and it is told how far behind that was: behind the topics, and behind the vouchers
that posting has still to make of documents and settlements that are shown already. It may lag, never lie.
"""

from __future__ import annotations

import datetime as dt
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shared.events.envelope import Topic
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from shared.delivery.ports import Connection, Database, Partition

Row = dict[str, Any]

_SNAPSHOT: Final = """
set transaction isolation level repeatable read, read only;
set local plan_cache_mode = force_custom_plan"""
"""Filters that are not set are dropped from a plan only where it is made for the values at hand."""
_POSITIONS: Final = "select topic, partition, next_offset - base as read from positions"
_NEWEST: Final = """
select greatest(
    (select posted_at from vouchers order by position desc limit 1),
    (select received_at from events where is_current order by received_at desc limit 1)
) as newest"""


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """A connection to inquiry's schema in one `repeatable read, read only` transaction: all questions of a request go through it."""
    async with database.transaction() as connection:
        await be_snapshot(connection)
        yield connection


async def be_snapshot(connection: Connection) -> None:
    """Makes a transaction, of which this is the first statement, one for reading at one moment."""
    await connection.execute(_SNAPSHOT)


class PostingStand(NamedTuple):
    """How far the posting service has read, by partition, and how many of its rows are not yet on the topics."""

    read: Mapping[Partition, int]
    unsent: int

    def left(self, shown: Mapping[tuple[str, int], int]) -> int:
        """Of how much that is shown the vouchers are still to come; `shown`: how far the topics are read, or go."""
        to_be_posted = {place: offset for place, offset in shown.items() if place[0] == Topic.SETTLEMENTS}
        read = {tuple(place): offset for place, offset in self.read.items()}
        return self.unsent + sum(max(0, offset - read.get(place, 0)) for place, offset in to_be_posted.items())


@dataclass(frozen=True, slots=True)
class HowFarRead:
    """How far: `time` of the broker up to which everything is read, seconds behind, and messages still to be read by topic.

    Documents and settlements of which posting has still to make the vouchers are counted as messages of the vouchers' topic.
    `behind` is None where the ends of the topics are not known (the broker is away).
    """

    time: dt.datetime | None
    lag_seconds: float
    behind: dict[str, int] | None

    def as_row(self) -> Row:
        """As an answer bears it."""
        time = None if self.time is None else instant(self.time)
        return {"time": time, "lag_seconds": round(self.lag_seconds, 3), "behind": self.behind}


async def positions(connection: Connection) -> dict[tuple[str, int], int]:
    """How far these books are read, by topic and partition."""
    return {(row["topic"], row["partition"]): row["read"] for row in await connection.fetch(_POSITIONS)}


async def read_to(
    connection: Connection, ends: Mapping[Partition, int] | None, now: dt.datetime, posting: PostingStand | None = None
) -> HowFarRead:
    """How far these books are read. `ends`: the broker's next offset of each partition of the topics read; `now`: with time zone.

    `posting`: how far that service was before the ends were asked for; None: not known.

    With nothing left to read they are as of now; else as of the newest message that was read.
    """
    newest: dt.datetime | None = await connection.fetchval(_NEWEST)
    if ends is None:
        return HowFarRead(newest, _seconds(newest, now), None)
    read = await positions(connection)
    behind: dict[str, int] = {}
    for place, end in sorted(ends.items()):
        behind[place.topic] = behind.get(place.topic, 0) + max(0, end - read.get((place.topic, place.number), 0))
    shown = read | {(place.topic, place.number): max(end, read.get((place.topic, place.number), 0)) for place, end in ends.items()}
    if posting is not None and (left := posting.left(shown)):
        behind[Topic.VOUCHERS] = behind.get(Topic.VOUCHERS, 0) + left
    if not any(behind.values()):
        return HowFarRead(now, 0.0, behind)
    return HowFarRead(newest, _seconds(newest, now), behind)


def _seconds(newest: dt.datetime | None, now: dt.datetime) -> float:
    return 0.0 if newest is None else max(0.0, (now - newest).total_seconds())
