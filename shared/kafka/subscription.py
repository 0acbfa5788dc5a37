"""Consuming through FastStream: a service's consumers, and what each is assigned (ports.Consumer, ports.Consumers).

Invariant: offsets are committed after the batch's transaction, never before, and a failed batch is read again; a record
reaches the shell whatever its bytes are; topics are never made by asking for them.

What was found in the sources (FastStream 0.7.8, aiokafka 0.14), and decides how they are used here:
- `NACK_ON_ERROR` seeks back every partition of a failed batch; the other policies let a later commit pass it.
- FastStream's own batch parser decodes headers as UTF-8; one header that is not text would fail the batch before any code
  of ours, its fallback parser too, and then the batch would be passed: so a parser of our own, which decodes nothing.
- `consume` swallows whatever a handler raises and reads the next batch without delay: so the handler retries by itself, for ever.
- A handler that takes longer than `max_poll_interval_ms` has its member leave the group; at the next poll it joins again and
  reads its batch again, which the inbox answers.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage

from shared.delivery.ports import Partition
from shared.events.envelope import Record, Topic
from shared.kafka.security import security, token_arguments
from shared.kafka.tolerant_consumer import read_carefully

if TYPE_CHECKING:
    from collections.abc import Collection

    from faststream.kafka.subscriber.usecase import BatchSubscriber

    from shared.delivery.ports import Handler
    from shared.delivery.service import AnyService
    from shared.settings import Settings

MOST_RECORDS: Final = 500
_BATCH_TIMEOUT_MS: Final = 10
_FETCH_BYTES: Final = 8 * 1024 * 1024


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer of a service (ports.Consumer), behind it a FastStream subscriber."""

    def __init__(self, settings: Settings, topics: Collection[str]) -> None:
        self.topics = topics
        self._settings = settings
        self.subscriber: BatchSubscriber | None = None
        self.fresh: set[Partition] = set()

    @property
    def assigned(self) -> set[Partition]:
        """The partitions this consumer reads now."""
        consumer = self.subscriber.consumer if self.subscriber else None
        return {self._partition(each) for each in consumer.assignment()} if consumer else set()

    def polled_ms(self) -> list[int]:
        """When the broker last answered for each assigned partition, in milliseconds since 1970."""
        consumer = self.subscriber.consumer if self.subscriber else None
        times = [consumer.last_poll_timestamp(each) for each in consumer.assignment()] if consumer else []
        return [time for time in times if time is not None]

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called by aiokafka after a rebalance."""
        self.fresh |= {self._partition(each) for each in assigned}

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Called by aiokafka before a rebalance; the database is what makes it safe (inbox, lock)."""

    async def parse(self, raw: tuple[Any, ...]) -> KafkaAckableMessage:
        """Wraps a batch for FastStream without looking into it."""
        consumer = self.subscriber.consumer if self.subscriber else None
        return KafkaAckableMessage(raw_message=raw, body=b"", headers={}, consumer=consumer)

    async def records(self, message: KafkaAckableMessage) -> list[Record]:
        """The records of a batch, whole, with their topics' names as the contract has them."""
        return [self._record(each) for each in message.raw_message]

    def _record(self, raw: Any) -> Record:
        headers = tuple((name, value or b"") for name, value in raw.headers)
        return Record(self._bare(raw.topic), raw.key, raw.value, headers, raw.partition, raw.offset, raw.timestamp)

    def _partition(self, place: TopicPartition) -> Partition:
        return Partition(self._bare(place.topic), place.partition)

    def _bare(self, topic: str) -> str:
        return topic.removeprefix(f"{self._settings.namespace}.") if self._settings.namespace else topic


class KafkaConsumers:
    """A service's consumers (ports.Consumers): one of the reference topic, one of all others, so that neither waits for the other."""

    def __init__(self, service: AnyService, settings: Settings, handler: Handler) -> None:
        self._settings = settings
        self._handler = handler
        self._broker = _broker(settings)
        group = settings.group_name(service.name)
        others = [topic for topic in service.subscriptions if topic != Topic.REFERENCE]
        reference = [Topic.REFERENCE] if Topic.REFERENCE in service.subscriptions else []
        groups = [(f"{group}.reference", reference), (group, others)]
        self.each = [self._consume(group, topics) for group, topics in groups if topics]

    async def start(self) -> None:
        """Starts all at once (joining a group takes seconds); undone if one fails, so that it can be tried again."""
        await self._broker.connect()
        read_carefully(self._broker)
        try:
            async with asyncio.TaskGroup() as tasks:
                for subscriber in self._broker.subscribers:
                    tasks.create_task(subscriber.start())
        except BaseException:
            await self._broker.stop()
            raise

    async def stop(self) -> None:
        """Takes no new batch; returns once the batch at hand is finished and the groups are left."""
        await self._broker.stop()

    def _consume(self, group: str, topics: list[str]) -> Subscription:
        settings, subscription = self._settings, Subscription(self._settings, topics)
        subscription.subscriber = self._broker.subscriber(
            *(settings.topic_name(topic) for topic in topics),
            batch=True,
            group_id=group,
            group_instance_id=settings.group_instance_id,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            auto_offset_reset="earliest",
            max_records=MOST_RECORDS,
            batch_timeout_ms=_BATCH_TIMEOUT_MS,
            fetch_max_wait_ms=settings.fetch_max_wait_ms,
            fetch_max_bytes=_FETCH_BYTES,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            listener=subscription,
            parser=subscription.parse,
            decoder=subscription.records,
        )

        @subscription.subscriber
        async def consume(records: list[Record]) -> None:
            await self._handler(subscription, records)

        return subscription


def _broker(settings: Settings) -> KafkaBroker:
    return KafkaBroker(
        settings.brokers.split(","),
        security=security(settings),
        client_id="intercompany",
        consumer_only=True,
        allow_auto_create_topics=False,
        apply_types=False,  # no pydantic between the broker and the shell
        logger=logging.getLogger("intercompany.faststream"),  # its own logger prints in a format of its own
        log_level=logging.DEBUG,
        **token_arguments(settings),
    )
