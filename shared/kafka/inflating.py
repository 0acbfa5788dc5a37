"""What the broker's batches may weigh once they are inflated: looked at before it happens.

Invariant: no batch is inflated to more than LARGEST_INFLATED bytes; one that would be is handed on as a single record, at the
place of its first, that says which records were not read and why, so that it is refused like any other.

300 MB of zeros compress to 300 KB; the broker stores what it is given, and the client inflates a batch whole before it gives
out its first record. So a batch that could be too large by its codec's best ratio is inflated piece by piece and counted.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import zstandard
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from shared.events.bindings import NOT_READ, NOT_READ_AT_ALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST_INFLATED: Final = 32 * 1024 * 1024
"""Bytes of a batch. The largest message is 8 MiB, a producer's batch a quarter of one, or one message."""

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, epoch, magic, checksum, attributes, last offset, two times, producer, its epoch, sequence, records."""
_BEFORE_LENGTH: Final = 12
_CHECKED_FROM: Final = 21
_LAST_OFFSET: Final = slice(23, 27)
_TRANSACTIONAL: Final = 0x10
_XERIAL: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = 16
_PIECE: Final = 1 << 16
_BEST_RATIO: Final = {DefaultRecordBatch.CODEC_GZIP: 1100, DefaultRecordBatch.CODEC_SNAPPY: 64, DefaultRecordBatch.CODEC_LZ4: 256}
"""How much a byte can become; of zstd there is no such bound."""


def bounded(fetched: bytes) -> bytes:
    """What was fetched, with each batch that would be too large replaced by one record that says so."""
    heavy = {start: size for start, size, codec in _batches(fetched) if _is_heavy(codec, fetched[start + _HEADER.size : start + size])}
    if not heavy:
        return fetched
    parts: list[bytes] = []
    done = 0
    for start, size in heavy.items():
        parts += [fetched[done:start], _instead_of(fetched[start : start + size])]
        done = start + size
    return b"".join([*parts, fetched[done:]])


def _batches(fetched: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each compressed batch starts, its size and its codec; what is cut off at the end, or of an older format, is left out."""
    start = 0
    while start + _HEADER.size <= len(fetched):
        header = _HEADER.unpack_from(fetched, start)
        size, magic, codec = header[1] + _BEFORE_LENGTH, header[3], header[5] & DefaultRecordBatch.CODEC_MASK
        if size < _HEADER.size or start + size > len(fetched):
            return
        if magic == 2 and codec:  # noqa: PLR2004 - the format since 2017; older ones hold single messages
            yield start, size, codec
        start += size


def _is_heavy(codec: int, payload: bytes) -> bool:
    ratio = _BEST_RATIO.get(codec)
    if ratio is not None and len(payload) * ratio <= LARGEST_INFLATED:
        return False
    count = _COUNTED.get(codec)
    return count is not None and count(payload) > LARGEST_INFLATED


def _counted_pieces(pieces: Iterator[bytes]) -> int:
    """The bytes of all pieces, or of as many as are too many."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > LARGEST_INFLATED:
            break
    return total


def _of_zstd(payload: bytes) -> int:
    try:
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(payload), read_across_frames=True) as reader:
            return _counted_pieces(iter(lambda: reader.read(_PIECE), b""))
    except zstandard.ZstdError:
        return 0  # what cannot be inflated is the client's to say


def _of_gzip(payload: bytes) -> int:
    inflater = zlib.decompressobj(wbits=31)

    def pieces() -> Iterator[bytes]:
        rest = payload
        while rest and not inflater.eof:
            yield inflater.decompress(rest, _PIECE)
            rest = inflater.unconsumed_tail

    try:
        return _counted_pieces(pieces())
    except zlib.error:
        return 0


def _of_lz4(payload: bytes) -> int:
    """By the blocks' headers: none is larger than its frame's block size, so their number bounds the whole."""
    frame, block_id = payload[:7], (payload[5] >> 4) & 7 if len(payload) > 5 else 4  # noqa: PLR2004 - the frame's header
    block_size = 1 << (8 + 2 * block_id)
    place = len(frame) + (8 if payload[4:5] and payload[4] & 8 else 0)
    extra = 4 if payload[4:5] and payload[4] & 16 else 0
    total = 0
    while place + 4 <= len(payload):
        length = int.from_bytes(payload[place : place + 4], "little") & 0x7FFFFFFF
        if not length:
            break
        total += min(block_size, length * 256)
        place += 4 + length + extra
    return total


def _of_snappy(payload: bytes) -> int:
    """By the sizes that its blocks say they inflate to, which the decoder holds them to."""
    if not payload.startswith(_XERIAL):
        return _varint(payload, 0)
    place, total = _XERIAL_HEADER, 0
    while place + 4 <= len(payload):
        length = int.from_bytes(payload[place : place + 4], "big")
        total += _varint(payload, place + 4)
        place += 4 + length
    return total


def _varint(data: bytes, place: int) -> int:
    value = 0
    for number, byte in enumerate(data[place : place + 5]):
        value |= (byte & 0x7F) << (7 * number)
        if not byte & 0x80:
            break
    return value


_COUNTED: Final[dict[int, Callable[[bytes], int]]] = {
    DefaultRecordBatch.CODEC_GZIP: _of_gzip,
    DefaultRecordBatch.CODEC_SNAPPY: _of_snappy,
    DefaultRecordBatch.CODEC_LZ4: _of_lz4,
    DefaultRecordBatch.CODEC_ZSTD: _of_zstd,
}


def _instead_of(batch: bytes) -> bytes:
    """A batch of one record that stands for all of a batch, with the same offsets."""
    base, _, epoch, _, _, attributes, last, first_time, _, producer, producer_epoch, sequence, _ = _HEADER.unpack_from(batch)
    limit = LARGEST_INFLATED // 1024 // 1024
    text = f"the records {base} to {base + last} are one batch of {len(batch)} bytes that inflate to more than {limit} MiB: not read"
    transactional = bool(attributes & _TRANSACTIONAL)
    builder: Any = DefaultRecordBatchBuilder(2, 0, int(transactional), producer, producer_epoch, sequence, 1 << 16)
    builder.append(0, max(first_time, 0), None, text.encode(), [(NOT_READ, NOT_READ_AT_ALL)])
    made = bytearray(builder.build())
    made[:8] = base.to_bytes(8, "big")
    made[12:16] = epoch.to_bytes(4, "big", signed=True)
    made[_LAST_OFFSET] = last.to_bytes(4, "big")
    made[17:_CHECKED_FROM] = calc_crc32c(bytes(made[_CHECKED_FROM:])).to_bytes(4, "big")
    return bytes(made)
