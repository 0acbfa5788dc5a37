"""CloudEvents over HTTP as records of the topics: structured, batched and binary content (the CloudEvents HTTP binding 1.0.2).

What a system sends here is what the services read there: each event becomes a record in the binary binding for Kafka, on the topic
and with the key that `intercompany publish` gives it, and is read by the services' own `decode` before anything is sent.

Invariant: nothing of an event is changed but how it is carried; what only this system's own tools may say (`replay`, the sender) is
left off; an event that the services would refuse in form is told from the others by its place in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

import orjson

from services.web.problems import Code, Fault, ProblemError
from shared.events.bindings import BATCH, STRUCTURED, CloudEvent, parsed, read
from shared.events.codec import SENDER, decode
from shared.events.contract import short_type
from shared.events.envelope import Message, Record, Topic, Unreadable
from shared.events.producing import key_of, topic_for
from shared.events.refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.datastructures import Headers

    from shared.events.producing import PartyBook

JSON: Final = "application/json"
MOST_EVENTS: Final = 500
LARGEST_EVENT: Final = 512 * 1024
_OURS: Final = frozenset({"replay", SENDER})
_ATTRIBUTE: Final = "ce-"
_JSON_TYPE: Final = ("content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event as it was given: its place in the batch, the record it becomes, and what the services read in it."""

    index: int
    record: Record
    read: Message | Unreadable

    def fault(self, *, alone: bool) -> Fault:
        """What is wrong with an event that cannot be read; without its place where it came alone."""
        said = self.read
        if isinstance(said, Message):
            msg = "the event can be read"
            raise TypeError(msg)
        return Fault(said.field, said.code, said.message, None if alone else self.index)


def is_batch(headers: Headers) -> bool:
    """Whether several events come."""
    return _media(headers) == BATCH


def given_events(
    headers: Headers, body: bytes, parties: PartyBook, addressed: Callable[[Record], Record], traceparent: str | None
) -> list[GivenEvent]:
    """The events of a request, in their order. `addressed`: the record on the topic that is read.

    ProblemError (unsupported-media-type, malformed, too-large) for what is not a request of events at all.
    """
    return [_given(index, event, parties, addressed, traceparent) for index, event in enumerate(_contents(headers, body))]


def _contents(headers: Headers, body: bytes) -> Iterator[Record]:
    """Each event as a record of either binding, without topic and key."""
    media = _media(headers)
    if media == BATCH:
        yield from (_structured(document) for document in _documents(body))
    elif media == STRUCTURED:
        yield _structured(body)
    elif media == JSON:
        attributes = _attributes(headers)
        yield Record(Topic.REQUESTS, None, body, (_JSON_TYPE, *attributes)) if attributes else _structured(body)
    else:
        raise ProblemError(Code.UNSUPPORTED_MEDIA_TYPE, "media-not-read", given=media or "-", wanted=f"{STRUCTURED}, {BATCH}, {JSON} (ce-)")


def _media(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _documents(body: bytes) -> Iterator[bytes]:
    try:
        batch = parsed(body)
    except RefusedError as refused:
        raise ProblemError(Code.MALFORMED, "body-not-json", reason=refused.message) from refused
    if not isinstance(batch, list):
        raise ProblemError(Code.MALFORMED, "body-not-json", reason=f"{BATCH} is an array of events")
    if len(batch) > MOST_EVENTS:
        raise ProblemError(Code.TOO_LARGE, "too-many-events", limit=MOST_EVENTS, number=len(batch))
    for document in batch:
        text = orjson.dumps(document)
        if len(text) > LARGEST_EVENT:
            raise ProblemError(Code.TOO_LARGE, "event-too-large", limit=LARGEST_EVENT)
        yield text


def _structured(document: bytes) -> Record:
    return Record(Topic.REQUESTS, None, document, (("content-type", STRUCTURED.encode()),))


def _attributes(headers: Headers) -> tuple[tuple[str, bytes], ...]:
    """The attributes in the headers `ce-…`, whose values are percent-encoded UTF-8."""
    found = [(name.decode("latin-1").lower(), value) for name, value in headers.raw]
    return tuple((f"ce_{name[len(_ATTRIBUTE) :]}", unquote_to_bytes(value)) for name, value in found if name.startswith(_ATTRIBUTE))


def _given(index: int, content: Record, parties: PartyBook, addressed: Callable[[Record], Record], traceparent: str | None) -> GivenEvent:
    try:
        event = read(content)
    except RefusedError:
        said = decode(content)
        return GivenEvent(index, content, said)
    record = addressed(_record(event, parties, traceparent))
    return GivenEvent(index, record, decode(record))


def _record(event: CloudEvent, parties: PartyBook, traceparent: str | None) -> Record:
    """The event in the binary binding for Kafka."""
    attributes = {name: value for name, value in event.attributes.items() if name not in _OURS}
    if traceparent is not None:
        attributes.setdefault("traceparent", traceparent)
    name = short_type(str(attributes.get("type", "")).strip()) or ""
    key = key_of(name, str(attributes.get("id", "")).strip(), _data(event), parties)
    headers = tuple((f"ce_{attribute}", _text(value)) for attribute, value in attributes.items())
    return Record(topic_for(name), key.encode(), event.data, (_JSON_TYPE, *headers))


def _data(event: CloudEvent) -> dict[str, Any]:
    """The data as far as the key is found by it."""
    try:
        data = orjson.loads(event.data)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def _text(value: Any) -> bytes:
    return (("true" if value else "false") if isinstance(value, bool) else str(value)).encode()
