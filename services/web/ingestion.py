"""Sending events on behalf of somebody: who may send what, what was taken before, and the broker's word that it has them.

Invariant: all events of a request or, with `partial`, those that are right; nothing counts as sent before the broker has
acknowledged all of it; an id that was taken by other data is said where that is known, and sent nowhere.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.event_state import known
from services.operations.publish import addressed
from services.web.access.roles import EVERYTHING, Actor, Role
from services.web.cloudevents import GivenEvent, given_events
from services.web.languages import text
from services.web.problems import Code, Fault, ProblemError
from shared.delivery.inbox import InboxKey, inbox_key
from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef, Message, Record, Topic, Unreadable
from shared.events.inbound import SettlementReversalRequested
from shared.events.producing import PartyBook
from shared.events.reference import WEB
from shared.events.senders import concerns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from starlette.datastructures import Headers

    from services.web.languages import Language
    from services.web.ports import WebPorts
    from shared.settings import Settings

    Send = Callable[[list[Record]], Awaitable[None]]

_APPROVAL: Final = "journal-approval.requested"
_SENDER_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,48}")
MOST_REMEMBERED: Final = 10_000
ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
REFUSED: Final = "refused"


class Acknowledged(NamedTuple):
    """When the broker took an event, and the digest of its data."""

    at: datetime
    digest: bytes


class Recent:
    """The events that the broker has taken from this process lately: the services may not have read them yet."""

    def __init__(self) -> None:
        self._kept: OrderedDict[InboxKey, Acknowledged] = OrderedDict()

    def note(self, message: Message, at: datetime) -> None:
        """Notes an event; the oldest are forgotten."""
        key = inbox_key(message.ref)
        self._kept[key] = Acknowledged(at, message.digest)
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_REMEMBERED:
            self._kept.popitem(last=False)

    def of(self, ref: EventRef) -> Acknowledged | None:
        """What is known of an event."""
        return self._kept.get(inbox_key(ref))


@dataclass(frozen=True, slots=True)
class SentOutcome:
    """What became of one event of a request: accepted, a duplicate, or all that is wrong with it; whether it is to be sent."""

    ref: EventRef | None
    state: str
    faults: tuple[Fault, ...] = ()
    is_sent: bool = False

    def as_row(self) -> dict[str, Any]:
        """The outcome as an object."""
        source, id_ = self.ref or (None, None)
        row: dict[str, Any] = {"source": source, "id": id_, "state": self.state}
        return {**row, "errors": [fault.as_row() for fault in self.faults]} if self.faults else row


class Ingestion:
    """What `POST /v1/events` does."""

    def __init__(self, ports: WebPorts) -> None:
        self.recent = Recent()
        self._ports = ports

    async def take(  # noqa: PLR0913 - a request and how it is taken
        self,
        actor: Actor,
        headers: Headers,
        body: bytes,
        traceparent: str | None,
        language: Language,
        *,
        partial: bool,
        send: Send | None = None,
    ) -> list[SentOutcome]:
        """Sends the events of a request; ProblemError where it is not carried out. `send`: how, where it is to be kept in the audit."""
        given = await self.read(actor, headers, body, traceparent)
        outcomes = await self.judged(given, language)
        wrong = [each for each in outcomes if each.faults]
        if wrong and (not partial or len(wrong) == len(given)):
            raise _problem_of(wrong, len(given))
        await self.deliver([event for event, outcome in zip(given, outcomes, strict=True) if outcome.is_sent], send)
        return outcomes

    async def deliver(self, events: Sequence[GivenEvent], send: Send | None = None) -> None:
        """Sends events, and remembers that it did; ProblemError where the broker does not acknowledge them."""
        if events:
            await (send or self._ports.sender.send)([event.record for event in events])
        now = self._ports.clock.now()
        for event in events:
            if isinstance(event.read, Message):
                self.recent.note(event.read, now)

    async def read(self, actor: Actor, headers: Headers, body: bytes, traceparent: str | None) -> list[GivenEvent]:
        """The events of a request, which this actor may send; ProblemError (403) if not."""
        parties = PartyBook(await self._ports.reference.current())
        given = given_events(headers, body, parties, addressing(actor, self._ports.settings), traceparent)
        for event in given:
            if isinstance(event.read, Message):
                may_send(actor, event.read)
        return given

    async def judged(self, given: Sequence[GivenEvent], language: Language) -> list[SentOutcome]:
        """Each event with what it is: new, a duplicate, or wrong."""
        taken = await known(self._ports.schemas, [each.read for each in given if isinstance(each.read, Message)])
        seen: dict[EventRef, bytes] = {}
        return [self._outcome(each, taken, seen, language) for each in given]

    def _outcome(self, given: GivenEvent, taken: dict[EventRef, bool], seen: dict[EventRef, bytes], language: Language) -> SentOutcome:
        read = given.read
        if isinstance(read, Unreadable):
            return SentOutcome(read.ref, REFUSED, tuple(given.faults()))
        is_repeated = read.ref in seen
        if taken.get(read.ref) is False or seen.setdefault(read.ref, read.digest) != read.digest:
            message = text(language, "conflict").format(id=read.ref.id, source=read.ref.source)
            return SentOutcome(read.ref, REFUSED, (given.fault("/id", Code.CONFLICTING_DUPLICATE, message),))
        last = self.recent.of(read.ref)
        is_known = is_repeated or read.ref in taken or (last is not None and last.digest == read.digest)
        # What was acknowledged lately may have been refused since, and may be sent again; what was taken is taken.
        return SentOutcome(read.ref, DUPLICATE if is_known else ACCEPTED, is_sent=not is_repeated and read.ref not in taken)


def ingestion_of(ports: WebPorts) -> Ingestion:
    """The one of this process, which remembers what was sent lately."""
    made: Ingestion = ports.cache.setdefault("ingestion", Ingestion(ports))
    return made


def _problem_of(wrong: Sequence[SentOutcome], number: int) -> ProblemError:
    """Of an event that came alone what is wrong with it first; of a batch how many are wrong. The first fault gives the code."""
    faults = [fault for each in wrong for fault in each.faults]
    first = faults[0]
    if number == 1:
        return ProblemError(first.code, faults=faults, detail=first.message)
    return ProblemError(first.code, "nothing-sent", faults=faults, wrong=len(wrong), number=number)


def may_send(actor: Actor, message: Message) -> None:
    """ProblemError (not-allowed, source-not-allowed, company-out-of-scope) if this actor may not send this event.

    Reference data is for masters, an approval for approvers; which companies an event speaks for is as with senders of their own
    topics (docs/events.md, "Senders"): what concerns the whole group needs all companies.
    """
    needed = {Topic.REFERENCE: Role.MASTER}.get(CONTRACT[message.type].topic)
    needed = Role.APPROVER if message.type == _APPROVAL else needed
    if needed is not None and needed not in actor.roles:
        name, roles = actor.name, actor.roles_in_words
        raise ProblemError(Code.NOT_ALLOWED, "role-for-type", type=message.type, role=needed, name=name, roles=roles)
    if message.ref.source == WEB:
        raise ProblemError(Code.SOURCE_NOT_ALLOWED, "source-of-ours", source=WEB)
    actor.sends_for(message.ref.source)
    if isinstance(message.data, SettlementReversalRequested) and message.data.settlement_source is not None:
        actor.sends_for(message.data.settlement_source)
    actor.acts_for(concern.company or EVERYTHING for concern in concerns(message.data))


def addressing(actor: Actor, settings: Settings) -> Callable[[Record], Record]:
    """Puts a record on the topic that is read: with SENDERS=enforced the actor's own, whose name is then that of a sender."""
    if not settings.enforces_senders:
        return lambda record: record

    def to_own_topic(record: Record) -> Record:
        if record.topic == Topic.REFERENCE:
            return record
        if _SENDER_NAME.fullmatch(actor.name) is None:
            raise ProblemError(Code.NOT_ALLOWED, "sender-unknown", name=actor.name)
        return addressed(record, actor.name, settings)

    return to_own_topic
