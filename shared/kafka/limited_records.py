"""What records may weigh once they are objects: their headers counted before they are built, a read bounded by its bytes.

Invariant: of a record of more than COUNTED_FROM bytes with more than MOST_HEADERS headers none is built; it is handed on with its
key and value, and with one header that says how many there were, so that it is refused as a smaller one is, whose headers
are counted when it is read. A read ends with the record that takes it over LARGEST_READ, or with the bundle after
which another one may be too much; what is left comes with the next read.

A header of two bytes takes eighty in memory, and the client builds all of a batch's one after the other, in as many as 500
records: ten records of 100,000 headers took 113 MiB. What a few kilobytes inflate to is just as little bounded by a number
of records.

Every record comes through here: what it weighs is the length that stands in front of it, and nothing else of it is looked at.
"""

from __future__ import annotations

import struct
from array import array
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

from aiokafka import codec as codecs
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import encode_varint

from shared.events.bindings import MOST_HEADERS, NOT_READ, too_many_headers
from shared.events.bundles import MOST_EVENTS, events_said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LARGEST_READ: Final = 8 * 1024 * 1024
"""Bytes of keys, values and headers that one read takes; the largest message alone has as many."""
COUNTED_FROM: Final = 4 * 1024
"""Bytes of a record whose headers are counted before they are built: in as many there are at most 2,048."""

_EVENT: Final = LARGEST_READ // 500
"""What each of a record's events takes of a read at least: so a read takes hardly more events than it does records."""
_BUNDLE: Final = _EVENT * MOST_EVENTS
"""A read of bundles ends where another one may be too much: what is over would be a transaction of its own."""
_START: Final = 61
"""Bytes of a batch before its records."""
_LENGTH_AT: Final = 8
_ATTRIBUTES_AT: Final = 21
_COUNT_AT: Final = 57
_BEFORE_LENGTH: Final = 12
_LAST_OF_VARINT: Final = 0x7F
"""A larger byte says that another one follows."""
_LARGEST_SHIFT: Final = 63
_HEADER_COST: Final = 128
"""What a header takes in memory beside its text."""
_INFLATE: Final[dict[int, Callable[[bytes], bytes]]] = {
    DefaultRecordBatch.CODEC_GZIP: codecs.gzip_decode,
    DefaultRecordBatch.CODEC_SNAPPY: codecs.snappy_decode,
    DefaultRecordBatch.CODEC_LZ4: codecs.lz4_decode,
    DefaultRecordBatch.CODEC_ZSTD: codecs.zstd_decode,
}


class LimitedRecords(_MemoryRecordsPy):  # type: ignore[misc]
    """The batches of what was fetched, each read by `parser`. `size`: the bytes of the record that was given last."""

    parser: Callable[[Any], Any] = DefaultRecordBatch
    size = 0

    def next_batch(self) -> Any:
        """The next batch; None after the last one."""
        part, batch = self._next_slice, super().next_batch()
        self.size = len(part) if part is not None else 0
        return batch if batch is None or batch.magic < 2 else _LimitedBatch(self, part, batch)  # noqa: PLR2004 - headers came with version 2


