"""From a record to a typed message and back.

Invariant: `decode` never raises; it gives a Message or, as a value, what is wrong (Unreadable). The digest of an event from
outside is over its type and what its data says (amounts by value, texts trimmed, defaults filled in), whatever the binding,
the spelling and the order of its fields. What `encode` sends, `decode` gives back unchanged; what is in a table is read
as it was written, never judged again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import msgspec
import orjson
from pydantic import ValidationError

from shared.events.bindings import (
    LARGEST_INBOUND,
    CloudEvent,
    canonical,
    headers_of,
    is_inbound,
    on_topic,
    parsed,
    payload_of,
    read,
    rfc3339,
    trace_context,
)
from shared.events.bundles import INTERNAL, STRUCTURED_HEADERS, OwnEvent, own_event
from shared.events.contract import (
    CONTRACT,
    Entry,
    adapter,
    base_topic,
    completed,
    contradictions,
    full_type,
    is_of_its_sender,
    own_reader,
    sender_of,
    short_type,
)
from shared.events.earlier_names import renamed
from shared.events.envelope import EventRef, Message, Outgoing, Record, Topic, Unreadable
from shared.events.journals import PaymentJournal
from shared.events.reference import OWN_SOURCES, ExchangeRatePublished, PeriodClosed, PeriodOpened, ReferenceWithdrawn, not_withdrawable
from shared.events.refusal import (
    INVALID,
    MOST_ERRORS,
    UNKNOWN_TYPE,
    RefusedError,
    contradicting,
    invalid,
    likely,
    otherwise_none,
    refuse_too_many_fields,
    without_nulls,
)
from shared.events.values import ID_LENGTH, forbidden_character, printable, shown
from shared.events.vouchers import EventWaiting, Voucher, of_earlier_form

Headers = tuple[tuple[str, bytes], ...]

_LONGEST_SOURCE: Final = 512
_EXAMPLE: Final = "intercompany.customer-invoice.posted.v1"
_CONSTANT_HEADERS: Final = (("content-type", b"application/json"), ("ce_specversion", b"1.0"))
_FULL_TYPES: Final = {name: full_type(name).encode() for name in CONTRACT}
_INTERNAL_TYPES: Final = {name: full_type(name) for name, entry in CONTRACT.items() if entry.topic in INTERNAL}
_INBOUND_TYPES: Final = {name: full_type(name) for name, entry in CONTRACT.items() if entry.inbound}
_WRITER: Final = msgspec.json.Encoder(decimal_format="string")
_EXPONENT: Final = re.compile(rb"\dE[+-]\d")
_SIGN: Final = re.compile(rb"E[+-]")
_SAID: Final = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_EARLIER_FORMS: Final[dict[type, Callable[[Any], Any]]] = {Voucher: of_earlier_form}
"""How data of ours that an earlier version wrote is brought to today's form."""
_WITH_KEYWORDS: Final = (ExchangeRatePublished, PeriodClosed, PeriodOpened, ReferenceWithdrawn, EventWaiting)


def decode(record: Record) -> Message | Unreadable:
    """The event in a record: its typed data, or the code, field and message of its refusal (events.md). Never raises."""
    own = own_event(record)
    if own is not None and (message := _of_own(own, record)) is not None:
        return message
    event: CloudEvent | None = None
    try:
        event = read(record)
        return _message(event, record)
    except RefusedError as refused:
        return _unreadable(refused, event or headers_alone(record), record)


def _of_own(event: OwnEvent, record: Record) -> Message | None:
    """An event of our own as our own services write it; None: it is read again by what says what is wrong with it."""
    name = short_type(event.type)
    if name is None or event.specversion != "1.0" or not is_of_its_sender(event.source, record.topic):
        return None
    entry, source, id_ = CONTRACT[name], event.source, event.id
    is_named = (
        source.isprintable() and id_.isprintable() and id_ == id_.strip() and 0 < len(id_) <= ID_LENGTH and len(source) <= _LONGEST_SOURCE
    )
    if entry.topic != record.topic or not is_named:
        return None
    text = bytes(event.data)
    try:
        data, time = _read_own(entry.data, text), rfc3339(event.time)
    except (msgspec.DecodeError, UnicodeDecodeError, RefusedError):
        return None
    cause, first = EventRef(event.causationsource, event.causationid), EventRef(event.correlationsource, event.correlationid)
    traceparent = None if event.traceparent is None else trace_context(event.traceparent)
    return Message(EventRef(source, id_), name, data, time, _digest(name, text), cause, first, traceparent, event.reference, record=record)


