"""The broker, through FastStream (consuming) and aiokafka (sending): connection, subscriptions, producer, ends of logs.

What always holds: offsets are committed after the batch's transaction, never before, and a failed batch is read again;
a record reaches the shell whatever its bytes are; topics are never made by asking for them.

What was found in the sources (FastStream 0.7.8, aiokafka 0.14), and decides how it is used here:
- `NACK_ON_ERROR` seeks back every partition of a failed batch; the other policies let a later commit pass it.
- FastStream's own batch parser decodes headers as UTF-8; one header that is no text would fail the batch before any code
  of ours, its fallback parser too, and then the batch would be passed: so a parser of our own, which decodes nothing.
- `consume` swallows whatever a handler raises and reads on without delay: so the handler retries by itself, for ever.
- A handler that takes longer than `max_poll_interval_ms` has its member leave the group; at the next poll it joins again and
  reads its batch again, which the inbox answers.
- `publish_batch` ignores keys; batches of our own by partition are sent instead, with a client of their own that can be replaced.
"""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.codec import has_lz4
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext, SASLScram256, SASLScram512

from shared.delivery.ports import Encoded, Partition
from shared.events.envelope import Record, Topic
from shared.kafka.tokens import token_provider
from shared.kafka.topics import LARGEST_MESSAGE
from shared.settings import SecurityMechanism, SecurityProtocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

    from faststream.kafka.subscriber.usecase import BatchSubscriber

    from shared.delivery.service import AnyService
    from shared.settings import Settings

    Handler = Callable[["Subscription", list[Record]], Awaitable[None]]

MOST_RECORDS: Final = 500
_BATCH_TIMEOUT_MS: Final = 10
_LINGER_MS: Final = 5
_BATCH_BYTES: Final = 256 * 1024
_REQUEST_TIMEOUT_MS: Final = 15_000
_FETCH_BYTES: Final = 8 * 1024 * 1024
_STOP_WITHIN: Final = 5.0
_AROUND_A_PART: Final = 10
_AROUND_A_RECORD: Final = 128

_SASL: Final = {
    SecurityMechanism.PLAIN: SASLPlaintext,
    SecurityMechanism.SCRAM_256: SASLScram256,
    SecurityMechanism.SCRAM_512: SASLScram512,
}


def security(settings: Settings) -> BaseSecurity | None:
    """How to prove to the broker who we are; None: plain and anonymous."""
    protocol, mechanism = settings.kafka_security_protocol, settings.kafka_security_mechanism
    if protocol is SecurityProtocol.PLAINTEXT:
        return None
    encrypted = protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}
    if protocol is SecurityProtocol.SSL:
        return BaseSecurity(ssl_context=settings.tls(), use_ssl=True)
    if mechanism is SecurityMechanism.OAUTH:
        return SASLOAuthBearer(ssl_context=settings.tls(), use_ssl=encrypted)
    password = settings.kafka_security_password
    kind = _SASL[mechanism or SecurityMechanism.PLAIN]
    return kind(
        username=settings.kafka_security_username or "",
        password=password.get_secret_value() if password else "",
        ssl_context=settings.tls(),
        use_ssl=encrypted,
    )


def connection(settings: Settings) -> dict[str, Any]:
    """Aiokafka's arguments to reach the broker, for clients of its own kind (producer, admin, readers)."""
    return {"bootstrap_servers": settings.brokers, "client_id": "intercompany", **parse_security(security(settings)), **_token(settings)}


def _token(settings: Settings) -> dict[str, Any]:
    provider = token_provider(settings)
    return {} if provider is None else {"sasl_oauth_token_provider": provider}


