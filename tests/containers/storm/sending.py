"""The load on its way: an open loop, so many units a second whatever becomes of them, and every event until the broker has it.

Invariant: units come due by the clock alone and wait for no answer; an event counts as acknowledged once the broker has said that it
has it (`acks=all`). After an unknown outcome all that was under way is sent again, as any sender with an outbox does. Events of a unit
are due some seconds apart in a drawn order, and every fifth comes a second time.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Final

from shared.delivery.ports import Encoded
from shared.kafka.producer import KafkaProducer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.events.envelope import Record
    from shared.settings import Settings
    from tests.containers.storm.load import Load

_TICK: Final = 0.1
_AT_ONCE: Final = 1_000
_ANSWER_WITHIN: Final = 25.0
_AGAIN_AFTER: Final = 0.5
_APART: Final = 3.0
_TWICE_IN: Final = 5
_SECOND_TIME_WITHIN: Final = 20.0


class OpenLoop:
    """`rate`: units a second; what is drawn follows from the seed. `units`, `sent`, `acknowledged`: how many so far."""

    def __init__(self, settings: Settings, load: Load, rate: float, seed: int) -> None:
        self._load = load
        self._rate = rate
        self._random = Random(seed)  # noqa: S311 - a drawn order, no secret
        self._producer = KafkaProducer(settings)
        self._due: list[tuple[float, int, Record]] = []
        self._order = count()
        self._begun = time.monotonic()
        self._ends = False
        self._is_started = False
        self.units = 0
        self.sent = 0
        self.acknowledged = 0
        self.failures = 0

    @asynccontextmanager
    async def flowing(self, flushed_within: float) -> AsyncIterator[None]:
        """Sends while the body runs; then no unit comes due any more, and all that did are sent. TimeoutError if that takes too long."""
        self._begun = time.monotonic()
        coming, sending = asyncio.create_task(self._come_due()), asyncio.create_task(self._send())
        try:
            yield
            self._ends = True
            async with asyncio.timeout(flushed_within):
                await asyncio.gather(coming, sending)
        finally:
            for task in (coming, sending):
                task.cancel()
            await asyncio.wait([coming, sending])
            await self._producer.close()

    async def _come_due(self) -> None:
        """Has units come due by the clock, whatever becomes of those before."""
        while not self._ends:
            self._make(self._now)
            await asyncio.sleep(_TICK)

    async def _send(self) -> None:
        while not self._ends or self._due:
            if batch := [heappop(self._due)[2] for _ in range(min(len(self._due), _AT_ONCE)) if self._ends or self._due[0][0] <= self._now]:
                await self._until_acknowledged(batch)
            else:
                await asyncio.sleep(_TICK)

    @property
    def _now(self) -> float:
        return time.monotonic() - self._begun

    def _make(self, now: float) -> None:
        """Has all units come due that are due by now."""
        while self.units < now * self._rate:
            for record in self._load.unit(self.units).records:
                self._add(now + self._random.uniform(0, _APART), record)
                if self._random.randrange(_TWICE_IN) == 0:
                    self._add(now + self._random.uniform(0, _SECOND_TIME_WITHIN), record)
            self.units += 1

    def _add(self, at: float, record: Record) -> None:
        heappush(self._due, (at, next(self._order), record))
        self.sent += 1

    async def _until_acknowledged(self, records: Sequence[Record]) -> None:
        messages = [Encoded(each.topic, each.key, each.value or b"", each.headers) for each in records]
        while True:
            try:
                if not self._is_started:
                    # An idempotent one cannot continue after a failure. Starting bounds itself; cancelled, aiokafka would leave
                    # a connection open.
                    await self._producer.restart()
                    self._is_started = True
                async with asyncio.timeout(_ANSWER_WITHIN):
                    rejected = await self._producer.send_all(messages)
            except Exception:  # noqa: BLE001 - whatever it was: the outcome is unknown
                self.failures += 1
                self._is_started = False
                await asyncio.sleep(_AGAIN_AFTER)
                continue
            assert rejected == [], rejected[0]
            self.acknowledged += len(messages)
            return