def _message(event: CloudEvent, record: Record) -> Message:
    source, id_, full = event.required("source"), event.required("id"), event.required("type")
    name, entry = _entry(full, record)
    ref = EventRef(_limited("source", source, _LONGEST_SOURCE), _limited("id", id_, ID_LENGTH))
    if not is_of_its_sender(ref.source, record.topic):
        raise RefusedError(INVALID, "/source", _not_of_its_sender(ref.source, record.topic))
    from_outside = entry.inbound
    try:
        data, digest = _inbound(name, event, ref.source) if from_outside else _own(name, entry, event)
    except RefusedError as refused:
        refused.in_data = True
        raise
    message = Message(ref, name, data, event.time(record), digest, cause=ref, first=ref, traceparent=event.traceparent(), record=record)
    message.replay = _replay(event, record)
    message.sender = sender_of(record.topic)
    if from_outside:
        message.as_written = event.data
    else:
        message.reference_offset = event.number("reference")
        message.cause = _ref(event, "causationsource", "causationid") or ref
        message.first = _ref(event, "correlationsource", "correlationid") or ref
    return message


def _replay(event: CloudEvent, record: Record) -> int:
    """The number of a payment's replay. It is the operator's tool that sets it, for payments: elsewhere it is not ours."""
    is_said = "replay" in event.attributes and base_topic(record.topic) == Topic.PAYMENTS
    return (otherwise_none(lambda: event.number("replay")) or 0) if is_said else 0


def _not_of_its_sender(source: str, topic: str) -> str:
    if is_inbound(topic):
        return f"{shown(source)} is a source of this system's own ({OWN_SOURCES}): name the system that sends the event"
    return f"{shown(source)} does not send on {topic}: nobody but this system's own service does"


def _entry(full: str, record: Record) -> tuple[str, Entry]:
    name = short_type(full)
    if name is None:
        raise RefusedError(
            UNKNOWN_TYPE, "/type", f"{shown(full)} is not a type or version of this contract: {likely(full, _INBOUND_TYPES, _EXAMPLE)}"
        )
    entry = CONTRACT[name]
    if not on_topic(base_topic(record.topic), entry.topic):
        if not entry.inbound and is_inbound(record.topic):
            raise RefusedError(UNKNOWN_TYPE, "/type", f"{name} is sent by the services, not to them")
        raise RefusedError(UNKNOWN_TYPE, "/type", f"{name} does not belong on the topic {record.topic} but on {entry.topic}")
    return name, entry


def _limited(attribute: str, value: str, limit: int) -> str:
    if len(value) > limit:
        raise RefusedError(INVALID, f"/{attribute}", f"the {attribute} has {len(value)} characters: at most {limit} are allowed")
    character = None if value.isprintable() else forbidden_character(value)
    if character is not None:
        raise RefusedError(INVALID, f"/{attribute}", f"{shown(value)} has {character}, which is not allowed here")
    return value


def _inbound(name: str, event: CloudEvent, source: str) -> tuple[Any, bytes]:
    data = read_data(name, event.data, source)
    return data, _digest(name, _SAID.encode(data))


def digest_said(name: str, text: bytes, source: str) -> bytes:
    """The digest of an event from outside by its data, as `decode` gives it; RefusedError if the data is not right in form."""
    return _digest(name, _SAID.encode(read_data(name, text, source)))


def read_data(name: str, text: bytes, source: str) -> Any:
    """The typed data of an event that other systems send, complete; RefusedError if it is not right in form."""
    class_, document = CONTRACT[name].data, parsed(text)
    raw = payload_of(document)
    data = _typed(class_, text if raw is document else canonical(raw, sort=False), raw)
    problems = list(islice(contradictions(name, data), MOST_ERRORS))
    if problems:
        raise contradicting(problems, raw)
    return completed(name, data, source)


