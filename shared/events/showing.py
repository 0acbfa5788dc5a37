"""The whole event, as a refusal shows it.

Invariant: whatever a record holds can be shown as one JSON document, of bounded size.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic_core import from_json

from shared.events.bindings import parsed, read
from shared.events.codec import as_json, headers_alone, time_text
from shared.events.contract import full_type, sender_of
from shared.events.envelope import EventRef, Message, Record, Unreadable
from shared.events.journals import PaymentJournal, PaymentRefused
from shared.events.refusal import RefusedError, otherwise_none

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LARGEST_SHOWN: Final = 1 << 19
_LEVELS_AROUND: Final = 8
SENDER: Final = "intercompanysender"
"""The attribute of an event, where it is shown whole, that says on which sender's topic it came; ours alone."""


def as_cloudevent(event: Message | Unreadable | Record) -> dict[str, Any]:
    """The whole event as one JSON-able document (the structured binding).

    What the payment service handed on is shown as the payment event it came from. A record that is not a CloudEvent is shown
    as text or base64 data; of more than 512 KiB the beginning is shown, `datalength` says how long it was. An event from a
    sender's own topic names that sender (SENDER), whatever the sender wrote there.
    """
    if isinstance(event, Record):
        return _of_record(event)
    if isinstance(event, Message):
        if isinstance(event.data, PaymentRefused):
            return event.data.original
        if isinstance(event.data, PaymentJournal):
            return _of_payment(event, event.data)
        if event.record is None:
            return _from_sender(event.sender, _document(event.ref, event.type, event.time, event.data))
        return _of_record(event.record)
    return _of_record(event.record)


def _of_payment(message: Message, journal: PaymentJournal) -> dict[str, Any]:
    name = "customer-payment.posted" if journal.ledger == "receivable" else "vendor-payment.posted"
    return _from_sender(journal.sender, _document(journal.event, name, message.time, journal.payment))


def _document(ref: EventRef, name: str, time: datetime, data: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "type": full_type(name), "source": ref.source, "id": ref.id, "time": time_text(time)}
    return {**event, "data": orjson.loads(as_json(data))}


def _of_record(record: Record) -> dict[str, Any]:
    event = otherwise_none(lambda: read(record)) or headers_alone(record)
    return _from_sender(sender_of(record.topic), {**event.attributes, **dict(_data(event.data))})


def _from_sender(sender: str | None, document: dict[str, Any]) -> dict[str, Any]:
    document.pop(SENDER, None)
    return document if sender is None else {SENDER: sender, **document}


def _data(data: bytes) -> Iterator[tuple[str, Any]]:
    if len(data) > LARGEST_SHOWN:
        yield "datalength", len(data)
        yield "data_base64", base64.b64encode(data[: LARGEST_SHOWN // 2]).decode()
        return
    try:
        from_json(b"[" * _LEVELS_AROUND + data + b"]" * _LEVELS_AROUND)
        yield "data", parsed(data)
    except (RefusedError, ValueError):
        yield "data_base64", base64.b64encode(data).decode()
