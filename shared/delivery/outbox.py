"""The outbox: what a batch decided, as one compressed row, kept until the broker has acknowledged all of it.

Invariant: `unpack(pack(messages)) == messages`, whatever bytes they are of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import zstandard

from shared.delivery.ports import Encoded
from shared.events.codec import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.events.envelope import Outgoing

_LEVEL: Final = 1
_MESSAGES: Final = msgspec.msgpack.Decoder(list[Encoded])


def encoded(outgoing: Iterable[Outgoing]) -> list[Encoded]:
    """The messages as they go over the wire."""
    return [Encoded(each.topic, *encode(each)) for each in outgoing]


def pack(messages: Sequence[Encoded]) -> bytes:
    """Messages as the row holds them."""
    return zstandard.compress(msgspec.msgpack.encode(messages), _LEVEL)


def unpack(row: bytes) -> list[Encoded]:
    """The messages of a row."""
    return _MESSAGES.decode(zstandard.decompress(row))
