"""The outbox: what a batch decided, as one compressed row, kept until the broker has acknowledged all of it.

What always holds: `unpack(pack(messages)) == messages`; what is packed are our own messages, whose bytes are UTF-8 text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
import zstandard

from shared.delivery.ports import Encoded
from shared.events.codec import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.events.envelope import Outgoing

_LEVEL: Final = 1


def encoded(outgoing: Iterable[Outgoing]) -> list[Encoded]:
    """The messages as they go over the wire."""
    messages = []
    for each in outgoing:
        key, value, headers = encode(each)
        messages.append(Encoded(each.topic, key, value, tuple(headers)))
    return messages


def pack(messages: Sequence[Encoded]) -> bytes:
    """Messages as the row holds them."""
    plain = [
        (topic, None if key is None else key.decode(), value.decode(), [(name, text.decode()) for name, text in headers])
        for topic, key, value, headers in messages
    ]
    return zstandard.compress(orjson.dumps(plain), _LEVEL)


def unpack(row: bytes) -> list[Encoded]:
    """The messages of a row."""
    plain = orjson.loads(zstandard.decompress(row))
    return [
        Encoded(topic, None if key is None else key.encode(), value.encode(), tuple((name, text.encode()) for name, text in headers))
        for topic, key, value, headers in plain
    ]
