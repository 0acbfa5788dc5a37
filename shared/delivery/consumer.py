"""aiokafka's consumer, made safe against records that it cannot read.

What always holds: a record on which aiokafka itself fails is handed on like any other, without its content, and those around
it are read; when a read fails, nothing of what it had read is passed over.

Why: aiokafka 0.14 decodes the names of headers as UTF-8 while it reads. One record with another name stops its partition for
ever, and what the same call had read of other partitions is dropped although their positions have moved on, so that the
next commit passes it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

if TYPE_CHECKING:
    from faststream.kafka import KafkaBroker

log = structlog.get_logger(__name__)

UNREADABLE: Final = ("unreadable", b"a header's name is no UTF-8 text: the record is in its topic, at this offset")
_CAREFULLY: Final = 10_000
"""Records read one by one after a failure, until the one that cannot be read is met; more than a fetch holds."""


class CarefulConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """Reads as its parent does; after a failure one by one, up to the record that cannot be read."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._carefully = 0

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> dict[TopicPartition, Any]:
        """The next records by partition; a record that cannot be read has no value and the header UNREADABLE."""
        if self._carefully:
            self._carefully -= 1
            return await self._one(timeout_ms)
        assignment, before = self._positions()
        try:
            read: dict[TopicPartition, Any] = await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except Exception as error:
            self._go_back(assignment, before)
            if not isinstance(error, UnicodeDecodeError):
                raise
            self._carefully = _CAREFULLY
            return {}
        return read

    async def _one(self, timeout_ms: int) -> dict[TopicPartition, Any]:
        for place in self.assignment():
            try:
                read: dict[TopicPartition, Any] = await super().getmany(place, timeout_ms=timeout_ms, max_records=1)
            except UnicodeDecodeError:
                self._carefully = 0
                return {place: [await self._skipped(place)]}
            if read:
                return read
        return {}

    async def _skipped(self, place: TopicPartition) -> ConsumerRecord[Any, Any]:
        offset = await self.position(place)
        self.seek(place, offset + 1)
        log.warning("a record cannot be read", topic=place.topic, partition=place.partition, offset=offset)
        return ConsumerRecord(place.topic, place.partition, offset, 0, 0, None, None, None, -1, -1, (UNREADABLE,))

    def _positions(self) -> tuple[Any, dict[TopicPartition, Any]]:
        subscription = self._subscription.subscription
        assignment = subscription.assignment if subscription else None
        return assignment, assignment.all_consumed_offsets() if assignment else {}

    def _go_back(self, assignment: Any, before: dict[TopicPartition, Any]) -> None:
        if assignment is not None and assignment.active:
            for place, offset in before.items():
                assignment.state_value(place).seek(offset.offset)


def read_carefully(broker: KafkaBroker) -> None:
    """Has a connected broker's subscribers use this consumer; FastStream has no setting for it."""
    config = broker.config.broker_config
    config.builder = partial(CarefulConsumer, **config.builder.keywords)
