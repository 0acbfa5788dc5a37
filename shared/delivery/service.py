"""What a service is to the shell: its name, its core, its store and what it subscribes to.

Invariant: the shell, the simulation and the tests use the same `Service`; it holds no state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, Protocol, TypeVar

from shared.events.contract import INBOUND_TOPICS, base_topic, sender_of
from shared.events.envelope import EventRef, Message, Outgoing, Topic, Unreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.delivery.ports import Connection
    from shared.delivery.together import Statement
    from shared.delivery.writes import Writes
    from shared.events.vouchers import EventWaiting
    from shared.missing import Missing
    from shared.reference import Reference
    from shared.working_set import Released
    from shared.working_table import Table

_NO_TYPES: Final = frozenset[str]()

Identity = tuple[EventRef, bytes]
"""The event by which a message is told from others, and the digest of its data."""


class WorkingSet(Protocol):
    """The part of a core's `Books` that the shell knows.

    `freed_ids`: events whose ids the core gave back (refused with scope `event`, or as a request); the shell takes them
    out of the inbox in the same transaction and empties the set. `released`: what may resume and has not yet.
    """

    freed_ids: set[EventRef]
    tables: list[Table[Any, Any]]
    prepared: dict[EventRef, Any]
    prepared_by: Reference | None
    released: Table[tuple[str, ...], Released]

    def rollback(self) -> None:
        """Forgets all changes since the load."""

    def commit(self) -> None:
        """Takes the changes as the new state."""


B = TypeVar("B", bound=WorkingSet)


class Store(Protocol[B]):
    """All SQL of a service. One instance per process and epoch: what it caches dies with the instance (reset.py).

    The connection's search_path is the service's schema, and a transaction with the service's lock is open.
    """

    opening: str
    """Columns of a select: what every batch of the service reads, whatever is in it. The shell reads them with what it opens a batch by."""

    def only_look(self) -> None:
        """Says that nothing will be saved, and perhaps must not be: the transactions may be for reading only."""

    async def load(self, connection: Connection, messages: Sequence[Message], opened: Mapping[str, Any] | None = None) -> B:
        """What these messages name, in a constant number of queries; `opened`: what `opening` gave, where that was read already."""

    async def load_missing(self, connection: Connection, books: B, missing: Iterable[Missing]) -> None:
        """What a core asked for and was not loaded; afterwards the books know it, also if there is nothing."""

    def written(self, books: B) -> Writes:
        """What `save` writes of the books' tables, as far as it can be found out before."""

    async def save(self, connection: Connection, books: B, later: list[Statement] | None = None, writes: Writes | None = None) -> None:
        """The changed rows. What need not be written at once goes to `later`, where there is one: the shell writes it at the end.

        `writes`: what `written` gave, where that was found out before.
        """

    async def load_all(self, connection: Connection) -> B:
        """Everything."""

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> B:
        """All that an operator's discard of these events (else None), or the end of WAIT_AT_MOST (else None), may touch."""

    async def load_released(self, connection: Connection, released: Released) -> B:
        """The next of what was released (`due`), as much as one transaction takes, with what it names; `more_due`: there is more."""


class Announces(NamedTuple):
    """What a service says of what waits in it, by its own tables."""

    unannounced: Callable[[Connection, datetime], Awaitable[list[EventWaiting]]]
    """The next of what has waited since before a time and was not announced, each event once; it is marked as announced."""
    still_waiting: Callable[[Connection, Sequence[EventRef]], Awaitable[set[EventRef]]]
    """Those of these events of which something waits."""


class ReplayClaim(Protocol):
    """The data of a message that says to be the `replay`th of an event that was refused."""

    event: EventRef
    replay: int


@dataclass(frozen=True)
class Service(Generic[B]):
    """The wiring of one service.

    - `store`: makes the store.
    - `fold`: the core, `(books, message) -> outgoing`; may raise NotLoadedError.
    - `new_books`: complete empty books, for the simulation.
    - `subscriptions`: topic -> the message types taken from it, None: all.
    - `replayed`: the data of a message that says to be a replay; None: of no message. The shell sets its number to 0 if
      no operator has noted it.
    - `sender_topics`: the inbound topics of which it reads the senders' own (SENDERS=enforced); of reference data its core
      hands on what a sender may send.
    - `publishes`: the topics that it sends to, whatever the setting SENDERS.
    - `identity`: by what a message is deduplicated; None: not at all.
    - `rejects_unreadable(topic, type)`: whether this service rejects what cannot be read there (`type` None: not even the type).
    - `hand_on_unreadable`: what is sent in place of a rejection; None: reject it.
    - `expire(books, older_than)`: gives up what has waited since before `older_than` (WAIT_AT_MOST).
    - `resume_released(books, released)`: resumes the next of what was released.
    - `folds_ahead`: whether all that the core reads and writes is in the books' tables, so that batches may be folded before their turn.
    - `prepare`: what of a fold needs no table, done before the turn where batches are not folded then; the fold finds it in `prepared`.
    - `announces`: what waits, for senders to be told of; None: nothing waits.
    - `discard(books, events)`: gives up what these events wait for (`waiting discard`).
    """

    name: str
    store: Callable[[], Store[B]]
    fold: Callable[[B, Message], list[Outgoing]]
    new_books: Callable[[], B]
    subscriptions: Mapping[str, frozenset[str] | None]
    identity: Callable[[Message], Identity | None]
    rejects_unreadable: Callable[[str, str | None], bool]
    publishes: frozenset[str] = frozenset()
    sender_topics: frozenset[str] = frozenset()
    replayed: Callable[[Message], ReplayClaim | None] | None = None
    hand_on_unreadable: Callable[[Unreadable], Outgoing | None] | None = None
    expire: Callable[[B, datetime], list[Outgoing]] | None = None
    discard: Callable[[B, Sequence[EventRef]], list[Outgoing]] | None = None
    resume_released: Callable[[B, Released], list[Outgoing]] | None = None
    folds_ahead: bool = False
    prepare: Callable[[B, Message], None] | None = None
    announces: Announces | None = None

    @property
    def looks_ahead(self) -> bool:
        """Whether something of a batch is done before its turn."""
        return self.folds_ahead or self.prepare is not None

    @property
    def source(self) -> str:
        """The CloudEvents source of what this service sends."""
        return f"intercompany/{self.name}"

    def topics_read(self, *, enforces_senders: bool) -> frozenset[str]:
        """The topics of the contract that it reads as they are; with `enforces_senders` it reads the senders' own instead."""
        shared = INBOUND_TOPICS - {Topic.REFERENCE} if enforces_senders else frozenset[str]()
        return frozenset(self.subscriptions) - shared

    def takes(self, topic: str, message_type: str) -> bool:
        """Whether this service folds messages of this type from this topic."""
        types = self.subscriptions.get(topic, _NO_TYPES)
        if types is None or message_type in types:
            return True
        base = base_topic(topic)
        types = self.subscriptions.get(base, _NO_TYPES) if base != topic else _NO_TYPES
        return (types is None or message_type in types) and self.reads(topic)

    def reports(self, topic: str, message_type: str | None) -> bool:
        """Whether this service rejects what cannot be read there; `message_type` None: not even the type."""
        return self.reads(topic) and self.rejects_unreadable(base_topic(topic), message_type)

    def reads(self, topic: str) -> bool:
        """Whether it reads this topic, if it is a sender's own; the wiring says it of the others."""
        return sender_of(topic) is None or base_topic(topic) in self.sender_topics


AnyService = Service[Any]
