"""Several events of our own in one record, for our own services: CloudEvents' JSON batch format.

Invariant: only the topics between the services have such records, what is promised to others stays an event a record; the
events of a record are in the order in which they were decided, and come apart as they were put together
(shared/delivery/bundling.py). Each is to its reader as if it had come alone, in the structured binding: with a record of its own, which
has the offset of the one it came in and its place there.

A record of its own costs the broker's clients at either end more than reading what is in it. A bundle is put together when it is
sent, so the outbox has single events; they may be bundled otherwise when they are sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from shared.events.bindings import BATCH, STRUCTURED
from shared.events.envelope import Record, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


INTERNAL: Final = frozenset({Topic.JOURNALS, Topic.SETTLEMENTS})
"""The topics between the services: shown, not promised."""
STRUCTURED_HEADERS: Final = (("content-type", STRUCTURED.encode()),)
BUNDLE_CONTENT: Final = ("content-type", BATCH.encode())
NUMBER_OF_EVENTS: Final = "intercompany-events"
"""The header that says how many events a record has, so that it can be weighed before it is read."""
MOST_EVENTS: Final = 100
_DIGITS: Final = 6
"""A number of so many digits or more is none of ours."""


class OwnEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event of our own in the structured binding. When it is read, `data` is the JSON of it, as it stands there."""

    specversion: str
    type: str
    source: str
    id: str
    time: str
    causationid: str
    causationsource: str
    correlationid: str
    correlationsource: str
    traceparent: str | None = None
    reference: int = 0
    data: msgspec.Raw


_PARTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT: Final = msgspec.json.Decoder(OwnEvent)


class UnreadableBundleError(Exception):
    """A record that says to hold several events and does not."""


def is_bundle(record: Record) -> bool:
    """Whether a record holds several events of our own."""
    headers = record.headers
    return bool(headers) and headers[0] == BUNDLE_CONTENT and record.topic in INTERNAL


def events_in(record: Record) -> int:
    """How many events a record says that it has; what says nothing is one."""
    return events_said(record.headers) if record.topic in INTERNAL else 1


def events_said(headers: Sequence[tuple[str, bytes]]) -> int:
    """How many events a record's headers say that it has, as many as a bundle can have at most; what says nothing is one."""
    if not headers or headers[0] != BUNDLE_CONTENT:
        return 1
    said = dict(headers).get(NUMBER_OF_EVENTS) or b""
    return min(max(1, int(said)), MOST_EVENTS) if said.isdigit() and len(said) < _DIGITS else 1


def unbundled(record: Record, is_wanted: Callable[[str], bool] = bool) -> list[Record]:
    """The events of a bundle that are wanted by their types, each as a record of its own; UnreadableBundleError if it is none.

    Whatever else stands among them is wanted: its reader says what is wrong with it.
    """
    try:
        parts = _PARTS.decode(record.value or b"")
    except msgspec.DecodeError as error:
        msg = f"{len(record.value or b'')} bytes do not hold events: {error}"
        raise UnreadableBundleError(msg) from error
    wanted: dict[str, bool] = {}
    records: list[Record] = []
    for place, part in enumerate(parts, 1):
        event = _event(part)
        if event is not None:
            decided = wanted.get(event.type)
            if decided is None:
                decided = wanted[event.type] = is_wanted(event.type)
            if not decided:
                continue
        value = bytes(part)
        records.append(
            Record(
                *(record.topic, None, value, STRUCTURED_HEADERS, record.partition, record.offset, record.timestamp_ms, len(value)),
                place=place,
                event=event,
            )
        )
    for each in records[:-1]:
        each.is_followed = True
    return records


def own_event(record: Record) -> OwnEvent | None:
    """The event that stands alone in a record, in the structured binding on a topic of our own; None if it is none."""
    if record.event is None and record.headers == STRUCTURED_HEADERS and record.topic in INTERNAL and record.value:
        record.event = _event(record.value)
    return record.event


def _event(value: bytes | msgspec.Raw) -> OwnEvent | None:
    try:
        return _EVENT.decode(value)
    except msgspec.DecodeError:
        return None