def _typed(class_: type, text: bytes, raw: Any) -> Any:
    """The data of a class; where it is not taken and holds a null, without the nulls, which are left out."""
    refuse_too_many_fields(raw, class_)
    reader = adapter(class_)
    try:
        return reader.validate_json(text)
    except ValidationError as error:
        if b"null" not in text:
            raise _not_taken(error, raw, class_) from error
    try:
        return reader.validate_json(canonical(without_nulls(raw, class_), sort=False))
    except ValidationError as error:
        raise _not_taken(error, raw, class_) from error


def _not_taken(error: ValidationError, raw: Any, class_: type) -> RefusedError:
    """What is wrong; a withdrawal of what cannot be withdrawn is refused as that, whatever fields it has."""
    event = raw.get("event") if class_ is ReferenceWithdrawn and isinstance(raw, dict) else None
    problem = not_withdrawable(event)
    return invalid(error, raw, class_) if problem is None else RefusedError(INVALID, "/event", problem)


def _own(name: str, entry: Entry, event: CloudEvent) -> tuple[Any, bytes]:
    """Our own events are written one way only, so their bytes need not be put in order first.

    What the fast reader does not take, under the names of 0.1 either, is read again by the one that says where it is wrong.
    """
    try:
        return _read_own(entry.data, event.data), _digest(name, event.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        reader = adapter(entry.data)
    earlier = _EARLIER_FORMS.get(entry.data)
    try:
        data = reader.validate_json(event.data) if earlier is None else reader.validate_python(earlier(parsed(event.data)))
        return data, _digest(name, event.data)
    except ValidationError as error:
        raise invalid(error, parsed(event.data), entry.data) from error


def _read_own(class_: type, data: bytes) -> Any:
    reader = own_reader(class_)
    try:
        return reader.decode(data)
    except msgspec.DecodeError:
        as_now = renamed(class_, data)
        if as_now is None:
            raise
        return reader.decode(as_now)


def digest_as_written(message: Message) -> bytes | None:
    """The digest that 0.1 would have taken an event from outside with: of its data as it is written, not of what it says.

    An inbox keeps digests for ever, so one that does not match the digest of now is compared with this one. None: the event's
    own record is not at hand, or it is one of ours.
    """
    if isinstance(message.data, PaymentJournal):
        return bytes.fromhex(message.data.digest_as_written or "") or None
    return _digest(message.type, canonical(orjson.loads(message.as_written))) if message.as_written else None


def _digest(name: str, data: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + b"\0" + data, digest_size=16).digest()


def _ref(event: CloudEvent, source_name: str, id_name: str) -> EventRef | None:
    source, id_ = event.attributes.get(source_name), event.attributes.get(id_name)
    return EventRef(source, id_) if isinstance(source, str) and isinstance(id_, str) else None


# What could not be read


def headers_alone(record: Record) -> CloudEvent:
    """The event of a record of which nothing but the headers can be read, if they can."""
    try:
        return CloudEvent(headers_of(record)[0], record.value or b"")
    except RefusedError:
        return CloudEvent({}, record.value or b"")


def _unreadable(refused: RefusedError, event: CloudEvent, record: Record) -> Unreadable:
    source, id_, full = (_kept(event.attributes.get(name)) for name in ("source", "id", "type"))
    unreadable = Unreadable(refused.code, refused.field, refused.message, record)
    unreadable.others, unreadable.in_data = refused.others, refused.in_data
    unreadable.type = (short_type(full) or full) if full else None
    unreadable.traceparent = event.traceparent()
    unreadable.time = otherwise_none(lambda: event.time(record)) or otherwise_none(lambda: CloudEvent({}, b"").time(record))
    unreadable.replay = _replay(event, record)
    if source and id_ and is_of_its_sender(source, record.topic):
        unreadable.ref = EventRef(source, id_)
        is_read = len(event.data) <= LARGEST_INBOUND  # larger ones are refused unread: what they say is not looked at here either
        data = (otherwise_none(lambda: canonical(parsed(event.data))) if is_read else None) or event.data
        unreadable.digest = _digest(unreadable.type or "", data)
    return unreadable


def _kept(value: Any) -> str:
    """An attribute as far as it can be shown and kept: trimmed, printable, cut to bytes that an index can hold."""
    return (printable(value.strip()[:_LONGEST_SOURCE]) if isinstance(value, str) else "").encode()[:_LONGEST_SOURCE].decode(errors="ignore")


# What is stored


def read_stored(class_: Any, text: bytes | str) -> Any:
    """What a table has of a class of the contract, as `as_json` wrote it: not judged again, by no newer list or limit."""
    if class_ in _WITH_KEYWORDS:
        own = class_.__dataclass_fields__
        return msgspec.convert({f"{name}_" if f"{name}_" in own else name: each for name, each in orjson.loads(text).items()}, class_)
    return own_reader(class_).decode(text)


# What is sent


def encode(outgoing: Outgoing) -> tuple[bytes, bytes, Headers]:
    """An event as the key, value and headers of a record; decimals as strings in plain notation.

    In the binary binding what others read, in the structured one what goes between the services, so that it can be bundled.
    """
    if outgoing.topic in INTERNAL:
        return outgoing.key.encode(), _structured(outgoing), STRUCTURED_HEADERS
    headers: Headers = (
        *_CONSTANT_HEADERS,
        ("ce_type", _FULL_TYPES[outgoing.type]),
        ("ce_source", outgoing.ref.source.encode()),
        ("ce_id", outgoing.ref.id.encode()),
        ("ce_time", time_text(outgoing.time).encode()),
        ("ce_causationid", outgoing.cause.id.encode()),
        ("ce_causationsource", outgoing.cause.source.encode()),
        ("ce_correlationid", outgoing.first.id.encode()),
        ("ce_correlationsource", outgoing.first.source.encode()),
        *outgoing.headers,
    )
    if outgoing.traceparent is not None:
        headers += (("ce_traceparent", outgoing.traceparent.encode()),)
    if outgoing.reference_offset:
        headers += (("ce_reference", str(outgoing.reference_offset).encode()),)
    return outgoing.key.encode(), as_json(outgoing.data), headers


def _structured(outgoing: Outgoing) -> bytes:
    ref, cause, first = outgoing.ref, outgoing.cause, outgoing.first
    event = OwnEvent(
        specversion="1.0",
        type=_INTERNAL_TYPES[outgoing.type],
        source=ref.source,
        id=ref.id,
        time=time_text(outgoing.time),
        causationid=cause.id,
        causationsource=cause.source,
        correlationid=first.id,
        correlationsource=first.source,
        traceparent=outgoing.traceparent,
        reference=outgoing.reference_offset,
        data=outgoing.data,
    )
    text = _WRITER.encode(event)
    if _is_plain(text):
        return text
    event.data = msgspec.Raw(as_json(outgoing.data))
    return _WRITER.encode(event)


def as_json(data: Any) -> bytes:
    """The data of an event as JSON: a dataclass of the contract or a mapping; decimals as strings in plain notation."""
    if isinstance(data, _WITH_KEYWORDS):
        data = _renamed(data)
    text = _WRITER.encode(data)
    return text if _is_plain(text) else orjson.dumps(msgspec.to_builtins(data, builtin_types=(Decimal,)), default=_plain)


def _is_plain(text: bytes) -> bool:
    """Whether no number has an exponent: the fast writer has no plain notation.

    A pattern that begins with a letter is sought ten times as fast as one with a digit.
    """
    return not (_SIGN.search(text) and _EXPONENT.search(text))


def _renamed(data: Any) -> dict[str, Any]:
    return {name.removesuffix("_"): getattr(data, name) for name in data.__dataclass_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple):
        return list(value)
    msg = f"{type(value).__name__} cannot be part of an event"
    raise TypeError(msg)


@lru_cache(maxsize=4096)  # the effects of an event have its time
def time_text(time: datetime) -> str:
    """A time as an attribute of an event: RFC 3339, in UTC."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
