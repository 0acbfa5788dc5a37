"""How far the books here are read, and the transaction in which a request asks all its questions.

Invariant: what one request is told is of one moment, and it is told how far behind the topics that was: it may lag, never lie.
"""

from __future__ import annotations

import datetime as dt
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

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


@dataclass(frozen=True, slots=True)
class HowFarRead:
    """How far: `time` of the broker up to which everything is read, seconds behind, and messages still to be read by topic.

    `behind` is None where the ends of the topics are not known (the broker is away).
    """

    time: dt.datetime | None
    lag_seconds: float
    behind: dict[str, int] | None

    def as_row(self) -> Row:
        """As an answer bears it."""
        time = None if self.time is None else instant(self.time)
        return {"time": time, "lag_seconds": round(self.lag_seconds, 3), "behind": self.behind}


async def read_to(connection: Connection, ends: Mapping[Partition, int] | None, now: dt.datetime) -> HowFarRead:
    """How far these books are read. `ends`: the broker's next offset of each partition of the topics read; `now`: with time zone.

    With nothing left to read they are as of now; else as of the newest message that was read.
    """
    newest: dt.datetime | None = await connection.fetchval(_NEWEST)
    if ends is None:
        return HowFarRead(newest, _seconds(newest, now), None)
    read = {(row["topic"], row["partition"]): row["read"] for row in await connection.fetch(_POSITIONS)}
    behind: dict[str, int] = {}
    for place, end in sorted(ends.items()):
        behind[place.topic] = behind.get(place.topic, 0) + max(0, end - read.get((place.topic, place.number), 0))
    if not any(behind.values()):
        return HowFarRead(now, 0.0, behind)
    return HowFarRead(newest, _seconds(newest, now), behind)


def _seconds(newest: dt.datetime | None, now: dt.datetime) -> float:
    return 0.0 if newest is None else max(0.0, (now - newest).total_seconds())
