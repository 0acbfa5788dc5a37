"""Sends events to the broker for those who have no Kafka.

Invariant: it returns once the broker has acknowledged every record (`acks=all`); whatever keeps it from that is said to the
caller, who sends again, and nothing is kept here; what comes together goes out together, in the order in which it came.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from services.web.problems import Code, ProblemError
from shared.delivery.ports import Encoded
from shared.kafka.producer import KafkaProducer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.events.envelope import Record
    from shared.settings import Settings

log = structlog.get_logger(__name__)

SENT_WITHIN: Final = 20.0
"""Seconds after which the broker counts as away."""


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
