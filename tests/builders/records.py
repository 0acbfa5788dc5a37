"""Records as other systems send them, for the tests of the event contract."""

from __future__ import annotations

from typing import Any

import orjson

from shared.events.codec import decode
from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import Message, Record, Topic, Unreadable

INVOICE: dict[str, Any] = {
    "company": "FABE",
    "account": "IC-WEST",
    "document": "VI-7",
    "date": "2026-03-02",
    "currency": "USD",
    "amount": "1000.00",
}
PAYMENT: dict[str, Any] = {
    "company": "FAB",
    "account": "IC-WEST",
    "document": "VPAY-7",
    "date": "2026-03-12",
    "currency": "USD",
    "amount": "980.00",
    "settle": [{"company": "FABE", "document": "VI-7"}],
}


def binary(name: str, data: Any, *, id_: str = "E-1", topic: str | None = None, **attributes: str) -> Record:
    """A record in the binary binding; `data` as bytes is the value as it stands. An attribute of "" is left out."""
    value = data if isinstance(data, bytes) else orjson.dumps(data)
    all_attributes = {"specversion": "1.0", "source": "erp", "id": id_, "type": full_type(name)} | attributes
    headers = tuple((f"ce_{key}", text.encode()) for key, text in all_attributes.items() if text)
    entry = CONTRACT.get(name)
    where = topic or (entry.topic if entry is not None else Topic.REQUESTS)
    return Record(where, b"key", value, (("content-type", b"application/json"), *headers), timestamp_ms=1_767_225_600_000)


def structured(topic: str, document: Any) -> Record:
    """A record in the structured binding."""
    value = document if isinstance(document, bytes) else orjson.dumps(document)
    return Record(topic, b"key", value, (("content-type", b"application/cloudevents+json; charset=utf-8"),))


def taken(record: Record) -> Message:
    """The message in a record that is right."""
    message = decode(record)
    assert isinstance(message, Message), message
    return message


def refused(record: Record) -> Unreadable:
    """What is said of a record that is wrong."""
    unreadable = decode(record)
    assert isinstance(unreadable, Unreadable), unreadable
    return unreadable
