"""One batch folded in memory: duplicates dropped, the core called, refusals collected. Pure.

Invariant: messages are folded in the order of the batch; what a message frees is free for the next one; a pass
in which anything was not loaded, or the core failed, is worth nothing: its caller rolls the books back and folds again
with a new `Inbox`. The shell and the simulation use the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from shared.delivery.inbox import Inbox, InboxKey, Verdict, inbox_key
from shared.delivery.ports import Partition
from shared.delivery.refusals import conflicting, unreadable
from shared.events.attributes import type_said
from shared.events.bundles import UnreadableBundleError, is_bundle, unbundled
from shared.events.codec import decode, digest_as_written
from shared.events.contract import INBOUND_TOPICS, base_topic, short_type
from shared.events.emitting import REJECTED
from shared.events.envelope import Message, Outgoing, Record, Unreadable, replay_identity
from shared.missing import Missing, NotLoadedError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from shared.delivery.outbox import Said
    from shared.delivery.service import AnyService, WorkingSet


class UnreadableOwnEventError(Exception):
    """An event of one of our own services is not of this version's contract; the text says where."""


@dataclass(slots=True)
class Defect:
    """A record on which a part of this program failed: a defect of ours, not a refusal."""

    record: Record
    error: Exception


Incoming = Message | Unreadable | Defect


@dataclass(slots=True)
class RecordedRefusal:
    """An `event.rejected` that goes out, and the record it came from if it is the refused event's own."""

    outgoing: Outgoing
    record: Record | None


@dataclass(slots=True)
class Folded:
    """What a pass gave.

    `missing`: what was not loaded, and the first message that asked for it; `defect`: the message on which the core failed,
    and how; `taken`: messages folded; `said`: what is said, where that is encoded already.
    """

    outgoing: list[Outgoing] = field(default_factory=list)
    refusals: list[RecordedRefusal] = field(default_factory=list)
    missing: dict[Missing, int] = field(default_factory=dict)
    defect: tuple[int, Exception] | None = None
    duplicates: int = 0
    taken: int = 0
    said: Said | None = None


def decoded(service: AnyService, record: Record) -> Incoming:
    """What a record is to a service.

    An event of our own that it takes or reports and cannot read is a defect of ours, as is that decoding raises: the record is
    kept and read again by a version that can.
    """
    try:
        event = decode(record)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours, for this record alone
        return Defect(record, error)
    if not isinstance(event, Unreadable) or event.ref is None or base_topic(record.topic) in INBOUND_TOPICS:
        return event
    is_taken = service.takes(record.topic, event.type or "") or service.reports(record.topic, event.type)
    return Defect(record, UnreadableOwnEventError(f"{event.code} {event.field}: {event.message}")) if is_taken else event


def incoming_of(service: AnyService, record: Record) -> list[Incoming]:
    """The events of a record that the service has to read; of a bundle those of its types, what else is in it is not decoded."""
    if not is_bundle(record):
        return [decoded(service, record)] if may_concern(service, record) else []
    try:
        records = unbundled(record, lambda full: _is_read(service, record.topic, short_type(full)))
    except UnreadableBundleError as error:
        return [Defect(record, error)]
    return [decoded(service, each) for each in records]


def identity_of(service: AnyService, event: Message | Unreadable) -> tuple[InboxKey, bytes] | None:
    """The inbox key and digest of an event; None if it is not deduplicated here."""
    if isinstance(event, Message):
        identity = service.identity(event)
        return (inbox_key(identity[0]), identity[1]) if identity else None
    if event.ref is None:
        return None
    return inbox_key(replay_identity(event.ref, event.replay)), event.digest


def concerns(service: AnyService, event: Incoming) -> bool:
    """Whether the service does anything with an event: folds it, or rejects what cannot be read."""
    if isinstance(event, Message):
        return event.record is None or service.takes(event.record.topic, event.type)
    if isinstance(event, Unreadable):
        return service.reports(event.record.topic, event.type)
    return True


def may_concern(service: AnyService, record: Record) -> bool:
    """Whether a record has to be read: not one of our own of a type that the service neither takes nor reports.

    What others send is always read: in the structured binding a header may say anything, the event counts.
    """
    return _is_read(service, record.topic, None if base_topic(record.topic) in INBOUND_TOPICS else type_said(record))


def _is_read(service: AnyService, topic: str, name: str | None) -> bool:
    """Whether events of a type have to be read; None: it is not known."""
    return name is None or service.takes(topic, name) or service.reports(topic, name)


class Candidate(NamedTuple):
    """A message of a batch that concerns the service: its number there, and its inbox key and digest."""

    number: int
    event: Message | Unreadable
    identity: tuple[InboxKey, bytes] | None


def candidates(service: AnyService, batch: Sequence[Incoming]) -> list[Candidate]:
    """What of a batch is to be folded or refused."""
    return [
        Candidate(number, event, identity_of(service, event))
        for number, event in enumerate(batch)
        if not isinstance(event, Defect) and concerns(service, event)
    ]


