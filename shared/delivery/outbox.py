"""The outbox: what a batch decided, as one compressed row, kept until the broker has acknowledged all of it.

Invariant: `unpack(pack(messages)) == messages`, whatever bytes they are of; what cannot be unpacked is said so, and stays as it is.
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

OUTBOX: Final = "outbox"
_LEVEL: Final = 1
_MESSAGES: Final = msgspec.msgpack.Decoder(list[Encoded])


Said = tuple[list[Encoded], bytes | None]
"""The messages of a batch as they go out, and the row of the outbox that holds them; None without any."""


class UnreadableRowError(Exception):
    """A row of the outbox that cannot be unpacked."""


def encoded(outgoing: Iterable[Outgoing]) -> list[Encoded]:
    """The messages as they go over the wire."""
    return [Encoded(each.topic, *encode(each)) for each in outgoing]


def pack(messages: Sequence[Encoded]) -> bytes:
    """Messages as the row holds them."""
    return zstandard.compress(msgspec.msgpack.encode(messages), _LEVEL)


def unpack(row: bytes) -> list[Encoded]:
    """The messages of a row; UnreadableRowError if it is damaged, or of another version."""
    try:
        return _MESSAGES.decode(zstandard.decompress(row))
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        msg = f"{len(row)} bytes cannot be read as a row of the outbox: {error}"
        raise UnreadableRowError(msg) from error


def put_aside(row: bytes) -> Encoded:
    """A row that cannot be unpacked as the table `failed` keeps it; `OUTBOX` in the place of a topic says what it is."""
    return Encoded(OUTBOX, None, row, ())
