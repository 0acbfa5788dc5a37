"""What is under way between the services, told from what differs: by waiting until what was decided by now has been read.

One service has committed something before another can have heard of it. So whoever finds a difference marks what the one has still to
send, waits until that is sent, asks the broker where its topic ends, and waits until the other has read as far. What differs then as
it did before is not a message on its way.

Invariant: nothing is locked and nobody is held up: each look is a statement of its own; what comes after the mark is not waited for.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from services.registry import INQUIRY, PAYMENT, POSTING, SETTLEMENT
from shared.delivery import shell_queries
from shared.events.envelope import Topic
from shared.kafka.log_ends import begin_offsets, end_offsets, end_offsets_at_least, partitions_of, reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.desk.schemas import Schemas
    from shared.delivery.ports import Partition

WAITED_FOR: Final = 15.0
"""Seconds for which what is under way is waited for at most."""
_LOOK_EVERY: Final = 0.1
_ANSWERS_WITHIN: Final = 5.0


class Hop(NamedTuple):
    """From a service to one that reads what it says."""

    sender: str
    topic: str
    reader: str


BETWEEN: Final = (
    Hop(PAYMENT.name, Topic.JOURNALS, SETTLEMENT.name),
    Hop(SETTLEMENT.name, Topic.SETTLEMENTS, PAYMENT.name),
    Hop(PAYMENT.name, Topic.JOURNALS, SETTLEMENT.name),
    Hop(SETTLEMENT.name, Topic.SETTLEMENTS, POSTING.name),
)
"""Every way between the three that post: what a run says, its sales payments, and what becomes of them."""
TO_INQUIRY: Final = (Hop(SETTLEMENT.name, Topic.SETTLEMENTS, INQUIRY.name), Hop(POSTING.name, Topic.VOUCHERS, INQUIRY.name))


@dataclass(slots=True)
class Left:
    """What was not passed in time: rows that are not sent and records that are not read, in words.

    `stuck`: those of them of which nothing at all was sent or read meanwhile.
    """

    unsent: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all that was under way has arrived."""
        return not self.unsent and not self.unread


class FirstAndNext(NamedTuple):
    """The first offset of a partition, and the one that its next record will get."""

    begin: int
    end: int


class UnderWay:
    """Waits for what is under way."""

    def __init__(self, schemas: Schemas, waited_for: float = WAITED_FOR) -> None:
        self._schemas = schemas
        self._waited_for = waited_for

    async def passed(self, hops: Sequence[Hop] = BETWEEN) -> Left:
        """Waits until what the senders have decided by now is read, hop after hop; what was not in time."""
        left = Left()
        deadline = asyncio.get_running_loop().time() + self._waited_for
        for hop in hops:
            await self._sent(hop.sender, deadline, left)
            await self._read(hop, deadline, left)
            if not left.passed:
                break
        return left

    async def sent(self, sender: str) -> Left:
        """Waits until what a service has decided by now is sent."""
        left = Left()
        await self._sent(sender, asyncio.get_running_loop().time() + self._waited_for, left)
        return left

    async def _sent(self, sender: str, deadline: float, left: Left) -> None:
        first = waits = await self._unsent(sender, None)
        while waits.rows and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_LOOK_EVERY)
            waits = await self._unsent(sender, first.last)
        if waits.rows:
            said = f"{sender} has {waits.rows} rows in its outbox, the oldest since {waits.since:%Y-%m-%d %H:%M:%S}"
            left.unsent.append(said)
            if waits.rows == first.rows:
                left.stuck.append(said)

    async def _unsent(self, service: str, upto: int | None) -> shell_queries.Unsent:
        async with self._schemas.of(service) as connection:
            return await shell_queries.unsent_upto(connection, upto)

    async def not_noticed(self) -> list[str]:
        """Of which logs it is not noticed yet that they were made again: they end before where they were read to."""
        found: list[str] = []
        for hop in dict.fromkeys(BETWEEN):
            ends = await self._ends(hop.topic) or {}
            async with self._schemas.of(hop.reader) as connection:
                read = await shell_queries.read_positions(connection)
            found += [
                f"{hop.reader} has read {place.topic}/{place.number} up to {read[place]}, and it ends at {end.end}"
                for place, end in ends.items()
                if read.get(place, 0) > end.end
            ]
        return found

    async def _read(self, hop: Hop, deadline: float, left: Left) -> None:
        ends = await self._ends(hop.topic)
        if ends is None:
            left.unread.append("the broker does not say where its topics end")
            return
        first = behind = await self._behind(hop.reader, ends)
        while behind and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_LOOK_EVERY)
            behind = await self._behind(hop.reader, ends)
        for place, records in behind.items():
            said = f"{hop.reader} has {records} records of {place.topic}/{place.number} to read"
            left.unread.append(said)
            if first.get(place) == records:
                left.stuck.append(said)

    async def _behind(self, reader: str, ends: Mapping[Partition, FirstAndNext]) -> dict[Partition, int]:
        async with self._schemas.of(reader) as connection:
            read = await shell_queries.read_positions(connection)
        return {place: log.end - so_far for place, log in ends.items() if log.begin < log.end and (so_far := read.get(place, 0)) < log.end}

    async def _ends(self, topic: str) -> Mapping[Partition, FirstAndNext] | None:
        """Where a topic begins and ends; None: the broker is not known, or does not answer."""
        settings = self._schemas.settings
        if settings.kafka_bootstrap_servers is None:
            return None
        with suppress(Exception):  # whatever it is: then it is not known what is under way
            async with asyncio.timeout(_ANSWERS_WITHIN), reading(settings) as asking:
                places = await partitions_of(asking, [topic], settings)
                begins = await begin_offsets(asking, places, settings)
                ends = await end_offsets(asking, await end_offsets_at_least(asking, places, settings), settings)
                return {place: FirstAndNext(begins[place], end) for place, end in ends.items()}
        return None
