"""The two CloudEvents 1.0 bindings for Kafka: a record as the attributes and the data of an event.

Binary: `ce_*` headers, the data as the value. Structured: one JSON document as the value, with the content type
`application/cloudevents+json` or, where there are no `ce_*` headers, any other.

What usual senders put around it is taken off: a byte order mark, the five bytes of a schema registry's JSON serializer,
the envelope of Kafka Connect (`schema`, `payload`).

Invariant: what is not a CloudEvent is refused as `malformed`, with what was seen and what to send, never raised as anything
else; a key that stands twice is refused, since one of the two would be lost without a word.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NoReturn

import orjson

from shared.events.contract import INBOUND_TOPICS, base_topic
from shared.events.envelope import Record, Topic
from shared.events.refusal import MALFORMED, RefusedError, pointer
from shared.events.values import printable, shown

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
LARGEST_INBOUND: Final = 1 << 20
MOST_HEADERS: Final = 100
NOT_READ: Final = "intercompany-not-read"
"""The header of a record that was not read whole: its value says why, or is NOT_READ_AT_ALL and the record's value does (shared/kafka)."""
NOT_READ_AT_ALL: Final = b"1"
"""What that header says where the record's value says why."""
_HEADER: Final = "ce_"
_HEADER_LENGTH: Final = len(_HEADER)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND: Final = 253_402_300_799_999
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_REGISTRY_PREFIX: Final = 5
_BRACE: Final = ord("{")
"""The first byte of what nearly everyone sends: a JSON object with nothing in front."""
_CONTAINERS: Final = frozenset({dict, list})
_KEY: Final = re.compile(rb'"\s*:')
_HOW: Final = (
    "send the attributes as the headers ce_specversion, ce_id, ce_source and ce_type with the data as the value, "
    f"or the whole event as one JSON object with the content type {STRUCTURED}"
)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class CloudEvent:
    """Attributes as they stand in the record, and the data as JSON text."""

    attributes: dict[str, Any]
    data: bytes

    def required(self, name: str) -> str:
        """An attribute that every event has, trimmed; RefusedError (malformed) without it."""
        value = self.attributes.get(name, "")
        if not isinstance(value, str):
            raise RefusedError(MALFORMED, pointer((name,)), f"not a CloudEvent: the attribute {name} is {shown(value)}, not text")
        text = value.strip()
        if not text:
            raise RefusedError(MALFORMED, pointer((name,)), f"not a CloudEvent: the attribute {name} is missing or empty")
        return text

    def number(self, name: str) -> int:
        """A whole number of 0 or more, 0 if the attribute is missing."""
        value = self.attributes.get(name)
        if value is None:
            return 0
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - fits 64 bits
            raise RefusedError(MALFORMED, pointer((name,)), f"{shown(value)} is not a whole number of 0 or more")
        return int(text)

    def time(self, record: Record) -> datetime:
        """When it happened (RFC 3339), else when the broker got it; in UTC."""
        value = self.attributes.get("time")
        if value is None:
            return _EPOCH + timedelta(milliseconds=min(max(record.timestamp_ms, 0), _LAST_MILLISECOND))
        return rfc3339(value)

    def traceparent(self) -> str | None:
        """The W3C trace context; one that is not well-formed counts as none."""
        return trace_context(self.attributes.get("traceparent"))


def trace_context(value: Any) -> str | None:
    """A W3C trace context; None if it is none."""
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


@lru_cache(maxsize=4096)  # an event's effects have its time, and come to every service
def rfc3339(value: Any) -> datetime:
    """A time as RFC 3339 has it, in UTC; RefusedError (malformed) if it is none."""
    try:
        time = datetime.fromisoformat(value.upper())
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        pass
    raise RefusedError(MALFORMED, "/time", f'{shown(value)} is not a time: write it as "2026-01-31T12:00:00Z"')


def is_inbound(topic: str) -> bool:
    """Whether other systems write to a topic (its name may have a namespace in front)."""
    return any(on_topic(base_topic(topic), name) for name in INBOUND_TOPICS)


def on_topic(topic: str, name: str) -> bool:
    """Whether a topic is the one of this name, in whatever namespace."""
    return topic == name or topic.endswith(f".{name}")


