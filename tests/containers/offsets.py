"""Where the services read on: put back to the beginning of every topic, and whether all has been read again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.registry import SERVICES
from shared.events.envelope import Topic
from shared.kafka.log_ends import end_offsets_at_least, partitions_of, reading
from shared.kafka.security import client_arguments
from shared.kafka.topics import TOPICS
from shared.postgresql.database import Postgres

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from shared.delivery.ports import Partition
    from shared.settings import Settings

_REFERENCE: Final = ".reference"


async def ends_of_all(settings: Settings) -> Mapping[Partition, int]:
    """Where the partitions of all topics end."""
    async with reading(settings) as consumer:
        places = await partitions_of(consumer, [spec.name for spec in TOPICS], settings)
        return await end_offsets_at_least(consumer, places, settings)


async def groups(settings: Settings) -> dict[str, dict[TopicPartition, int]]:
    """The consumer groups of all services: their partitions, and where those end."""
    ends = await ends_of_all(settings)
    found: dict[str, dict[TopicPartition, int]] = {}
    for service in SERVICES:
        for place, end in ends.items():
            if place.topic in service.subscriptions:
                group = settings.group_name(service.name) + (_REFERENCE if place.topic == Topic.REFERENCE else "")
                found.setdefault(group, {})[TopicPartition(settings.topic_name(place.topic), place.number)] = end
    return found


@asynccontextmanager
async def _member(settings: Settings, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A client that speaks for a group without being one of those that share its partitions."""
    consumer = AIOKafkaConsumer(**client_arguments(settings), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_from_the_beginning(settings: Settings) -> None:
    """Has every service read all its topics again, as after a database was set back: its positions say where to; no service runs."""
    for service in SERVICES:
        database = Postgres(settings.database, settings.schema_name(service.name))
        try:
            async with database.transaction() as connection:
                await connection.execute("delete from positions")
        finally:
            await database.close()


async def all_committed(settings: Settings) -> bool:
    """Whether every group has read its partitions to their ends."""
    for group, ends in (await groups(settings)).items():
        async with _member(settings, group) as consumer:
            for place, end in ends.items():
                if (await consumer.committed(place) or 0) < end:
                    return False
    return True
