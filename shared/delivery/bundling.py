"""Messages of our own for our own services, put together into records as they are sent (shared/events/bundles.py).

Invariant: all messages, in their order, and each once; what others read stays a message a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.events.bundles import BUNDLE_CONTENT, INTERNAL, MOST_EVENTS, NUMBER_OF_EVENTS, STRUCTURED_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.delivery.ports import Encoded

LARGEST: Final = 256 * 1024
"""Bytes of the events of one record; one event alone may have more."""


def bundled(messages: Iterable[Encoded]) -> Iterator[Encoded]:
    """Messages of one partition as they are sent: those in the structured binding together, at most so many in one record."""
    together: list[Encoded] = []
    size = 0
    for message in messages:
        is_single = message.headers != STRUCTURED_HEADERS or message.topic not in INTERNAL
        size += len(message.value)
        if together and (is_single or len(together) >= MOST_EVENTS or size > LARGEST):
            yield _bundle(together)
            together, size = [], len(message.value)
        if is_single:
            yield message
            size = 0
        else:
            together.append(message)
    if together:
        yield _bundle(together)


def _bundle(messages: Sequence[Encoded]) -> Encoded:
    first = messages[0]
    if len(messages) == 1:
        return first
    value = b"[%b]" % b",".join([each.value for each in messages])
    return first._replace(key=None, value=value, headers=(BUNDLE_CONTENT, (NUMBER_OF_EVENTS, b"%d" % len(messages))))
