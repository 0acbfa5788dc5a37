"""Sends records to the topics, for every command that publishes.

Invariant: records go out in their order and count as sent when the broker has acknowledged them; a record that
the broker will never accept is an error that names it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.delivery.ports import Encoded
from shared.kafka.producer import KafkaProducer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from shared.events.envelope import Record
    from shared.settings import Settings


class NotSentError(Exception):
    """The broker rejects a record; the text says which and why."""


class Sender:
    """A started producer."""

    def __init__(self, producer: KafkaProducer) -> None:
        self._producer = producer

    async def send(self, records: Iterable[Record]) -> None:
        """Sends records in their order and waits until the broker has them all; NotSentError if it rejects one."""
        messages = [Encoded(each.topic, each.key, each.value or b"", each.headers) for each in records]
        for message, error in await self._producer.send_all(messages):
            id_ = dict(message.headers).get("ce_id", b"").decode(errors="replace")
            msg = f"the broker rejects {id_ or 'a record'} of {len(message.value)} bytes on {message.topic}: {error}"
            raise NotSentError(msg) from error


@asynccontextmanager
async def sender(settings: Settings) -> AsyncIterator[Sender]:
    """A producer for the time of the context."""
    producer = KafkaProducer(settings)
    await producer.restart()
    try:
        yield Sender(producer)
    finally:
        await producer.close()
