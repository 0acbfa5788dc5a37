"""The envelope of every message: a CloudEvent that was read, one that could not be read, one to be sent.

Invariant: `source` + `id` name an event for ever (events.md); the id of an outgoing event is derived from the
event that caused it, so a recomputation gives the same id; nothing here knows a broker.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from shared.events.bundles import OwnEvent


class EventRef(NamedTuple):
    """The name of an event: who said it and its id there."""

    source: str
    id: str


class Topic:
    """The names of the topics (events.md, "Topics")."""

    REFERENCE = "intercompany.reference"
    INVOICES = "intercompany.invoices"
    PAYMENTS = "intercompany.payments"
    REQUESTS = "intercompany.requests"
    JOURNALS = "intercompany.journals"
    SETTLEMENTS = "intercompany.settlements"
    VOUCHERS = "intercompany.vouchers"
    REJECTIONS = "intercompany.rejections"


@dataclass(slots=True)
class Record:
    """One record of a topic as it came from the broker; kept whole so that a refused event can be shown and replayed.

    `size` is what it had in bytes there; 0: it did not come from there, or was not weighed. Of an event that came with others in one
    record (bundles.py), `place` is its number there, from 1, `is_followed` whether its reader takes another one of them after it, and
    `event` its attributes, read.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = 0
    offset: int = 0
    timestamp_ms: int = 0
    size: int = field(default=0, compare=False)
    place: int = 0
    is_followed: bool = field(default=False, compare=False)
    event: OwnEvent | None = field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class Message:
    """A CloudEvent that could be read. `type` is the name without prefix and version, `data` its typed content.

    `first` is the event from outside that started the chain (correlationid), `cause` the one directly before
    (causationid); for an event from outside both are the event itself. `digest` is over the data alone, to tell a
    duplicate from a conflict. `reference_offset` is how far the sender had read the reference topic, 0 from outside.
    `replay` counts how often an operator sent the event again. `sender` is whose own topic it came on; None: a topic of
    the contract itself. `arrived` is when this service first read it, by its own clock. `as_written` is the JSON of an event from
    outside as it came, where its record is at hand.
    """

    ref: EventRef
    type: str
    data: Any
    time: datetime
    digest: bytes = b""
    cause: EventRef | None = None
    first: EventRef | None = None
    traceparent: str | None = None
    reference_offset: int = 0
    replay: int = 0
    sender: str | None = None
    record: Record | None = None
    arrived: datetime | None = None
    as_written: bytes = b""

    @property
    def arrival(self) -> datetime:
        """When it came, which is what waiting counts from; where no clock was read, its own time."""
        return self.time if self.arrived is None else self.arrived


@dataclass(slots=True)
class Unreadable:
    """A record that is not an event of the contract: the refusal's code, field (JSON pointer) and message as a value.

    `ref`, `type`, `time`, `digest`, `traceparent` and `replay` are what could be read of the event; a type that is not of
    the contract is given as it stands there, and `digest` is empty without a `ref`. `others`: field and message of what else is
    wrong; `in_data`: whether the fields are in the event's data.
    """

    code: str
    field: str
    message: str
    record: Record
    ref: EventRef | None = None
    type: str | None = None
    digest: bytes = b""
    time: datetime | None = None
    traceparent: str | None = None
    replay: int = 0
    others: tuple[tuple[str, str], ...] = ()
    in_data: bool = False


@dataclass(slots=True)
class Outgoing:
    """An event to be sent: `data` is a dataclass or mapping of the contract, `key` keeps order within a topic."""

    topic: str
    key: str
    type: str
    ref: EventRef
    data: Any
    time: datetime
    cause: EventRef
    first: EventRef
    traceparent: str | None = None
    reference_offset: int = 0
    headers: tuple[tuple[str, bytes], ...] = field(default=())


_VARIANT: Final = {digit: "89ab"[number & 3] for number, digit in enumerate("0123456789abcdef")}
"""The hexadecimal digit of a UUID that holds the two bits of its variant: they replace the upper two of four."""


def derived_id(cause: EventRef, time: datetime, kind: str, number: int) -> str:
    """The id of the effect `kind` number `number` of an event: UUID version 8, the causing event's time in front.

    The rest is a digest of the cause's source and id, the kind and the number: the same cause gives the same id
    however often it is computed (architecture/delivery.md, "Names and ids").
    """
    digest = hashlib.blake2b(f"{cause.source}\0{cause.id}\0{kind}\0{number}".encode(), digest_size=10).hexdigest()
    return f"{_in_front(time)}-8{digest[1:4]}-{_VARIANT[digest[4]]}{digest[5:8]}-{digest[8:]}"


@lru_cache(maxsize=4096)  # the effects of an event have its time
def _in_front(time: datetime) -> str:
    """A time in milliseconds as the first two parts of a UUID."""
    milliseconds = f"{int(time.timestamp() * 1000) & (1 << 48) - 1:012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"


_REPLAY: Final = "\x1freplay-"
"""No id of another system has a control character, so none can be that of a replay."""


def replay_identity(ref: EventRef, replay: int) -> EventRef:
    """The id that an event takes: its own, or one of its own for each time that an operator has sent it again."""
    return EventRef(ref.source, f"{ref.id}{_REPLAY}{replay}") if replay else ref


def replay_number(identity: EventRef, ref: EventRef) -> int:
    """How often an event had been sent again when it took this identity (`replay_identity`); 0: never."""
    return int(identity.id.rpartition(_REPLAY)[2]) if identity != ref else 0
