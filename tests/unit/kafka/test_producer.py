"""The producer where the broker is away."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from shared.delivery.ports import Encoded
from shared.events.envelope import Topic
from shared.kafka.producer import KafkaProducer
from shared.settings import Settings


async def test_a_client_that_could_not_start_takes_no_message() -> None:
    producer = KafkaProducer(Settings(kafka_bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(KafkaConnectionError):
        await producer.restart()
    with pytest.raises(ConnectionError, match="not started"):
        await asyncio.wait_for(producer.send_all([Encoded(Topic.JOURNALS, b"key", b"{}", ())]), 5)
