"""Sends our messages to the broker, in order, idempotently where it can.

Invariant: a message counts as sent once the broker has acknowledged it; order is kept within a partition; what the broker
will never take is given back by name and holds up nothing else.

FastStream's `publish_batch` ignores keys; so batches of our own by partition are sent, with a client of their own that can
be replaced (found in FastStream 0.7.8).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.codec import has_lz4, lz4_encode
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record import default_records

from shared.delivery.bundling import bundled
from shared.events.values import LARGEST_MESSAGE
from shared.kafka.security import client_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.delivery.ports import Encoded
    from shared.settings import Settings

_LINGER_MS: Final = 5
_BATCH_BYTES: Final = 256 * 1024
_REQUEST_TIMEOUT_MS: Final = 15_000
_STOP_WITHIN: Final = 5.0
_LZ4_LEVEL: Final = 1
"""aiokafka's own, for which it has no setting, is 9: that takes ten times as long, for three tenths fewer bytes."""
_WEIGHED_FROM: Final = LARGEST_MESSAGE // 2
"""Bytes of a value from which on the whole message is weighed; should the rest of a smaller one be too much, the broker says so."""
_AROUND_A_PART: Final = 10
_AROUND_A_RECORD: Final = 128


_BUILDERS: Final[list[Any]] = [default_records]
with suppress(ImportError):  # the client can be installed without what is compiled of it
    from aiokafka.record._crecords import default_records as compiled_records

    _BUILDERS.append(compiled_records)


class KafkaProducer:
    """Sends our messages (ports.Producer). Idempotent where the broker can (IDEMPOTENT_PRODUCER)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def restart(self) -> None:
        """A new client: after an error an idempotent one cannot continue."""
        await self.close()
        compress_fast()
        self._producer = AIOKafkaProducer(
            **client_arguments(self._settings),
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
        refused: list[tuple[Encoded, Exception]] = []
        partitions = {topic: await self._partitions(topic) for topic in {message.topic for message in messages}}
        lots: dict[tuple[str, int], list[Encoded]] = {}
        for message in messages:
            if len(message.value) > _WEIGHED_FROM and _size(message) > LARGEST_MESSAGE:
                refused.append((message, _too_large(message)))
            else:
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
        sent = [await producer.send_batch(batch, topic, partition=partition) for batch in _batches(producer, bundled(messages))]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        if any(isinstance(answer, MessageSizeTooLargeError) for answer in answers):
            return False
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return True

    async def _send_singly(self, place: tuple[str, int], messages: Sequence[Encoded]) -> list[tuple[Encoded, Exception]]:
        """Where the broker takes less than we do: finds what it refuses; after a refusal an idempotent client has to be replaced."""
        refused: list[tuple[Encoded, Exception]] = []
        await self.restart()
        for message in messages:
            if not await self._send_lot(place, [message]):
                refused.append((message, _too_large(message)))
                await self.restart()
        return refused


def compress_fast() -> None:
    """Has the client compress at our level; the name stands in the modules that build its batches."""
    for builder in _BUILDERS:
        builder.lz4_encode = partial(lz4_encode, level=_LZ4_LEVEL)


def _size(message: Encoded) -> int:
    """The bytes of a record, and some more."""
    headers = sum(map(len, chain(*message.headers)), _AROUND_A_PART * len(message.headers))
    return len(message.value) + len(message.key or b"") + headers + _AROUND_A_RECORD


def _too_large(message: Encoded) -> Exception:
    error: Exception = MessageSizeTooLargeError(f"the broker does not take {_size(message)} bytes at once")
    return error


def _batches(producer: AIOKafkaProducer, messages: Iterable[Encoded]) -> Iterator[Any]:
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
