"""A batch that would inflate to more than memory has is not inflated; it is refused by its place."""

from __future__ import annotations

import tracemalloc
from random import Random
from typing import Any

import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from shared.events.codec import decode
from shared.events.envelope import Record, Topic, Unreadable
from shared.kafka.inflating import LARGEST_INFLATED, bounded

CODECS = [DefaultRecordBatch.CODEC_GZIP, DefaultRecordBatch.CODEC_LZ4, DefaultRecordBatch.CODEC_ZSTD]


def _batch(codec: int, base: int, *values: bytes) -> bytes:
    builder: Any = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    for number, value in enumerate(values):
        builder.append(number, 1_767_225_600_000, b"key", value, [])
    made = bytearray(builder.build())
    made[:8] = base.to_bytes(8, "big")
    return bytes(made)


def _read(fetched: bytes) -> list[Any]:
    records: Any = MemoryRecords(bounded(fetched))
    read: list[Any] = []
    while (batch := records.next_batch()) is not None:
        assert batch.validate_crc()
        read += [(record.offset, record.value, record.headers) for record in batch]
        next_offset = batch.next_offset
    return [*read, next_offset]


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_that_would_be_too_large_is_one_record_that_says_so_and_its_neighbours_are_read(codec: int) -> None:
    bomb = _batch(codec, 7, bytes(LARGEST_INFLATED), bytes(100))
    assert len(bomb) < LARGEST_INFLATED // 100
    fetched = _batch(codec, 5, b"a", b"b") + bomb + _batch(0, 9, b"c")
    tracemalloc.start()
    one, two, instead, after, following = _read(fetched)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LARGEST_INFLATED // 10
    assert [one[:2], two[:2], after[:2], following] == [(5, b"a"), (6, b"b"), (9, b"c"), 10]
    assert instead[0] == 7
    refused = decode(Record(Topic.INVOICES, None, bytes(instead[1]), tuple(instead[2]), 0, instead[0]))
    assert isinstance(refused, Unreadable)
    assert refused.code == "malformed"
    assert refused.message.startswith(f"the records 7 to 8 are one batch of {len(bomb)} bytes that inflate to more than")


def test_a_snappy_batch_counts_by_what_its_blocks_say() -> None:
    bomb = _batch(DefaultRecordBatch.CODEC_SNAPPY, 7, bytes(LARGEST_INFLATED), bytes(100))
    assert [offset for offset, *_ in _read(bomb)[:-1]] == [7]


@pytest.mark.parametrize("codec", CODECS)
def test_the_offsets_after_a_batch_that_was_not_read_continue(codec: int) -> None:
    assert _read(_batch(codec, 7, bytes(LARGEST_INFLATED), bytes(100)))[-1] == 9


@pytest.mark.parametrize("codec", [0, *CODECS, DefaultRecordBatch.CODEC_SNAPPY])
@pytest.mark.parametrize("size", [10, 1 << 20, 5 << 20])
def test_what_is_not_too_large_is_left_as_it_is(codec: int, size: int) -> None:
    fetched = _batch(codec, 0, Random(1).randbytes(size), b"x") + _batch(codec, 2, b"y")  # noqa: S311 - what does not compress
    assert bounded(fetched) is fetched
    assert bounded(fetched[:-3]) == fetched[:-3]
