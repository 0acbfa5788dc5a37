"""The true ends of logs: the offset that the next record of a partition will get.

Invariant: the answer was true after it was asked for. ListOffsets alone is not enough: the embedded broker answers
with the first record of the last batch. So one fetch from there tells the high watermark, on every broker the same.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from shared.delivery.ports import Partition
from shared.kafka.security import client_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping

    from shared.settings import Settings

_FETCH_WAIT_MS: Final = 2
_LOOK_EVERY: Final = 0.002
_ANSWER_WITHIN: Final = 15.0


def reader(settings: Settings) -> AIOKafkaConsumer:
    """A consumer without a group, to ask for ends with; start and stop it as any."""
    return AIOKafkaConsumer(**client_arguments(settings), enable_auto_commit=False, fetch_max_wait_ms=_FETCH_WAIT_MS)


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A started reader."""
    consumer = reader(settings)
    try:
        await consumer.start()
        await asyncio.sleep(0)  # its tasks begin: stopped before, it would cancel whoever stops it
        yield consumer
    finally:
        await consumer.stop()


async def partitions_of(consumer: AIOKafkaConsumer, topics: Iterable[str], settings: Settings) -> list[Partition]:
    """All partitions of topics that are there."""
    places: list[Partition] = []
    for topic in topics:
        name = settings.topic_name(topic)
        if not consumer.partitions_for_topic(name):
            await consumer._client._wait_on_metadata(name)  # noqa: SLF001 - a reader without a group learns of a topic when asked
        places += [Partition(topic, number) for number in consumer.partitions_for_topic(name) or ()]
    return places


async def begin_offsets(consumer: AIOKafkaConsumer, partitions: Collection[Partition], settings: Settings) -> dict[Partition, int]:
    """The offset of the first record that each partition still has. KafkaError if the broker is away."""
    places = _places(partitions, settings)
    return {places[place]: begin for place, begin in (await consumer.beginning_offsets(list(places))).items()}


async def end_offsets_at_least(consumer: AIOKafkaConsumer, partitions: Collection[Partition], settings: Settings) -> dict[Partition, int]:
    """Lower bounds of the ends, by one request; on Apache Kafka the ends themselves. KafkaError if the broker is away."""
    places = _places(partitions, settings)
    return {places[place]: end for place, end in (await consumer.end_offsets(list(places))).items()}


async def end_offsets(consumer: AIOKafkaConsumer, least: dict[Partition, int], settings: Settings) -> dict[Partition, int]:
    """The ends, from their lower bounds on; some milliseconds. KafkaError if the broker is away."""
    places = _places(least, settings)
    if not places:
        return {}
    consumer.assign(list(places))  # once more each time: a new assignment knows no watermark yet
    for place, partition in places.items():
        consumer.seek(place, least[partition])
    unknown = retry_if_result(lambda known: not known)
    waiting = AsyncRetrying(
        wait=wait_fixed(_LOOK_EVERY), stop=stop_after_delay(_ANSWER_WITHIN), retry=unknown, retry_error_cls=_NoAnswerError
    )

    async def known() -> bool:
        return all(consumer.highwater(place) is not None for place in places)

    await waiting(known)
    ends = {partition: max(consumer.highwater(place), least[partition]) for place, partition in places.items()}
    consumer.pause(*places)  # or it would keep fetching
    return ends


class _NoAnswerError(KafkaTimeoutError):  # type: ignore[misc]
    """The broker did not answer a fetch."""


class BrokerLog:
    """The broker's logs (ports.Log), asked now and then: each time with a connection of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def begin_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The offset of the first record that each partition still has. KafkaError if the broker is away."""
        if not partitions:
            return {}
        async with reading(self._settings) as consumer:
            return await begin_offsets(consumer, partitions, self._settings)

    async def end_offsets(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The offset that the next record of each partition will get. KafkaError if the broker is away."""
        if not partitions:
            return {}
        async with reading(self._settings) as consumer:
            least = await end_offsets_at_least(consumer, partitions, self._settings)
            return await end_offsets(consumer, least, self._settings)


def _places(partitions: Iterable[Partition], settings: Settings) -> dict[TopicPartition, Partition]:
    return {TopicPartition(settings.topic_name(each.topic), each.number): each for each in partitions}