def read(record: Record) -> CloudEvent:
    """The event in a record; RefusedError (malformed) if it holds none. The data of a binary event is not looked at."""
    if not record.value:
        raise RefusedError(MALFORMED, "", _no_value(record))
    if len(record.value) > LARGEST_INBOUND and is_inbound(record.topic):
        raise RefusedError(MALFORMED, "", f"the record has {len(record.value)} bytes: at most {LARGEST_INBOUND} are read")
    if record.headers and record.headers[0][0] == NOT_READ:
        said = record.headers[0][1]
        why = record.value if said == NOT_READ_AT_ALL else said
        raise RefusedError(MALFORMED, "", printable(why[:500].decode(errors="replace")))
    attributes, content_type = headers_of(record)
    value = record.value if record.value[0] == _BRACE else _bare(record.value)
    if content_type.startswith(STRUCTURED) or not attributes:
        event = _structured(value, content_type, record)
    else:
        event = CloudEvent(attributes, value)
    version = event.attributes.get("specversion")
    if version is None:
        raise RefusedError(MALFORMED, "/specversion", 'not a CloudEvent: the attribute specversion is missing, it must be "1.0"')
    if version != "1.0":
        raise RefusedError(MALFORMED, "/specversion", f'not a CloudEvent: specversion must be "1.0", got {shown(version)}')
    return event


def _no_value(record: Record) -> str:
    if on_topic(base_topic(record.topic), Topic.REFERENCE):
        return "not a CloudEvent: the record has no value; reference data is taken back with reference.withdrawn"
    return "not a CloudEvent: the record has no value"


def too_many_headers(number: int) -> str:
    """What is wrong with a record of so many headers."""
    return f"the record has {number} headers: at most {MOST_HEADERS} are read"


def headers_of(record: Record) -> tuple[dict[str, Any], str]:
    """The CloudEvents attributes in the headers, and the content type.

    RefusedError (malformed) if a header is not text or an attribute stands twice, or where there are more than anyone needs.
    """
    if len(record.headers) > MOST_HEADERS:
        raise RefusedError(MALFORMED, "", too_many_headers(len(record.headers)))
    attributes: dict[str, Any] = {}
    context = content_type = ""
    try:
        for name, value in record.headers:
            attribute = _OF_EVERY_EVENT.get(name) or _attribute(name)
            if attribute is not None:
                if attribute in attributes:
                    _refuse_header_twice(name)
                attributes[attribute] = value.decode()
            elif name == "traceparent":
                context = value.decode()
            elif name.lower() == "content-type":
                content_type = value.decode().strip().lower()
    except (UnicodeDecodeError, AttributeError) as error:
        raise RefusedError(MALFORMED, "", f"not a CloudEvent: the header {shown(name)} is not UTF-8 text") from error
    if attributes and context:
        attributes.setdefault("traceparent", context)
    return attributes, content_type


def _attribute(header: str) -> str | None:
    """The attribute that a header holds; None: it is another header."""
    return header[_HEADER_LENGTH:] if header.startswith(_HEADER) else None


_USUAL: Final = ("specversion", "type", "source", "id", "time", "causationid", "causationsource", "correlationid", "correlationsource")
_OF_EVERY_EVENT: Final = {f"{_HEADER}{name}": name for name in (*_USUAL, "traceparent", "reference")}
"""The headers that nearly every record has: looked up, not cut."""


def _refuse_header_twice(header: str) -> NoReturn:
    place = pointer((header[_HEADER_LENGTH:],))
    raise RefusedError(MALFORMED, place, f"the header {shown(header)} stands there twice: which one counts cannot be told")


def _bare(value: bytes) -> bytes:
    """The value without a byte order mark, and without what a schema registry's JSON serializer puts in front."""
    if value[:1] == b"\0":
        rest = value[_REGISTRY_PREFIX:].lstrip()
        if rest[:1] not in {b"{", b"["}:
            message = "the value was written by a schema registry serializer (Avro or Protobuf): only JSON is read"
            raise RefusedError(MALFORMED, "", message)
        return rest
    return value.removeprefix(_BYTE_ORDER_MARK)


def payload_of(document: Any) -> Any:
    """What Kafka Connect's JSON converter wraps in `schema` and `payload`; anything else as it is.

    Where the schema says that the payload is a string, it is the JSON text of it.
    """
    if not isinstance(document, dict) or document.keys() != {"schema", "payload"} or not isinstance(document["schema"], dict):
        return document
    payload = document["payload"]
    if document["schema"].get("type") == "string" and isinstance(payload, str):
        return parsed(payload.encode())
    return payload


