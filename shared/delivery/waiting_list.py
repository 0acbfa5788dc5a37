"""What waits in a service's tables, as a list reads it: columns alone, a page at a time, or by the events that caused it.

Invariant: whichever service keeps it, a row is read the same way; the services only say where its columns stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from shared.events.envelope import EventRef
from shared.waiting import WaitingRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.delivery.ports import Connection


class WaitingExtent(NamedTuple):
    """How much waits for a reason, and since when the oldest does; for a period: in which company."""

    reason: str
    company: str | None
    number: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class WaitingList:
    """A service's statements, which give the columns source, id, reason, key (JSON), since, sequence and what.

    `first`: the first $3 after the time $1 and the sequence $2. `because_of`: of the events with the ids $1 and sources $2, each
    reason once. `named`: all of the events with the id $1. `about`: of the rows with the sequences $1 what they say of themselves,
    as type and data (JSON) of an event. `summary`: number and oldest, of all rows. `by_reason`: the same by reason, that of a period by
    company too.
    """

    first: str
    because_of: str
    named: str
    about: str
    summary: str
    by_reason: str

    async def page(self, connection: Connection, after: tuple[datetime, int], most: int) -> list[WaitingRow]:
        """The first `most` that wait after this time and place in the order of arrival."""
        return await _rows(connection, self.first, *after, most)

    async def of_events(self, connection: Connection, events: Iterable[EventRef]) -> list[WaitingRow]:
        """What these events caused to wait: each reason of an event once, the longest."""
        causes = list(events)
        return await _rows(connection, self.because_of, [event.id for event in causes], [event.source for event in causes])

    async def of_id(self, connection: Connection, event: str) -> list[WaitingRow]:
        """All that the events with this id caused to wait, in order of arrival."""
        return await _rows(connection, self.named, event)

    async def extent(self, connection: Connection) -> tuple[int, datetime | None]:
        """How much waits, and since when the oldest does."""
        row = await connection.fetchrow(self.summary)
        return row["number"], row["oldest"]

    async def extents(self, connection: Connection) -> list[WaitingExtent]:
        """The same by reason."""
        return [WaitingExtent(*row.values()) for row in await connection.fetch(self.by_reason)]

    async def said(self, connection: Connection, sequences: Iterable[int]) -> dict[int, tuple[str, Any]]:
        """What these rows are about, by sequence: the type of an event, and of its data what names companies, documents, amounts."""
        rows = await connection.fetch(self.about, list(sequences))
        return {row["sequence"]: (row["type"], orjson.loads(row["data"])) for row in rows}


async def _rows(connection: Connection, statement: str, *arguments: Any) -> list[WaitingRow]:
    return [waiting_row(row) for row in await connection.fetch(statement, *arguments)]


def waiting_row(row: Any) -> WaitingRow:
    """A row with the columns of a list's statements."""
    event = EventRef(row["source"], row["id"])
    return WaitingRow(event, row["reason"], orjson.loads(row["key"]), row["since"], row["sequence"], row["what"])