class _LimitedBatch:
    """A batch as the client sees it, whose records are limited when the first of them is asked for."""

    def __init__(self, of: LimitedRecords, part: memoryview, batch: Any) -> None:
        self._of = of
        self._part = part
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """The first record of a control batch, which the client asks for without iterating."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        written, sizes = limited(self._part)
        is_read = written is self._part and type(self._batch) is self._of.parser
        # Sizes end where a record is none, and there the client raises.
        for record, size in zip(self._batch if is_read else self._of.parser(written), chain(sizes, repeat(0)), strict=False):
            self._of.size = size
            yield record


def limited(part: memoryview) -> tuple[memoryview | bytes, Sequence[int]]:
    """The bytes of a batch, with no record of too many headers and so inflated (`part` itself if it is that), and of each record."""
    inflate = _INFLATE.get(part[_ATTRIBUTES_AT + 1] & DefaultRecordBatch.CODEC_MASK)
    try:
        records = memoryview(inflate(bytes(part[_START:]))) if inflate else part[_START:]
    except Exception:  # noqa: BLE001 - what cannot be inflated is the client's to say; each codec has errors of its own
        return part, ()
    sizes = array("I")
    pieces = list(_limited(records, int.from_bytes(part[_COUNT_AT:_START], "big", signed=True), sizes))
    if inflate is None and len(pieces) == 1:
        return part, sizes
    head = bytearray(part[:_START])
    head[_ATTRIBUTES_AT + 1] &= ~DefaultRecordBatch.CODEC_MASK
    head[_LENGTH_AT:_BEFORE_LENGTH] = struct.pack(">i", _START - _BEFORE_LENGTH + sum(map(len, pieces)))
    return b"".join([head, *pieces]), sizes


def _limited(records: memoryview, count: int, sizes: array[int]) -> Iterator[Any]:
    """The records in pieces: a piece of what is left as it is, a record in another's place, and so on; a piece of all, if all is.

    Each record's bytes are put into `sizes`.
    """
    done = place = 0
    try:
        for _ in range(count):
            length, start = _varint(records, place)
            end = start + length
            if length < 0 or end > len(records):
                break
            if length > COUNTED_FROM:
                headers_at, headers = _headers(records, start)
                if headers > MOST_HEADERS:
                    yield records[done:place]
                    yield _instead_of(bytes(records[start:headers_at]), headers)
                    done = end
            sizes.append(length)
            place = end
    except (IndexError, ValueError):
        pass  # the client says what is wrong with the rest
    yield records[done:]


def _headers(records: memoryview, at: int) -> tuple[int, int]:
    """Of the record whose content starts at a place: where its headers start, and how many there are."""
    for _ in range(3):  # attributes, time, offset
        while records[at] > _LAST_OF_VARINT:
            at += 1
        at += 1
    for _ in range(2):  # key, value
        size, at = _varint(records, at)
        at += max(size, 0)
    return at, _varint(records, at)[0]


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number and the place behind it. IndexError beyond the data, where the client's own function written in C reads on."""
    byte = data[place]
    value, shift = byte & _LAST_OF_VARINT, 0
    while byte > _LAST_OF_VARINT:
        place += 1
        shift += 7
        if shift > _LARGEST_SHIFT:
            raise ValueError(shift)
        byte = data[place]
        value |= (byte & _LAST_OF_VARINT) << shift
    return (value >> 1) ^ -(value & 1), place + 1


def _instead_of(content: bytes, headers: int) -> bytes:
    """A record of this content with a single header, that says how many it had."""
    made = bytearray(content)
    name, text = NOT_READ.encode(), too_many_headers(headers).encode()
    encode_varint(1, made.append)
    for each in (name, text):
        encode_varint(len(each), made.append)
        made += each
    size = bytearray()
    encode_varint(len(made), size.append)
    return bytes(size + made)


# A read


def begin_read(assignment: Any) -> None:
    """The next read of what is assigned takes LARGEST_READ, of all its partitions together."""
    if assignment is not None:
        assignment.left_to_read = LARGEST_READ


def _getall(result: Any, max_records: int | None = None) -> list[Any]:
    """The records at hand of one partition, each with its size, as many as a read still takes; the client's own only counts them."""
    left = getattr(result._assignment, "left_to_read", None)  # noqa: SLF001 - one for each assignment of a consumer that begins its reads
    is_bounded, left = left is not None, left if left is not None else LARGEST_READ
    if not result.check_assignment(result._topic_partition) or not result.has_more() or left <= 0:  # noqa: SLF001 - the client's own way
        return []
    taken: list[Any] = []
    records = result._partition_records  # noqa: SLF001 - as above
    for record in records:
        taken.append(record)
        record.size = records._records.size  # noqa: SLF001 - as above
        if is_bounded:
            events = events_said(record.headers)
            left -= max(record.size + _HEADER_COST * len(record.headers), _EVENT * events)
            left = 0 if events > 1 and left < _BUNDLE else left
        if left <= 0 or (max_records is not None and len(taken) >= max_records):
            result._update_position()  # noqa: SLF001 - as above
            break
    else:
        result._update_position()  # noqa: SLF001 - as above
        result._partition_records = None  # noqa: SLF001 - as above
    if is_bounded:
        result._assignment.left_to_read = left  # noqa: SLF001 - as above
    return taken


def bound_reads() -> None:
    """Has the client note the bytes of each record as its `size`, and end a read by them where `begin_read` is called."""
    fetcher.FetchResult.getall = _getall