def _structured(value: bytes, content_type: str, record: Record) -> CloudEvent:
    if content_type.startswith(BATCH):
        message = f"a batch ({BATCH}) is not read: send each event as a record of its own"
        raise RefusedError(MALFORMED, "/specversion", message)
    document = payload_of(parsed(value))
    if not isinstance(document, dict):
        raise RefusedError(MALFORMED, "", f"not a CloudEvent: {shown(document)} is not a JSON object")
    if "specversion" not in document and not content_type.startswith(STRUCTURED):
        raise RefusedError(MALFORMED, "/specversion", f"not a CloudEvent: {_seen(record, content_type, document)}: {_HOW}")
    attributes = {name: value for name, value in document.items() if name not in {"data", "data_base64"} and value is not None}
    for name, attribute in attributes.items():
        if not isinstance(attribute, str | int | float):
            message = f"not a CloudEvent: the attribute {shown(name)} is {shown(attribute)}, not text, a number or a boolean"
            raise RefusedError(MALFORMED, pointer((name,)), message)
    if document.get("data_base64") is not None:
        return CloudEvent(attributes, _from_base64(document["data_base64"]))
    return CloudEvent(attributes, canonical(document.get("data"), sort=False))


def _seen(record: Record, content_type: str, document: dict[str, Any]) -> str:
    """What an event without attributes has in their place."""
    names = [name for name, _ in record.headers]
    of_http = [name for name in names if name.lower().startswith("ce-")]
    if of_http:
        return f"the header {shown(of_http[0])} is that of HTTP, in Kafka it is {shown(_as_header(of_http[0]))}"
    other_case = [name for name in names if name.lower().startswith(_HEADER)]
    if other_case:
        return f"the header {shown(other_case[0])} is not in lower case, it is {shown(_as_header(other_case[0]))}"
    if content_type and "json" not in content_type:
        return f"there are no ce_ headers, and the content type {shown(content_type)} is not read"
    keys = ", ".join(map(shown, list(document)[:5])) or "nothing"
    return f"there are no ce_ headers, and the value has no specversion but {keys}"


def _as_header(name: str) -> str:
    return name.lower().replace("-", "_", 1)


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise RefusedError(MALFORMED, "/data_base64", f"{shown(text)} is not base64 text") from error


def parsed(value: bytes) -> Any:
    """JSON as Python values; RefusedError (malformed) if it is not, or if a key stands twice in an object."""
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise RefusedError(MALFORMED, "", f"the value is not JSON: {error}") from error
    # Every key has a colon behind it. A text may hold one, too, or even what looks like a key: only where the numbers differ
    # is it looked at more closely, and the document itself read once more.
    keys = _number_of_keys(document)
    if value.count(b":") != keys and len(_KEY.findall(value)) != keys:
        _refuse_keys_twice(value)
    return document


def _number_of_keys(document: Any) -> int:
    """How many keys the objects of a document have; -1 where some are the same after trimming."""
    number, containers = 0, [document] if type(document) in _CONTAINERS else []
    for container in containers:  # those in it are put behind it
        inner = container
        if type(container) is dict:
            if len({*map(str.strip, container)}) != len(container):
                return -1
            number += len(container)
            inner = container.values()
        containers += [each for each in inner if type(each) in _CONTAINERS]
    return number


def _refuse_keys_twice(value: bytes) -> None:
    try:
        json.loads(value, object_pairs_hook=_each_once)
    except RecursionError as error:
        raise RefusedError(MALFORMED, "", "the data cannot be read: it is nested too deeply") from error


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key.strip() in seen:
            raise RefusedError(MALFORMED, "", f"the key {shown(key.strip())} stands twice in one object: which one counts cannot be told")
        seen.add(key.strip())


def canonical(data: Any, *, sort: bool = True) -> bytes:
    """Data as JSON with its keys sorted; RefusedError (malformed) where it is nested too deeply."""
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS if sort else 0)
    except orjson.JSONEncodeError as error:
        raise RefusedError(MALFORMED, "", f"the data cannot be read: {error}") from error
