"""What the API asks of the broker: to take events for those who have no Kafka, and where its topics end.

Invariant: it returns once the broker has acknowledged every record (`acks=all`); whatever keeps it from that is said to the
caller, who sends again, and nothing is kept here; what comes together goes out together, in the order in which it came.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from services.desk.topic_ends import ENDS_WITHIN, ends_of
from services.web.problems import Code, ProblemError
from shared.delivery.ports import Encoded, SystemClock
from shared.kafka.log_ends import reader
from shared.kafka.producer import KafkaProducer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiokafka import AIOKafkaConsumer

    from shared.delivery.ports import Clock, Partition
    from shared.events.envelope import Record
    from shared.settings import Settings

log = structlog.get_logger(__name__)

SENT_WITHIN: Final = 20.0
"""Seconds after which the broker counts as away."""
ENDS_AGAIN_AFTER: Final = 10.0
"""Seconds for which a broker that did not answer is not asked where its topics end."""


class BrokerSender:
    """A producer that is started when it is first needed, and again after a failure."""

    def __init__(self, settings: Settings) -> None:
        self._producer = KafkaProducer(settings)
        self._is_started = False
        self._turn = asyncio.Lock()

    async def send(self, records: Sequence[Record]) -> None:
        """Sends records in their order; ProblemError (broker-away, or too-large for one that the broker rejects)."""
        messages = [Encoded(each.topic, each.key, each.value or b"", each.headers) for each in records]
        async with self._turn:
            try:
                async with asyncio.timeout(SENT_WITHIN):
                    await self._start()
                    rejected = await self._producer.send_all(messages)
            except Exception as error:
                self._is_started = False  # an idempotent producer cannot continue after a failure
                log.warning("the broker did not take events", events=len(messages), error=repr(error))
                raise ProblemError(Code.BROKER_AWAY, "broker") from error
        if rejected:
            raise ProblemError(Code.TOO_LARGE, "broker-rejects", reason=str(rejected[0][1]).rstrip("."))

    async def is_there(self) -> bool:
        """Whether the broker answers: a producer that has started has asked it."""
        if self._turn.locked() or self._is_started:
            return True
        async with self._turn:
            try:
                async with asyncio.timeout(SENT_WITHIN):
                    await self._start()
            except Exception:  # noqa: BLE001 - whatever it is, an event that comes now would not be taken
                return False
        return True

    async def _start(self) -> None:
        if not self._is_started:
            await self._producer.restart()
            self._is_started = True

    async def close(self) -> None:
        """Stops the producer."""
        async with self._turn:
            self._is_started = False
            await self._producer.close()


class BrokerEnds:
    """Where the topics end that inquiry reads, asked of the broker on one connection that stays open.

    Requests that come while it is being asked share the next answer; a broker that did not answer is left alone for a while.
    """

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._turn = asyncio.Lock()
        self._reader: AIOKafkaConsumer | None = None
        self._asked_at = -math.inf
        self._away_until = -math.inf
        self._ends: Mapping[Partition, int] | None = None

    async def ends(self) -> Mapping[Partition, int] | None:
        """The ends, true after they were asked for; None: the broker is away."""
        came_at = self._clock.monotonic()
        async with self._turn:
            now = self._clock.monotonic()
            if self._asked_at > came_at or now < self._away_until:
                return self._ends
            self._asked_at = now
            try:
                async with asyncio.timeout(ENDS_WITHIN):
                    self._ends = await self._ask()
            except Exception as error:  # noqa: BLE001 - whatever it is, the books can be read without
                log.warning("the broker does not say where its topics end", error=repr(error))
                self._ends = None
                self._away_until = self._clock.monotonic() + ENDS_AGAIN_AFTER
                await self._stop()
            return self._ends

    async def _ask(self) -> Mapping[Partition, int]:
        if self._reader is None:
            self._reader = reader(self._settings)
            await self._reader.start()
        return await ends_of(self._reader, self._settings)

    async def _stop(self) -> None:
        stopped, self._reader = self._reader, None
        if stopped is not None:
            with suppress(Exception):
                await stopped.stop()

    async def close(self) -> None:
        """Ends the connection."""
        async with self._turn:
            await self._stop()
