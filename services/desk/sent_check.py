"""Whether what one service has said has arrived at those that it is for: what was on a topic that was lost is found by name.

Of what was sent each service keeps a copy for a while (KEEP_SENT), and whoever takes a message notes its id, or refuses it.

Invariant: pure of guesses: a message that was sent, is on no way and is neither taken nor refused by a service that takes its like has
not arrived there; `intercompany resend` sends it again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.checking import Check
from services.desk.under_way import BETWEEN
from services.registry import SERVICES
from shared.delivery import shell_queries
from shared.delivery.folding import Defect, concerns, decoded, identity_of, may_concern
from shared.delivery.inbox import inbox_key
from shared.delivery.outbox import UnreadableRowError, unpack
from shared.events.attributes import ref_said
from shared.events.envelope import EventRef, Message, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from services.desk.checking import Again, Doubts
    from services.desk.schemas import Schemas
    from shared.delivery.inbox import InboxKey
    from shared.delivery.service import AnyService

_READERS: Final[dict[str, tuple[AnyService, ...]]] = {
    topic: tuple(service for service in SERVICES if any(hop.topic == topic and hop.reader == service.name for hop in BETWEEN))
    for topic in dict.fromkeys(hop.topic for hop in BETWEEN)
}
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Told(NamedTuple):
    """A message for a reader, not yet read itself: `key` is what its attributes name it by."""

    key: InboxKey
    record: Record
    sent_at: datetime


class _Sent(NamedTuple):
    """A message for a reader: the id that this one notes, the names under which it may refuse it."""

    key: InboxKey
    names: tuple[EventRef, ...]
    sent_at: datetime
    event: Message

    def said(self, reader: str) -> str:
        """That it has not arrived, in words."""
        what = f"{self.event.type} {self.event.ref.id}{_about(self.event.data)}"
        sender = self.event.ref.source.removeprefix("intercompany/")
        return f"{sender} said at {self.sent_at:%Y-%m-%d %H:%M:%S} {what}, and {reader} has not read it"


async def check_sent(schemas: Schemas, doubts: Doubts) -> Check:
    """Goes through what the services have sent and still keep."""
    check = Check("what was sent has arrived", "")
    count = 0
    for sender in dict.fromkeys(hop.sender for hop in BETWEEN):
        async with schemas.of(sender) as connection:
            last = await shell_queries.last_sent(connection)
        after = 0
        while after < last:
            async with schemas.of(sender) as connection:
                page = await shell_queries.sent_page(connection, after, last)
            if not page:
                break
            after = page[-1].id
            for reader, told in _by_reader(page).items():
                count += len(told)
                await _compare(schemas, reader, told, check, doubts)
    check.compared = f"{count} messages"
    return check


def _by_reader(page: Iterable[shell_queries.SentRow]) -> Mapping[str, list[_Told]]:
    found: dict[str, list[_Told]] = {}
    for row in page:
        for record in _records(row):
            key = inbox_key(ref_said(record))
            for service in _READERS.get(record.topic, ()):
                if may_concern(service, record):
                    found.setdefault(service.name, []).append(_Told(key, record, row.sent_at))
    return found


def _records(row: shell_queries.SentRow) -> Iterator[Record]:
    try:
        messages = unpack(row.messages)
    except UnreadableRowError:
        return  # it was put aside when it was to be sent
    for each in messages:
        yield Record(each.topic, each.key, each.value, tuple(each.headers))


def _sent(service: AnyService, told: _Told) -> _Sent | None:
    """None: it is not for this reader, or this one takes it without noting its id."""
    event = decoded(service, told.record)
    if isinstance(event, Defect) or not isinstance(event, Message) or not concerns(service, event):
        return None
    identity = identity_of(service, event)
    if identity is None:
        return None
    caused = getattr(event.data, "event", None)
    names = (event.ref, caused) if isinstance(caused, EventRef) else (event.ref,)
    return _Sent(identity[0], names, told.sent_at, event)


def _about(data: Any) -> str:
    """What a message is about, in words that its senders know."""
    about = getattr(data, "payment", data)
    document = [each for each in (getattr(about, name, None) for name in ("company", "document")) if isinstance(each, str)]
    run = getattr(data, "run", None)
    words = document or ([run.source, run.id] if isinstance(run, EventRef) else [])
    return f" of {' '.join(words)}" if words else ""


async def _compare(schemas: Schemas, reader: str, told: Sequence[_Told], check: Check, doubts: Doubts) -> None:
    """Most are noted under their own id; the others are read, since payments go by their own events' ids."""
    async with schemas.of(reader) as connection:
        taken = await shell_queries.digests(connection, {each.key for each in told})
    service = next(service for service in SERVICES if service.name == reader)
    read = (_sent(service, each) for each in told if each.key not in taken)
    sent = [each for each in read if each is not None]
    for each in await _not_taken(schemas, reader, sent):
        await doubts.add(check, [each.said(reader)], _again(schemas, reader, each))


async def _not_taken(schemas: Schemas, reader: str, sent: Sequence[_Sent]) -> list[_Sent]:
    """What is neither taken nor refused: a refusal as a whole gives the id back."""
    async with schemas.of(reader) as connection:
        taken = await shell_queries.digests(connection, {each.key for each in sent})
        left = [each for each in sent if each.key not in taken]
        refused = await shell_queries.refused_since(connection, {name for each in left for name in each.names}, _EVER) if left else {}
    return [each for each in left if not any(name in refused for name in each.names)]


def _again(schemas: Schemas, reader: str, sent: _Sent) -> Again:
    async def again() -> list[str]:
        return [each.said(reader) for each in await _not_taken(schemas, reader, [sent])]

    return again
