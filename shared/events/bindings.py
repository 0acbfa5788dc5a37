"""The two CloudEvents 1.0 bindings for Kafka: a record as the attributes and the data of an event.

Binary: `ce_*` headers, the data as the value. Structured: one JSON document as the value, with the content type
`application/cloudevents+json`.

Invariant: what is not a CloudEvent is refused as `malformed`, never raised as
anything else.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from shared.events.contract import INBOUND_TOPICS
from shared.events.envelope import Record
from shared.events.refusal import MALFORMED, RefusedError, pointer
from shared.events.values import shown

STRUCTURED: Final = "application/cloudevents+json"
LARGEST_INBOUND: Final = 1 << 19
_HEADER: Final = "ce_"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND: Final = 253_402_300_799_999
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class CloudEvent:
    """Attributes as they stand in the record, and the data as JSON text."""

    attributes: dict[str, Any]
    data: bytes

    def required(self, name: str) -> str:
        """An attribute that every event has, trimmed; RefusedError (malformed) without it."""
        value = self.attributes.get(name)
        if not isinstance(value, str) or not value.strip():
            raise RefusedError(
                MALFORMED, pointer((name,)), f"not a CloudEvent: the attribute {name} is missing or not text, got {shown(value)}"
            )
        return value.strip()

    def number(self, name: str) -> int:
        """A whole number of 0 or more, 0 if the attribute is missing."""
        value = self.attributes.get(name, 0)
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - fits 64 bits
            raise RefusedError(MALFORMED, pointer((name,)), f"{shown(value)} is not a whole number of 0 or more")
        return int(text)

    def time(self, record: Record) -> datetime:
        """When it happened (RFC 3339), else when the broker got it; in UTC."""
        value = self.attributes.get("time")
        if value is None:
            return _EPOCH + timedelta(milliseconds=min(max(record.timestamp_ms, 0), _LAST_MILLISECOND))
        return _rfc3339(value)

    def traceparent(self) -> str | None:
        """The W3C trace context; one that is not well-formed counts as none."""
        value = self.attributes.get("traceparent")
        return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def _rfc3339(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value.upper())
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        pass
    raise RefusedError(MALFORMED, "/time", f'{shown(value)} is not a time: write it as "2026-01-31T12:00:00Z"')


def is_inbound(topic: str) -> bool:
    """Whether other systems write to a topic (its name may have a namespace in front)."""
    return any(on_topic(topic, name) for name in INBOUND_TOPICS)


def on_topic(topic: str, name: str) -> bool:
    """Whether a topic is the one of this name, in whatever namespace."""
    return topic == name or topic.endswith(f".{name}")


def read(record: Record) -> CloudEvent:
    """The event in a record; RefusedError (malformed) if it holds none. The data of a binary event is not looked at."""
    if not record.value:
        raise RefusedError(MALFORMED, "", "not a CloudEvent: the record has no value")
    if len(record.value) > LARGEST_INBOUND and is_inbound(record.topic):
        raise RefusedError(MALFORMED, "", f"the record has {len(record.value)} bytes: at most {LARGEST_INBOUND} are read")
    attributes, content_type = headers_of(record)
    if content_type.startswith(STRUCTURED) or (not attributes and not content_type):
        event = _structured(record.value)
    else:
        event = CloudEvent(attributes, record.value)
    if event.attributes.get("specversion") != "1.0":
        version = shown(event.attributes.get("specversion"))
        raise RefusedError(MALFORMED, "/specversion", f'not a CloudEvent: specversion must be "1.0", got {version}')
    return event


def headers_of(record: Record) -> tuple[dict[str, Any], str]:
    """The CloudEvents attributes in the headers, and the content type; RefusedError (malformed) if one is not text."""
    attributes: dict[str, Any] = {}
    content_type = ""
    try:
        for name, value in record.headers:
            if name.startswith(_HEADER):
                attributes[name[len(_HEADER) :]] = value.decode()
            elif name == "traceparent":
                attributes.setdefault(name, value.decode())
            elif name.lower() == "content-type":
                content_type = value.decode().strip().lower()
    except (UnicodeDecodeError, AttributeError) as error:
        raise RefusedError(MALFORMED, "", f"not a CloudEvent: the header {shown(name)} is not UTF-8 text") from error
    if set(attributes) == {"traceparent"}:
        return {}, content_type
    return attributes, content_type


def _structured(value: bytes) -> CloudEvent:
    document = parsed(value)
    if not isinstance(document, dict):
        raise RefusedError(MALFORMED, "", f"not a CloudEvent: {shown(document)} is not a JSON object")
    attributes = {name: value for name, value in document.items() if name not in {"data", "data_base64"}}
    if "data_base64" in document:
        return CloudEvent(attributes, _from_base64(document["data_base64"]))
    return CloudEvent(attributes, canonical(document.get("data"), sort=False))


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise RefusedError(MALFORMED, "/data_base64", f"{shown(text)} is not base64 text") from error


def parsed(value: bytes) -> Any:
    """JSON as Python values; RefusedError (malformed) if it is not. Of a key that comes twice the last counts."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise RefusedError(MALFORMED, "", f"the value is not JSON: {error}") from error


def canonical(data: Any, *, sort: bool = True) -> bytes:
    """Data as JSON with its keys sorted; RefusedError (malformed) where it is nested too deeply."""
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS if sort else 0)
    except orjson.JSONEncodeError as error:
        raise RefusedError(MALFORMED, "", f"the data cannot be read: {error}") from error
