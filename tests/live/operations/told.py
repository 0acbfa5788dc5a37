"""What the topic of vouchers has, from its first record on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.delivery.ports import Partition
from shared.events.envelope import Topic
from shared.kafka.log_ends import BrokerLog
from shared.kafka.security import client_arguments

if TYPE_CHECKING:
    from shared.settings import Settings


async def vouchers_told(settings: Settings) -> list[Any]:
    """All records there are now; the topic has one partition."""
    place = Partition(Topic.VOUCHERS, 0)
    end = (await BrokerLog(settings).end_offsets([place]))[place]
    consumer = AIOKafkaConsumer(**client_arguments(settings), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(settings.topic_name(Topic.VOUCHERS), 0)])
    await consumer.start()
    try:
        return [await consumer.getone() for _ in range(end)]
    finally:
        await consumer.stop()
