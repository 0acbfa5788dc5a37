"""CloudEvents over HTTP as records of the topics: structured, batched and binary content (the CloudEvents HTTP binding 1.0.2).

What a system sends here is what the services read there: each event becomes a record in the binary binding for Kafka, on the topic
and with the key that `intercompany publish` gives it, and is read by the services' own `decode` before anything is sent.

Invariant: nothing of an event is changed but how it is carried; what only this system's own tools may say (`replay`, the sender) is
left off; an event that the services would refuse in form is told from the others by its place in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

import orjson

from services.web.bodies import check_encoding, media_of, refuse_empty
from services.web.problems import Code, Fault, ProblemError
from shared.events.bindings import BATCH, STRUCTURED, CloudEvent, parsed, read
from shared.events.codec import decode
from shared.events.contract import short_type
from shared.events.envelope import Message, Record, Topic, Unreadable
from shared.events.producing import key_of, topic_for
from shared.events.refusal import RefusedError
from shared.events.showing import SENDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.datastructures import Headers

    from shared.events.producing import PartyBook

JSON: Final = "application/json"
MOST_EVENTS: Final = 500
LARGEST_EVENT: Final = 512 * 1024
_OURS: Final = frozenset({"replay", SENDER})
_NAMES: Final = ("source", "id", "type")
_ATTRIBUTE: Final = "ce-"
_JSON_TYPE: Final = ("content-type", b"application/json")


@dataclass(frozen=True, slots=True)
class GivenEvent:
    """An event as it was given: its place in the batch, the record it becomes, and what the services read in it."""

    index: int
    record: Record
    read: Message | Unreadable
    place: EventPlace

    def faults(self) -> list[Fault]:
        """All that is wrong with an event that cannot be read."""
        said = self.read
        if isinstance(said, Message):
            msg = "the event can be read"
            raise TypeError(msg)
        told = [(said.field, said.message), *said.others]
        return [self.fault(field, said.code, message, in_data=said.in_data) for field, message in told]

    def fault(self, field: str, code: str, message: str, *, in_data: bool = False) -> Fault:
        """Something that is wrong with an attribute of the event, or in its data (`field`: a pointer), as a place of the request."""
        return Fault(self.place.pointer(field, in_data=in_data), code, message, self.index if self.place.is_of_many else None)


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where in a request an event stands: `root` leads to it in the body; `is_binary`: its attributes are headers, the body its data."""

    root: str = ""
    is_binary: bool = False
    is_of_many: bool = False

    def pointer(self, field: str, *, in_data: bool) -> str:
        """The pointer into the body of the request (RFC 9457); an attribute that is a header is named as one."""
        if self.is_binary:
            return field if in_data or not field else f"/{_ATTRIBUTE}{field.removeprefix('/')}"
        return f"{self.root}/data{field}" if in_data else f"{self.root}{field}"


def is_batch(headers: Headers) -> bool:
    """Whether several events come."""
    return media_of(headers) == BATCH


def given_events(
    headers: Headers, body: bytes, parties: PartyBook, addressed: Callable[[Record], Record], traceparent: str | None
) -> list[GivenEvent]:
    """The events of a request, in their order. `addressed`: the record on the topic that is read.

    ProblemError (unsupported-media-type, malformed, too-large) for what is not a request of events at all.
    """
    refuse_empty(body, f"{STRUCTURED}, {BATCH}, {JSON} (ce-)")
    check_encoding(headers)
    places = _places(headers)
    return [
        _given(index, event, parties, addressed, traceparent, place)
        for index, (event, place) in enumerate(zip(_contents(headers, body), places, strict=False))
    ]


def _places(headers: Headers) -> Iterator[EventPlace]:
    """Where the events of a request stand."""
    if is_batch(headers):
        yield from (EventPlace(f"/{number}", is_of_many=True) for number in count())
    yield EventPlace(is_binary=media_of(headers) == JSON and bool(_attributes(headers)))


def _contents(headers: Headers, body: bytes) -> Iterator[Record]:
    """Each event as a record of either binding, without topic and key."""
    media = media_of(headers)
    if media == BATCH:
        yield from (_structured(document) for document in _documents(body))
    elif media == STRUCTURED:
        yield _structured(body)
    elif media == JSON:
        attributes = _attributes(headers)
        yield Record(Topic.REQUESTS, None, body, (_JSON_TYPE, *attributes)) if attributes else _structured(body)
    else:
        raise ProblemError(Code.UNSUPPORTED_MEDIA_TYPE, "media-not-read", given=media or "-", wanted=f"{STRUCTURED}, {BATCH}, {JSON} (ce-)")


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


def _given(  # noqa: PLR0913 - an event, what is needed to make a record of it, and its place
    index: int,
    content: Record,
    parties: PartyBook,
    addressed: Callable[[Record], Record],
    traceparent: str | None,
    place: EventPlace,
) -> GivenEvent:
    try:
        event = read(content)
    except RefusedError:
        return GivenEvent(index, content, decode(content), place)
    missing = list(_missing(event))
    if missing:  # in headers everything is text: what is none is refused before
        said = decode(content)
        if isinstance(said, Unreadable):
            said.others = tuple((each.field, each.message) for each in missing if each.field != said.field)
        return GivenEvent(index, content, said, place)
    record = addressed(_record(event, parties, traceparent))
    return GivenEvent(index, record, decode(record), place)


def _missing(event: CloudEvent) -> Iterator[RefusedError]:
    """The attributes that every event has, those that this one lacks."""
    for name in _NAMES:
        try:
            event.required(name)
        except RefusedError as refused:
            yield refused


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
