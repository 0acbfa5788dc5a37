"""Consuming through FastStream: a service's consumers, and what each is assigned (ports.Consumer, ports.Consumers).

Invariant: offsets are committed after the batch's transaction, some time after, and a failed batch is read again; what is newly
assigned is read from where the database says; a record reaches the shell whatever its bytes are, unless its transaction was
aborted; topics are never made by asking for them.

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
import re
from typing import TYPE_CHECKING, Any, Final

from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.message import StreamMessage

from shared.delivery.ports import Partition
from shared.events.envelope import Record, Topic
from shared.kafka.security import security, token_arguments
from shared.kafka.tolerant_consumer import CarefulConsumer, read_carefully

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from faststream.kafka.subscriber.usecase import BatchSubscriber

    from shared.delivery.ports import Handler, ReadOn
    from shared.delivery.service import AnyService
    from shared.settings import Settings

MOST_RECORDS: Final = 500
_BATCH_TIMEOUT_MS: Final = 10
_METADATA_AGE_MS: Final = 30_000
"""How soon a topic that was made, a new sender's say, is read at the latest."""
_FETCH_BYTES: Final = 8 * 1024 * 1024


class _Batch(KafkaAckableMessage):
    """What a read has found. Acknowledged, it is done: its offsets are committed with others' (tolerant_consumer.py)."""

    async def ack(self) -> None:
        _note_done(self.consumer)
        await StreamMessage.ack(self)

    async def nack(self) -> None:
        await super().nack()
        _note_done(self.consumer)


def _note_done(consumer: Any) -> None:
    if isinstance(consumer, CarefulConsumer):
        consumer.note_done()


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer of a service (ports.Consumer), behind it a FastStream subscriber."""

    def __init__(self, settings: Settings, topics: Collection[str], read_on: ReadOn) -> None:
        self.topics = topics
        self._settings = settings
        self._namespace = settings.topic_name("")
        self.subscriber: BatchSubscriber | None = None
        self.passed: dict[Partition, int] = {}
        self._read_on = read_on

    @property
    def assigned(self) -> set[Partition]:
        """The partitions this consumer reads now."""
        consumer = self.subscriber.consumer if self.subscriber else None
        return {self._partition(each) for each in consumer.assignment()} if consumer else set()

    @property
    def missing(self) -> list[str]:
        """The topics that the broker does not have, or does not show; those of senders are there or not."""
        consumer = self.subscriber.consumer if self.subscriber else None
        return [each for each in self.topics if consumer and not consumer.partitions_for_topic(self._settings.topic_name(each))]

    def polled_ms(self) -> dict[Partition, int | None]:
        """When the broker last answered for each assigned partition of which no records are at hand."""
        consumer = self.subscriber.consumer if self.subscriber else None
        if consumer is None:
            return {}
        at_hand = consumer._fetcher._records  # noqa: SLF001 - aiokafka asks the broker for nothing while it has records of a partition
        return {self._partition(each): consumer.last_poll_timestamp(each) for each in consumer.assignment() if each not in at_hand}

    def ends(self) -> dict[Partition, int]:
        """Where each assigned partition ends, as the broker last said."""
        consumer = self.subscriber.consumer if self.subscriber else None
        if consumer is None:
            return {}
        said = {self._partition(each): consumer.highwater(each) for each in consumer.assignment()}
        return {place: end for place, end in said.items() if end is not None}

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called by aiokafka after a rebalance; where to read on is asked for before the next read (`position`)."""

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Called by aiokafka before a rebalance; the database is what makes it safe (inbox, lock)."""

    async def position(self, assigned: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where to read on in what was newly assigned (tolerant_consumer.Positioned)."""
        places = {self._partition(each): each for each in assigned}
        return {places[place]: offset for place, offset in (await self._read_on(list(places))).items()}

    def note_passed(self, positions: Mapping[TopicPartition, int]) -> None:
        """Called after a read that found nothing, with the offsets that it has come to."""
        self.passed = {self._partition(each): offset for each, offset in positions.items()}

    def note_found(self, places: Iterable[TopicPartition]) -> None:
        """Called after a read with the partitions of which it has found something.

        Behind what is read next, what was passed before would look like a log that was reset, and the broker would be asked.
        """
        for each in places:
            self.passed.pop(self._partition(each), None)

    async def parse(self, raw: tuple[Any, ...]) -> KafkaAckableMessage:
        """Wraps a batch for FastStream without looking into it."""
        consumer = self.subscriber.consumer if self.subscriber else None
        return _Batch(raw_message=raw, body=b"", headers={}, consumer=consumer)

    async def records(self, message: KafkaAckableMessage) -> list[Record]:
        """The records of a batch, whole, with their topics' names as the contract has them."""
        return [self._record(each) for each in message.raw_message]

    def _record(self, raw: Any) -> Record:
        headers = raw.headers
        if None in [value for _, value in headers]:
            headers = tuple((name, value or b"") for name, value in headers)
        return Record(self._bare(raw.topic), raw.key, raw.value, headers, raw.partition, raw.offset, raw.timestamp, raw.size)

    def _partition(self, place: TopicPartition) -> Partition:
        return Partition(self._bare(place.topic), place.partition)

    def _bare(self, topic: str) -> str:
        return topic.removeprefix(self._namespace)


class KafkaConsumers:
    """A service's consumers (ports.Consumers): one of the reference topic, one of all others, so that neither waits for the other."""

    def __init__(self, service: AnyService, settings: Settings, handler: Handler, read_on: ReadOn) -> None:
        self._settings = settings
        self._handler = handler
        self._read_on = read_on
        self._broker = _broker(settings)
        group = settings.group_name(service.name)
        read = service.topics_read(enforces_senders=settings.enforces_senders)
        senders = sorted(service.sender_topics) if settings.enforces_senders else []
        self.each = [self._consume(f"{group}.reference", [Topic.REFERENCE])] if Topic.REFERENCE in read else []
        self.each.append(self._consume(group, sorted(read - {Topic.REFERENCE}), senders))

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

    def _consume(self, group: str, topics: list[str], senders: Sequence[str] = ()) -> Subscription:
        """A consumer of these topics, and of all senders' own topics of the inbound ones in `senders`."""
        settings, subscription = self._settings, Subscription(self._settings, topics, self._read_on)
        subscription.subscriber = self._broker.subscriber(
            *(() if senders else map(settings.topic_name, topics)),
            pattern=pattern_of(settings, topics, senders) if senders else None,
            batch=True,
            group_id=group,
            group_instance_id=settings.group_instance_id,
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
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


def pattern_of(settings: Settings, topics: Iterable[str], senders: Iterable[str]) -> str:
    """The regular expression of these topics' names and of those of all senders' own topics of the inbound ones in `senders`."""
    names = [re.escape(settings.topic_name(topic)) for topic in topics]
    own = [rf"{re.escape(settings.topic_name(topic))}\.[A-Za-z0-9_-]+" for topic in senders]
    return f"^(?:{'|'.join([*names, *own])})$"


def _broker(settings: Settings) -> KafkaBroker:
    return KafkaBroker(
        settings.brokers.split(","),
        security=security(settings),
        client_id="intercompany",
        consumer_only=True,
        allow_auto_create_topics=False,
        metadata_max_age_ms=_METADATA_AGE_MS,
        apply_types=False,  # no pydantic between the broker and the shell
        logger=logging.getLogger("intercompany.faststream"),  # its own logger prints in a format of its own
        log_level=logging.DEBUG,
        **token_arguments(settings),
    )
