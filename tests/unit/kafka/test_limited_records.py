"""What a fetch holds is bounded before it is built: headers are counted, reads end by their bytes, nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from shared.delivery.weight import MOST_RECORDS
from shared.events.bindings import MOST_HEADERS
from shared.events.bundles import BUNDLE_CONTENT, MOST_EVENTS, NUMBER_OF_EVENTS, events_said
from shared.events.codec import decode
from shared.events.envelope import Record, Topic, Unreadable
from shared.kafka.limited_records import LARGEST_READ, LimitedRecords, begin_read, bound_reads
from tests.growth.counting import SAME, peak_bytes

CODECS = [0, DefaultRecordBatch.CODEC_GZIP, DefaultRecordBatch.CODEC_LZ4, DefaultRecordBatch.CODEC_ZSTD, DefaultRecordBatch.CODEC_SNAPPY]
PLACE = TopicPartition(Topic.INVOICES, 0)
Sent = tuple[bytes | None, list[tuple[str, bytes | None]]]


class _PythonRecords(LimitedRecords):
    parser = _DefaultRecordBatchPy


def _batch(base: int, *records: Sent, codec: int = 0) -> bytes:
    builder: Any = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    for number, (value, headers) in enumerate(records):
        builder.append(number, 1_767_225_600_000 + number, b"key", value, headers)
    made = bytearray(builder.build())
    made[:8] = base.to_bytes(8, "big")
    return bytes(made)


def _headers(number: int) -> list[tuple[str, bytes | None]]:
    return [(f"h{each}", b"v") for each in range(number)]


def _said(record: Any) -> tuple[Any, ...]:
    return record.offset, record.timestamp, record.key, record.value, list(record.headers)


def _read(records: Any) -> list[tuple[Any, ...]]:
    read: list[tuple[Any, ...]] = []
    while (batch := records.next_batch()) is not None:
        assert batch.validate_crc()
        read += map(_said, batch)
    return read


@pytest.mark.parametrize("kind", [LimitedRecords, _PythonRecords])
@pytest.mark.parametrize("codec", CODECS)
def test_a_record_of_too_many_headers_keeps_its_place_and_their_number_and_its_neighbours_are_whole(codec: int, kind: Any) -> None:
    most, many = _headers(MOST_HEADERS), _headers(1000)
    fetched = _batch(5, (b"a", many), (b"b", most), (b"{}", many), (None, many), (b"e", []), codec=codec) + _batch(10, (b"f", most))
    plain = _read(MemoryRecords(fetched))
    one, two, three, four, five, six = _read(kind(fetched))
    assert [two, five, six] == [plain[1], plain[4], plain[5]]
    for refused, sent in [(one, plain[0]), (three, plain[2]), (four, plain[3])]:
        assert refused[:4] == sent[:4]
        assert len(refused[4]) == 1
    said = decode(Record(Topic.INVOICES, three[2], three[3], tuple(three[4]), 0, three[0]))
    assert isinstance(said, Unreadable)
    assert (said.code, said.message) == ("malformed", f"the record has 1000 headers: at most {MOST_HEADERS} are read")


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_without_such_a_record_is_read_as_the_client_reads_it(codec: int) -> None:
    fetched = _batch(0, (b"a", _headers(MOST_HEADERS)), (None, [("h", None)]), (b"", []), codec=codec)
    assert _read(LimitedRecords(fetched)) == _read(MemoryRecords(fetched))


@pytest.mark.parametrize("codec", CODECS)
def test_a_small_record_of_too_many_headers_is_refused_when_it_is_read(codec: int) -> None:
    sent: list[tuple[str, bytes | None]] = [("h", b"")] * (MOST_HEADERS + 1)
    ((offset, _, key, value, headers),) = _read(LimitedRecords(_batch(0, (b"{}", sent), codec=codec)))
    said = decode(Record(Topic.INVOICES, key, value, tuple(headers), 0, offset))
    assert isinstance(said, Unreadable)
    assert said.message == f"the record has {MOST_HEADERS + 1} headers: at most {MOST_HEADERS} are read"


@pytest.mark.parametrize("codec", CODECS)
def test_each_record_of_a_read_has_its_bytes_as_its_size(codec: int) -> None:
    fetched = _batch(0, (b"a" * 300, [("h", b"v" * 40)]), (None, []), (b"b", _headers(1000)), (b"", [("h", None)]), codec=codec)
    (read,) = _reads(fetched, 1)
    said = [3 + 300 + 1 + 40, 3, 3 + 1 + sum(len(f"h{each}v") for each in range(1000)), 3 + 1]
    lengths = [12, 8, 2010, 10]  # those of key, value and headers, the time and the offset, in one or two bytes each
    assert [record.size for record in read] == pytest.approx([bare + around for bare, around in zip(said, lengths, strict=True)], abs=6)


@pytest.mark.parametrize("cut", range(1, 40))
@pytest.mark.parametrize("end", [b"", b"\xff", b"\x7e", b"\x01"])
def test_a_record_of_too_many_headers_is_not_built_although_what_follows_it_is_no_record(cut: int, end: bytes) -> None:
    fetched = bytearray(_batch(0, (b"a", _headers(1000)), (b"b" * 20, _headers(2))))
    fetched[-cut:] = end * cut
    fetched[8:12] = (len(fetched) - 12).to_bytes(4, "big")
    read: list[Any] = []
    with suppress(CorruptRecordException, UnicodeDecodeError):
        for record in LimitedRecords(bytes(fetched)).next_batch():
            read.append(record)  # noqa: PERF402 - those before the error
    assert len(read[0].headers) == 1


@pytest.mark.parametrize("codec", CODECS)
def test_twice_the_records_of_very_many_headers_hold_no_more_than_what_was_fetched(codec: int) -> None:
    held: list[float] = []
    for number in (10, 20):
        fetched = _batch(0, *[(b"{}", _headers(5_000))] * number, codec=codec)
        with peak_bytes() as peak:
            assert len(_read(LimitedRecords(fetched))) == number
        inflated = number * 40_000
        held.append(peak.value / inflated)
    assert max(held) <= 3  # as objects they are 13 times as large


# Reads


def _results(fetched: bytes, assignment: Assignment, places: list[TopicPartition]) -> list[Any]:
    def result(place: TopicPartition) -> Any:
        assignment.state_value(place).reset_to(0)
        records = fetcher.PartitionRecords(place, LimitedRecords(fetched), [], 0, None, None, True, fetcher.READ_COMMITTED)  # noqa: FBT003 - the client's
        return fetcher.FetchResult(place, assignment=assignment, partition_records=records, backoff=0)

    return [result(place) for place in places]


def _reads(fetched: bytes, partitions: int) -> list[list[Any]]:
    """What each read gives, until nothing is left."""

    async def read() -> list[list[Any]]:
        places = [TopicPartition(Topic.INVOICES, number) for number in range(partitions)]
        assignment = Assignment(places)
        results, reads = _results(fetched, assignment, places), []
        while any(each.has_more() for each in results):
            begin_read(assignment)
            reads.append([record for each in results if each.has_more() for record in each.getall(500)])
        return reads

    return asyncio.run(read())


@pytest.fixture(autouse=True)
def bounded_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher.FetchResult, "getall", fetcher.FetchResult.getall)
    bound_reads()


def test_a_read_ends_by_its_bytes_and_the_next_goes_on_where_it_ended() -> None:
    size = 1 << 20
    fetched = b"".join(
        _batch(2 * number, (bytes(size), []), (bytes(size), []), codec=DefaultRecordBatch.CODEC_GZIP) for number in range(10)
    )
    reads = _reads(fetched, 2)
    assert max(sum(len(record.value) for record in read) for read in reads) <= LARGEST_READ
    for partition in (0, 1):
        assert [record.offset for read in reads for record in read if record.partition == partition] == list(range(20))


def test_a_consumer_that_begins_no_reads_gets_all_that_was_fetched_however_much_it_is() -> None:
    fetched = b"".join(_batch(number, (bytes(1 << 20), []), codec=DefaultRecordBatch.CODEC_GZIP) for number in range(20))

    async def read() -> int:
        place = TopicPartition(Topic.INVOICES, 0)
        [result] = _results(fetched, Assignment([place]), [place])
        return sum(len(result.getall(3)) for _ in range(7))

    assert asyncio.run(read()) == 20


def test_a_read_of_small_records_ends_by_their_number() -> None:
    reads = _reads(_batch(0, *[(b"x", [])] * 1200), 1)
    assert [len(read) for read in reads if read] == [500, 500, 200]


def test_a_read_of_records_with_several_events_ends_by_their_number_too() -> None:
    bundle: Sent = (b"[]", [BUNDLE_CONTENT, (NUMBER_OF_EVENTS, b"100")])
    assert [len(read) for read in _reads(_batch(0, *[bundle] * 12), 1) if read] == [5, 5, 2]
    lying: Sent = (b"[]", [BUNDLE_CONTENT, (NUMBER_OF_EVENTS, b"99999")])
    assert [len(read) for read in _reads(_batch(0, *[lying] * 12), 1) if read] == [5, 5, 2], "as many as a record can have"


def test_a_read_of_bundles_is_no_more_than_a_transaction_takes() -> None:
    sizes = [40, 100, 90, 70, 100, 30, 100, 100, 60, 80, 100, 100]
    bundles: list[Sent] = [(b"[]", [BUNDLE_CONTENT, (NUMBER_OF_EVENTS, b"%d" % size)]) for size in sizes]
    events = [[events_said(record.headers) for record in read] for read in _reads(_batch(0, *bundles), 2) if read]
    assert sum(map(sum, events)) == 2 * sum(sizes)
    assert all(sum(read) <= MOST_RECORDS for read in events), events
    assert all(sum(read) > MOST_RECORDS - MOST_EVENTS for read in events[:-1]), events


def test_a_record_larger_than_a_read_is_read_alone() -> None:
    reads = _reads(_batch(0, (bytes(2 * LARGEST_READ), []), (b"x", [])), 1)
    assert [len(read) for read in reads] == [1, 1]


def test_twice_what_a_few_bytes_inflate_to_holds_no_more() -> None:
    def held(batches: int) -> int:
        fetched = b"".join(_batch(number, (bytes(4 << 20), []), codec=DefaultRecordBatch.CODEC_GZIP) for number in range(batches))
        with peak_bytes() as peak:
            _read_one_by_one(fetched)
        return peak.value

    assert held(20) <= SAME * held(10)


def _read_one_by_one(fetched: bytes) -> None:
    """Reads all, and keeps nothing of it."""

    async def read() -> None:
        assignment = Assignment([PLACE])
        (result,) = _results(fetched, assignment, [PLACE])
        while result.has_more():
            begin_read(assignment)
            result.getall(500)

    asyncio.run(read())
