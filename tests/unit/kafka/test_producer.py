"""The producer where the broker is away, and how it compresses."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.codec import lz4_decode, lz4_encode
from aiokafka.errors import KafkaConnectionError
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from shared.delivery.ports import Encoded
from shared.events.envelope import Topic
from shared.kafka.producer import KafkaProducer, compress_fast
from shared.settings import Settings


async def test_a_client_that_could_not_start_takes_no_message() -> None:
    producer = KafkaProducer(Settings(kafka_bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(KafkaConnectionError):
        await producer.restart()
    with pytest.raises(ConnectionError, match="not started"):
        await asyncio.wait_for(producer.send_all([Encoded(Topic.JOURNALS, b"key", b"{}", ())]), 5)


def test_what_is_sent_is_compressed_at_the_fast_level() -> None:
    compress_fast()
    value = b'{"company":"A10","document":"V-0001","amount":"100.00"}' * 40
    builder = DefaultRecordBatchBuilder(2, DefaultRecordBatch.CODEC_LZ4, 0, -1, -1, 0, 1 << 20)
    for number in range(200):
        builder.append(number, 0, b"%d" % number, value[number:], [])
    batch = bytes(builder.build())
    records = lz4_decode(batch[61:])
    assert batch[61:] == lz4_encode(records, level=1) != lz4_encode(records)
