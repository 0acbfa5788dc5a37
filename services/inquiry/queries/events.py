"""One event from outside: whether it was received, waits, was refused, or what it posted.

Invariant: the state is the most that is to be done about it: what waits or was refused is said although the event posted something.
Whoever says an event's state says what `stage` gives, of what he knows.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from services.inquiry.rules.imports import STATES
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.delivery.ports import Connection

Row = dict[str, Any]

CLOCKS_DIFFER: Final = dt.timedelta(seconds=5)
"""By so much the broker's clock may be ahead of the services': what was refused is not taken for what was sent again since."""
WHOLE_EVENT: Final = "event"
"""The scope of a refusal of which nothing was taken; another leaves part of the event posted."""

POSTED_IN_ANY_CASE: Final = (
    *("cash_discount", "credit_note_discount", "overpayment", "underpayment", "penny_difference", "realized_gain"),
)
"""The amounts of a record of which each has lines, also where both documents are of one company."""


class StageOfEvent(StrEnum):
    """How far an event is."""

    UNKNOWN = "unknown"
    RECEIVED = "received"
    WAITING = "waiting"
    REFUSED = "refused"
    POSTED = "posted"


class Refused(NamedTuple):
    """A refusal: of the event or of part of it (`scope`), and when it was refused last."""

    scope: str
    at: dt.datetime


class Became(NamedTuple):
    """What is known to have become of an event.

    `is_taken`: a service has taken it; `is_whole`: a voucher is there of all that it decided. `sent_at`: when it was received last (any
    clock's tolerance taken off), None if nobody has seen it. `posts_nothing`: it has had its effect once it is read.
    """

    waits: bool
    refusals: tuple[Refused, ...]
    is_taken: bool
    is_whole: bool
    sent_at: dt.datetime | None
    posts_nothing: bool = False


def stage(became: Became) -> StageOfEvent:
    """The state of an event: what waits comes first, then what was refused, then what was posted.

    A refused part (a payment's marks) stays refused although the rest was posted. A refusal of the whole event is of the past once it was
    taken, or was sent again and nothing came of that yet; an id that another event has taken is refused for that other one alone.
    """
    if became.waits:
        return StageOfEvent.WAITING
    if any(each.scope != WHOLE_EVENT for each in became.refusals):
        return StageOfEvent.REFUSED
    if became.is_taken:
        return StageOfEvent.POSTED if became.is_whole else StageOfEvent.RECEIVED
    if became.refusals and (became.sent_at is None or max(each.at for each in became.refusals) >= became.sent_at):
        return StageOfEvent.REFUSED
    if became.sent_at is None:
        return StageOfEvent.UNKNOWN
    return StageOfEvent.POSTED if became.posts_nothing else StageOfEvent.RECEIVED


_RECEIPTS: Final = """
select e.source, e.id, e.type, e.received_at, e.last_received_at, e.data::text as data
from unnest($1::text[], $2::text[]) as k (source, id) join events e on e.id = k.id and e.source = k.source and e.is_current"""


class Receipt(NamedTuple):
    """That an event was received: its type and data, when first (any data), and when last with this data, by the broker's clock."""

    type: str
    data: Any
    received_at: dt.datetime
    last_received_at: dt.datetime


async def receipts(connection: Connection, refs: Iterable[EventRef]) -> dict[EventRef, Receipt]:
    """Of these events those that were read here."""
    wanted = list(refs)
    found = await connection.fetch(_RECEIPTS, [ref.source for ref in wanted], [ref.id for ref in wanted])
    return {
        EventRef(row["source"], row["id"]): Receipt(row["type"], orjson.loads(row["data"]), row["received_at"], row["last_received_at"])
        for row in found
    }


def posts_nothing(type_: str | None) -> bool:
    """Whether an event of this type posts nothing, so that nothing is still to come of it once it is read."""
    return type_ in STATES
