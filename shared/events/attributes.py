"""What a record says of its event by its attributes alone, in whichever binding: its data is not read.

Invariant: nothing here judges an event; what is asked of a record that is none is not answered, or raises what is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.events.bindings import MOST_HEADERS
from shared.events.bundles import own_event
from shared.events.contract import CONTRACT, full_type, short_type
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from shared.events.envelope import Record

Headers = tuple[tuple[str, bytes], ...]

_TYPES: Final = {full_type(name).encode(): name for name in CONTRACT}


def type_said(record: Record) -> str | None:
    """The type's name that a record's attributes say, its data not read; None if that is not in the contract, or a header stands twice."""
    event = own_event(record)
    if event is not None:
        return short_type(event.type)
    if len(record.headers) > MOST_HEADERS:
        return None
    headers = dict(record.headers)
    return _TYPES.get(headers.get("ce_type", b"")) if len(headers) == len(record.headers) else None


def ref_said(record: Record) -> EventRef:
    """The name that an event of our own has by its attributes, its data not read; LookupError or UnicodeDecodeError for what is none."""
    event = own_event(record)
    if event is not None:
        return EventRef(event.source, event.id)
    headers = dict(record.headers)
    return EventRef(headers["ce_source"].decode(), headers["ce_id"].decode())


def words_said(record: Record) -> str:
    """The type and the id that a record's attributes say, as far as they do, for a message to people."""
    event = own_event(record)
    if event is not None:
        return f"{event.type} {event.id}"
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return f"{headers.get('ce_type')} {headers.get('ce_id')}"


def headers_said(record: Record) -> Headers:
    """The attributes of a record's event as headers of the binary binding, as far as they name it."""
    event = own_event(record)
    if event is None:
        return record.headers
    said = {"ce_id": event.id, "ce_source": event.source, "ce_type": event.type, "ce_traceparent": event.traceparent or ""}
    return tuple((name, value.encode()) for name, value in said.items() if value)