class KafkaProducer:
    """Sends our messages (ports.Producer). Idempotent where the broker can (IDEMPOTENT_PRODUCER)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def restart(self) -> None:
        """A new client: after an error an idempotent one cannot go on."""
        await self.close()
        self._producer = AIOKafkaProducer(
            **connection(self._settings),
            acks="all",
            enable_idempotence=self._settings.idempotent_producer,
            linger_ms=_LINGER_MS,
            max_batch_size=_BATCH_BYTES,
            max_request_size=LARGEST_MESSAGE,
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
            compression_type="lz4" if has_lz4() else None,
        )
        try:
            await self._producer.start()
        except BaseException:
            await self.close()  # what is sent by a client that has not started is never answered
            raise

    async def close(self) -> None:
        """Stops the client; what is not acknowledged by then was never promised."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.wait([asyncio.ensure_future(producer.stop())], timeout=_STOP_WITHIN)

    async def send_all(self, messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        """Sends in order, waits for all acknowledgements; gives what the broker will never take, raises the rest."""
        if self._producer is None:
            msg = "the producer is not started"
            raise ConnectionError(msg)
        refused = [(message, _too_large(message)) for message in messages if _size(message) > LARGEST_MESSAGE]
        partitions = {topic: await self._partitions(topic) for topic in {message.topic for message in messages}}
        lots: dict[tuple[str, int], list[Encoded]] = {}
        for message in messages:
            if _size(message) <= LARGEST_MESSAGE:
                lots.setdefault((message.topic, _partition(message.key, partitions[message.topic])), []).append(message)
        taken = await asyncio.gather(*(self._send_lot(place, lot) for place, lot in lots.items()))
        for (place, lot), whole in zip(lots.items(), taken, strict=True):
            if not whole:
                refused += await self._send_singly(place, lot)
        return refused

    async def _partitions(self, topic: str) -> tuple[int, ...]:
        producer: Any = self._producer
        return tuple(sorted(await producer.partitions_for(self._settings.topic_name(topic))))

    async def _send_lot(self, place: tuple[str, int], messages: Sequence[Encoded]) -> bool:
        """Sends the messages of one partition in their order; whether the broker's limit let them all through."""
        producer: Any = self._producer
        topic, partition = self._settings.topic_name(place[0]), place[1]
        sent = [await producer.send_batch(batch, topic, partition=partition) for batch in _batches(producer, messages)]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        if any(isinstance(answer, MessageSizeTooLargeError) for answer in answers):
            return False
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return True

    async def _send_singly(self, place: tuple[str, int], messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        """Where the broker takes less than we do: finds what it refuses; after a refusal an idempotent client cannot go on."""
        refused: list[tuple[Encoded, Exception]] = []
        await self.restart()
        for message in messages:
            if not await self._send_lot(place, [message]):
                refused.append((message, _too_large(message)))
                await self.restart()
        return refused


def _size(message: Encoded) -> int:
    """The bytes of a record, and some more."""
    headers = sum(len(name) + len(value) + _AROUND_A_PART for name, value in message.headers)
    return len(message.value) + len(message.key or b"") + headers + _AROUND_A_RECORD


def _too_large(message: Encoded) -> Exception:
    error: Exception = MessageSizeTooLargeError(f"the broker does not take {_size(message)} bytes at once")
    return error


def _batches(producer: AIOKafkaProducer, messages: Sequence[Encoded]) -> Iterator[Any]:
    """Messages put together as the broker keeps them: a third of the time that aiokafka takes for one at a time."""
    batch = producer.create_batch()
    for message in messages:
        record = {"timestamp": None, "key": message.key, "value": message.value, "headers": list(message.headers)}
        if batch.append(**record) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(**record)
    batch.close()
    yield batch


@lru_cache(maxsize=1 << 14)
def _partition(key: bytes | None, partitions: tuple[int, ...]) -> int:
    """Where all Kafka clients put a key (murmur2, which is slow in Python)."""
    partition: int = DefaultPartitioner()(key, partitions, partitions)
    return partition


class Subscription(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer of a service: its FastStream subscriber, and what it was assigned since `fresh` was last emptied."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.subscriber: BatchSubscriber | None = None
        self.fresh: set[Partition] = set()

    @property
    def assigned(self) -> set[Partition]:
        """The partitions this consumer reads now."""
        consumer = self.subscriber.consumer if self.subscriber else None
        return {self._partition(each) for each in consumer.assignment()} if consumer else set()

    def polled_ms(self) -> list[int]:
        """When the broker last answered for each assigned partition, in milliseconds of the time of day."""
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


def subscribe(service: AnyService, settings: Settings, handler: Handler) -> tuple[KafkaBroker, list[Subscription]]:
    """The service's consumers: one of the reference topic, one of all others, so that each can go on without the other."""
    broker = KafkaBroker(
        settings.brokers.split(","),
        security=security(settings),
        client_id="intercompany",
        consumer_only=True,
        allow_auto_create_topics=False,
        apply_types=False,  # no pydantic between the broker and the shell
        logger=logging.getLogger("intercompany.faststream"),  # its own logger prints in a format of its own
        log_level=logging.DEBUG,
        **_token(settings),
    )
    others = [topic for topic in service.subscriptions if topic != Topic.REFERENCE]
    groups = [(settings.group_name(service.name), others)]
    if Topic.REFERENCE in service.subscriptions:
        groups.insert(0, (f"{settings.group_name(service.name)}.reference", [Topic.REFERENCE]))
    return broker, [_consume(broker, settings, group, topics, handler) for group, topics in groups if topics]


def _consume(broker: KafkaBroker, settings: Settings, group: str, topics: list[str], handler: Handler) -> Subscription:
    subscription = Subscription(settings)
    subscription.subscriber = broker.subscriber(
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
        await handler(subscription, records)

    return subscription