def ids_of(coming: Iterable[Candidate]) -> set[InboxKey]:
    """The ids to be looked up."""
    return {identity[0] for _, _, identity in coming if identity}


def to_be_folded(coming: Iterable[Candidate], known: Container[InboxKey]) -> list[Message]:
    """The messages that the core may see, for the store to load by."""
    return [event for _, event, identity in coming if isinstance(event, Message) and (identity is None or identity[0] not in known)]


def fold_batch(service: AnyService, books: WorkingSet, inbox: Inbox, batch: Sequence[Incoming]) -> Folded:
    """One pass over a batch."""
    return fold_candidates(service, books, inbox, candidates(service, batch))


def fold_candidates(service: AnyService, books: WorkingSet, inbox: Inbox, batch: Iterable[Candidate], skip: Container[int] = ()) -> Folded:
    """One pass; the messages numbered in `skip` are left out. Stops at the core's first failure."""
    folded = Folded()
    for candidate in batch:
        if candidate.number in skip:
            continue
        try:
            _fold_one(service, books, inbox, candidate, folded)
        except NotLoadedError as error:
            folded.missing.setdefault(error.missing, candidate.number)
        except MemoryError:  # of the batch's weight, not of this message
            raise
        except Exception as error:  # noqa: BLE001 - any failure of a core is a defect of this message alone
            if not folded.missing:  # after something was missing the books are half-changed: such an error says nothing
                folded.defect = (candidate.number, error)
                return folded
    return folded


def fold_alone(books: WorkingSet, inbox: Inbox, act: Callable[[], list[Outgoing]]) -> Folded:
    """One pass of something that no message causes: an operator's discard, the end of WAIT_AT_MOST."""
    folded = Folded()
    try:
        _collect(folded, act(), None)
    except NotLoadedError as error:
        folded.missing[error.missing] = 0
    free(books, inbox)
    return folded


def _fold_one(service: AnyService, books: WorkingSet, inbox: Inbox, candidate: Candidate, folded: Folded) -> None:
    _, event, identity = candidate
    verdict = _verdict(inbox, candidate)
    if verdict is Verdict.DUPLICATE:
        folded.duplicates += 1
    elif verdict is Verdict.CONFLICT:
        if _is_refused_here(service, event):
            _collect(folded, [conflicting(service, event)], event)
    elif isinstance(event, Unreadable):
        answer = service.hand_on_unreadable(event) if service.hand_on_unreadable else None
        _collect(folded, [answer or unreadable(service, event)], event)
    else:
        if identity:
            inbox.take(*identity)
        outgoing = service.fold(books, event)
        if outgoing:
            _collect(folded, outgoing, event)
        if books.freed_ids:
            free(books, inbox)
        folded.taken += 1


def _is_refused_here(service: AnyService, event: Message | Unreadable) -> bool:
    """Whether a taken id is this service's to refuse: reference data is read by several, and refused once."""
    return event.record is None or service.reports(event.record.topic, event.type)


def _verdict(inbox: Inbox, candidate: Candidate) -> Verdict:
    """What an event is by its id; one that 0.1 took under the digest of what was written is a duplicate too."""
    _, event, identity = candidate
    if identity is None:
        return Verdict.NEW
    verdict = inbox.judge(*identity)
    if verdict is Verdict.CONFLICT and isinstance(event, Message) and inbox.digest(identity[0]) == digest_as_written(event):
        return Verdict.DUPLICATE
    return verdict


def free(books: WorkingSet, inbox: Inbox) -> None:
    """Gives back the ids of what the core has refused whole."""
    for ref in books.freed_ids:
        inbox.free(ref)
    books.freed_ids.clear()


def _collect(folded: Folded, outgoing: list[Outgoing], event: Message | Unreadable | None) -> None:
    traceparent = event.traceparent if event else None
    for each in outgoing:
        if each.traceparent is None:
            each.traceparent = traceparent
        if each.type == REJECTED:
            folded.refusals.append(RecordedRefusal(each, _own_record(each, event)))
    folded.outgoing.extend(outgoing)


def _own_record(refusal: Outgoing, event: Message | Unreadable | None) -> Record | None:
    """The record at hand, if it is the refused event's own (a message can release, and refuse, what another one asked for)."""
    if event is None or (event.ref is not None and event.ref != (refusal.data.source, refusal.data.event)):
        return None
    return event.record


def positions_after(records: Iterable[Record]) -> dict[Partition, int]:
    """The offset after the last record of each partition; a record of several events is read once they all are."""
    positions: dict[tuple[str, int], int] = {}
    for record in records:
        place = (record.topic, record.partition)
        if record.offset >= positions.get(place, 0):
            positions[place] = record.offset + (not record.is_followed)
    return {Partition(*place): offset for place, offset in positions.items()}


def record_of(event: Incoming) -> Record:
    """The record that an event came in; ValueError if it came in none."""
    if event.record is None:
        msg = f"{event} has no record"
        raise ValueError(msg)
    return event.record
