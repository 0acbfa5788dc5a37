"""What a read that found nothing has passed counts until something of the same partition is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiokafka import TopicPartition

from shared.delivery.ports import Partition
from shared.events.envelope import Topic
from shared.kafka.subscription import Subscription
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


async def _read_on(_places: Collection[Partition]) -> Mapping[Partition, int]:
    return {}


def test_what_was_passed_before_records_were_read_is_not_what_was_passed_now() -> None:
    settings = Settings(kafka_bootstrap_servers="localhost:9", namespace="n")
    subscription = Subscription(settings, [Topic.PAYMENTS], _read_on)
    first, second = (TopicPartition(settings.topic_name(Topic.PAYMENTS), number) for number in (0, 1))
    subscription.note_passed({first: 5, second: 7})
    subscription.note_found([first])
    assert subscription.passed == {Partition(Topic.PAYMENTS, 1): 7}
    subscription.note_passed({first: 9, second: 7})
    assert subscription.passed == {Partition(Topic.PAYMENTS, 0): 9, Partition(Topic.PAYMENTS, 1): 7}
