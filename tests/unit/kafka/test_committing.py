"""The group's offsets: committed beside the batches, of what is done alone, and at the latest when the consumer stops."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

from shared.events.envelope import Topic
from shared.kafka import tolerant_consumer
from shared.kafka.subscription import Subscription
from shared.kafka.tolerant_consumer import CarefulConsumer
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping

    from faststream.kafka.message import KafkaAckableMessage

    from shared.delivery.ports import Partition

PLACE = TopicPartition("intercompany.payments", 0)


class _Consumer(CarefulConsumer):
    """Reads one record each time while there are any; what it commits is kept."""

    def __init__(self) -> None:
        super().__init__(bootstrap_servers="localhost:9", group_id="g")
        self.records = 0
        self.position_now = 0
        self.committed_offsets: list[int] = []
        self.failures: list[Exception] = []
        self.answers = asyncio.Event()
        self.answers.set()

    def _positions(self) -> tuple[Any, dict[TopicPartition, Any]]:
        return None, {PLACE: self.position_now}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        assert partition == PLACE
        self.position_now = offset

    async def commit(self, offsets: Any = None) -> None:
        await self.answers.wait()
        if self.failures:
            raise self.failures.pop()
        self.committed_offsets.append(offsets[PLACE])


@pytest.fixture
async def consumer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Consumer]:
    async def getmany(self: _Consumer, *_: TopicPartition, **__: Any) -> dict[TopicPartition, Any]:
        if not self.records:
            return {}
        self.records, self.position_now = self.records - 1, self.position_now + 1
        return {PLACE: [b""]}

    async def stop(_: _Consumer) -> None:
        pass

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", getmany)
    monkeypatch.setattr(AIOKafkaConsumer, "stop", stop)
    consumer = _Consumer()
    yield consumer
    consumer._closed = True  # noqa: SLF001 - it has never been started, so there is nothing to close


@pytest.fixture
async def message(consumer: _Consumer) -> KafkaAckableMessage:
    """What a read has found, as FastStream gets it."""
    subscription = Subscription(Settings(kafka_bootstrap_servers="localhost:9"), [Topic.PAYMENTS], _read_on)
    subscription.subscriber = cast("Any", SimpleNamespace(consumer=consumer))
    consumer.records = 1
    await consumer.getmany()
    return await subscription.parse((SimpleNamespace(topic=PLACE.topic, partition=PLACE.partition, offset=0),))


async def _read_on(_places: Collection[Partition]) -> Mapping[Partition, int]:
    return {}


async def _take(consumer: _Consumer, records: int) -> None:
    """Reads so many records one by one, each done before the next, and then nothing."""
    consumer.records = records
    while await consumer.getmany():
        consumer.note_done()
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_is_at_hand_is_not_committed(consumer: _Consumer) -> None:
    consumer.records = 1
    await consumer.getmany()
    await asyncio.sleep(0)
    assert consumer.committed_offsets == []
    await consumer.stop()
    assert consumer.committed_offsets == []


async def test_what_is_done_is_committed_at_the_next_read(consumer: _Consumer) -> None:
    await _take(consumer, 1)
    assert consumer.committed_offsets == [1]


async def test_many_batches_within_a_second_are_one_commit_and_the_rest_follows(
    consumer: _Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _take(consumer, 20)
    assert consumer.committed_offsets == [1]
    monkeypatch.setattr(consumer, "_commit_at", 0.0)
    await _take(consumer, 0)
    assert consumer.committed_offsets == [1, 20]


async def test_a_stop_commits_what_is_done(consumer: _Consumer) -> None:
    await _take(consumer, 20)
    await consumer.stop()
    assert consumer.committed_offsets == [1, 20]


async def test_what_is_acknowledged_is_done_and_commits_nothing_by_itself(consumer: _Consumer, message: KafkaAckableMessage) -> None:
    await message.ack()
    assert consumer.committed_offsets == []
    await consumer.stop()
    assert consumer.committed_offsets == [1]


async def test_what_is_given_back_is_done_where_it_was_put_back_to(consumer: _Consumer, message: KafkaAckableMessage) -> None:
    await message.nack()
    await consumer.stop()
    assert consumer.committed_offsets == [0]


async def test_a_commit_that_failed_is_made_up_for(consumer: _Consumer) -> None:
    consumer.failures = [CommitFailedError("rebalanced")]
    await _take(consumer, 1)
    assert consumer.committed_offsets == []
    await consumer.stop()
    assert consumer.committed_offsets == [1]


async def test_a_broker_that_does_not_answer_does_not_keep_a_consumer_from_stopping(
    consumer: _Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tolerant_consumer, "_LAST_COMMIT_WITHIN", 0.01)
    consumer.answers.clear()
    await _take(consumer, 2)
    async with asyncio.timeout(10):
        await consumer.stop()
    assert consumer.committed_offsets == []
