"""Where a service reads on: the database says so, whatever the group's offsets at the broker are.

Invariant: what is committed in `positions` is in the books, and nothing before it is read for the first time again; so a
partition that is assigned is read from there. If the database was set back (a replica that lagged, a backup), what it does not
have is read again, and its ids make that harmless; if somebody moved the group's offset, nothing is passed over.

- A log that was reset (a broker that lost its memory, a topic deleted and made again) ends before where it was read to, or begins
  again under the eyes of its reader: its offsets are rebased, so that an offset in the database only grows and no new record is taken
  for one that was read.
- Records that are gone before they were read (retention) are a gap: it is noted, logged, and keeps readiness red until an
  operator has set it to acknowledged.
- Offsets without a record for us (control records of transactions, aborted records, compaction) are not a gap: they count as
  read once a read that found nothing has passed them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from shared.delivery import positions_table
from shared.delivery import shell_tables as tables
from shared.delivery.ports import Partition
from shared.runtime.retry import any_error, retry_forever

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from shared.delivery.batch import Delivery
    from shared.delivery.ports import Log
    from shared.events.envelope import Record

log: Final = structlog.get_logger(__name__)


class Lag(NamedTuple):
    """How many records are still to be taken, and how old the next of them is at most, in seconds."""

    records: int
    seconds: float


class ReadPositions:
    """The positions of one service's consumers in one process. Offsets are the broker's own, in the database they are rebased."""

    def __init__(self, delivery: Delivery, broker: Log) -> None:
        self._delivery = delivery
        self._broker = broker
        self._bases: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}
        self._looked_at: dict[Partition, int] = {}
        self._taken: dict[Partition, int] = {}
        self._younger_than_ms: dict[Partition, float] = {}

    async def read_on(self, places: Collection[Partition], back: Mapping[Partition, int] | None = None) -> Mapping[Partition, int]:
        """The offsets from which these partitions are to be read; tried until they are known.

        `back`: records with these offsets came after later ones: their logs were reset, though they may have grown long since.
        """
        return await retry_forever("assignment", partial(self._read_on, places, back or {}), self._delivery.runtime, retry_if=any_error)

    async def _read_on(self, places: Collection[Partition], back: Mapping[Partition, int]) -> Mapping[Partition, int]:
        begins, ends = await self._broker.begin_offsets(places), {**await self._broker.end_offsets(places), **back}
        async with self._delivery.database.transaction() as connection:
            self._bases.update(await positions_table.rebase(connection, ends))
            read = {place: offset - self._base(place) for place, offset in (await positions_table.positions_of(connection, places)).items()}
            gaps = {place: (offset, begins[place]) for place, offset in read.items() if offset < begins[place]}
            await positions_table.note_gaps(connection, gaps)
        for place, (first, begin) in gaps.items():
            log.error("records are gone that were never read", topic=place.topic, partition=place.number, first=first, last=begin - 1)
        positions = {place: max(read.get(place, 0), begins[place]) for place in places}
        self._next.update(positions)
        self._taken.update(positions)
        return positions

    async def rebased(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records of a batch with their offsets rebased; where the offsets do not follow those before, the broker is asked why."""
        first: dict[Partition, int] = {}
        following: dict[Partition, int] = {}
        for record in records:
            place = Partition(record.topic, record.partition)
            first.setdefault(place, record.offset)
            following[place] = record.offset + 1
        jumped = [place for place, offset in first.items() if self._next.get(place, offset) != offset]
        if jumped:
            await self.read_on(jumped, {place: first[place] for place in jumped if first[place] < self._next[place]})
        self._next.update(following)
        if self._bases:
            for record in records:
                record.offset += self._base(Partition(record.topic, record.partition))
        return records

    async def pass_over(self, passed: Mapping[Partition, int]) -> None:
        """Counts as read what a read that found nothing has passed: offsets that hold no record for us."""
        further = {place: offset for place, offset in passed.items() if offset > self._next.get(place, offset)}
        if further:
            async with self._delivery.database.transaction() as connection:
                await tables.finish(connection, {place: offset + self._base(place) for place, offset in further.items()}, None)
            self._next.update(further)
            self._taken.update(further)
        # A log that was reset and in which nothing is yet: what was passed before the last batch looks the same, and is looked at once.
        again = {place: offset for place, offset in passed.items() if offset < self._next.get(place, offset)}
        if suspected := [place for place, offset in again.items() if self._looked_at.get(place) != offset]:
            await self.read_on(suspected)
        self._looked_at = again

    def note_taken(self, records: Sequence[Record]) -> None:
        """Notes that a batch, with its offsets rebased, is in the database."""
        for record in records:
            place = Partition(record.topic, record.partition)
            self._taken[place] = record.offset - self._base(place) + 1
            self._younger_than_ms[place] = record.timestamp_ms

    def lags(self, ends: Mapping[Partition, int], now_ms: float) -> dict[str, Lag]:
        """How far each topic is behind, by where the assigned partitions end.

        The next record is younger than the last one that was taken, and than when nothing was left to be taken.
        """
        found: dict[str, Lag] = {}
        for place, end in ends.items():
            records = max(0, end - self._taken.get(place, end))
            if not records:
                self._younger_than_ms[place] = now_ms
            seconds = max(0.0, now_ms - self._younger_than_ms.setdefault(place, now_ms)) / 1000
            before = found.get(place.topic, Lag(0, 0.0))
            found[place.topic] = Lag(before.records + records, max(before.seconds, seconds))
        return found

    def _base(self, place: Partition) -> int:
        return self._bases.get(place, 0)
