"""What events would do now: the three cores on what the services have in their tables, and nothing is saved.

Each message is loaded and folded as the shell does it (shared.delivery.loading), and what it changes is laid over what is loaded for
the next one; messages follow each other among the services as in `services.scenarios.simulation`.

Invariant: everything is read in one transaction that can write nothing, so it is of one moment; what comes out is what the services
would post if the events arrived now and nothing else did, but for the numbers of vouchers, which only posting gives.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.desk.rows import BooksOfAll, Result, arrival_order, collect, money, rejected_rows, told_of_row
from services.desk.why.rows import unnumbered, with_reasons
from services.operations.what_decided import load_what_decided
from services.posting.rules.numbers import VoucherKey
from services.registry import SERVICES
from services.scenarios.simulation import CoreFailedError
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey
from shared.delivery import shell_queries
from shared.delivery.folding import Candidate, Folded, candidates, decoded, fold_alone, fold_candidates, may_concern
from shared.delivery.inbox import Inbox, InboxKey
from shared.delivery.loading import fold_loaded
from shared.events.attributes import words_said
from shared.events.codec import encode
from shared.events.envelope import EventRef, Message, Outgoing, Record, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence
    from datetime import datetime

    from services.desk.schemas import OneMoment, Schemas
    from services.settlement.rules.values import Document
    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService, Store
    from shared.events.vouchers import Rejection
    from shared.working_set import Released

Row = dict[str, Any]

MOST_SLICES: Final = 20
"""So many times of what was released a slice is resumed for one message: what waits in thousands is not simulated to its end."""
_ROW_LOCK: Final = " for update"


@dataclass(frozen=True, slots=True)
class SimulatedResult:
    """What would come out. `is_whole`: whether all that would resume was simulated.

    `refusals`: what would be refused, each with `told_of`: of whose books its message tells.
    """

    result: Result
    is_whole: bool
    refusals: list[Row]

    def as_row(self) -> Row:
        """The result as an object."""
        parts = ("vouchers", "settlements", "journals", "open", "rejected", "waiting")
        return {**{part: getattr(self.result, part) for part in parts}, "complete": self.is_whole}


async def simulate_events(schemas: Schemas, records: Sequence[Record], now: datetime, language: str = "en") -> SimulatedResult:
    """What these records would do, one after the other, arriving `now`, and why, in a language.

    CoreFailedError if a core fails, which is a defect of ours.
    """
    async with schemas.snapshot() as snapshot:
        run = _Simulated(snapshot, now)
        for record in records:
            await run.send(record)
        return await run.result(records, language)


class _ReadOnly:
    """The connection of a snapshot as a store uses it: a row is not locked by one who will not write it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        return await self._connection.fetch(query.removesuffix(_ROW_LOCK), *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@dataclass(slots=True)
class _Overlay:
    """What the simulation has changed in a service's books so far: rows by table and key, ids taken, the reference data."""

    rows: dict[str, dict[Any, Any]] = field(default_factory=dict)
    ids: dict[InboxKey, bytes | None] = field(default_factory=dict)
    reference_events: list[Message] = field(default_factory=list)
    sequence: int = 0

    def lay_over(self, books: Any) -> None:
        """Has the books hold the changes, as if earlier messages of the same batch had made them."""
        for message in self.reference_events:
            books.take_reference(message)
        for table in books.tables:
            for key, row in self.rows.get(table.name, {}).items():
                table.put(key, row)
        books.sequence = max(books.sequence, self.sequence)

    def take_up(self, books: Any, inbox: Inbox) -> None:
        """Keeps what a pass has changed."""
        self.rows = {table.name: dict(table.changed) for table in books.tables}
        self.reference_events = list(books.reference_events)
        self.sequence = books.sequence
        self.ids = dict(inbox.changes)

    @property
    def released(self) -> list[Released]:
        """What may resume and has not yet."""
        return sorted(row for row in self.rows.get("released", {}).values() if row is not None)


class _SimulatedService:
    """One service: its store on the snapshot, its core, and what has changed."""

    def __init__(self, service: AnyService, snapshot: OneMoment) -> None:
        self.service = service
        self.overlay = _Overlay()
        self.reference: Any = None
        self.is_whole = True
        self._snapshot = snapshot
        self._store: Store[Any] = service.store()
        self._store.only_look()

    async def take(self, record: Record, now: datetime) -> list[Outgoing]:
        """What a record makes the service say, and what of that resumes."""
        if not may_concern(self.service, record):
            return []
        event = decoded(self.service, record)
        if isinstance(event, Message):
            event.arrived = now
        coming = candidates(self.service, [event])
        if not coming:
            return []
        connection = await self._connection()
        keys = [each.identity[0] for each in coming if each.identity]
        known = await shell_queries.digests(connection, keys)
        messages = [each.event for each in coming if isinstance(each.event, Message)]
        books = await self._store.load(connection, messages)
        said = await self._fold(connection, books, Inbox(known), partial(self._one, coming), record)
        return said + await self._resume(connection, record)

    async def _connection(self) -> Connection:
        connection: Any = _ReadOnly(await self._snapshot.of(self.service.name))
        return connection  # type: ignore[no-any-return]

    def _one(self, coming: Sequence[Candidate], books: Any, inbox: Inbox, skip: Container[int]) -> Folded:
        return fold_candidates(self.service, books, inbox, coming, skip)

    async def _fold(
        self, connection: Connection, books: Any, inbox: Inbox, act: Callable[[Any, Inbox, Container[int]], Folded], record: Record
    ) -> list[Outgoing]:
        books.released.loaded_whole(None, [])

        def one_pass(skip: Container[int]) -> Folded:
            self.overlay.lay_over(books)
            inbox.changes = dict(self.overlay.ids)
            return act(books, inbox, skip)

        folded, defects = await fold_loaded(self.service.name, connection, self._store, books, one_pass)
        for error in defects.values():
            msg = f"{self.service.name} failed on {words_said(record)}: {error!r}"
            raise CoreFailedError(msg) from error
        self.overlay.take_up(books, inbox)
        self.reference = books.reference
        return folded.outgoing

    async def _resume(self, connection: Connection, record: Record) -> list[Outgoing]:
        """What is more than one message resumes at once, slice after slice."""
        said: list[Outgoing] = []
        resume = self.service.resume_released
        slices = 0
        while resume is not None and (released := self.overlay.released):
            slices += 1
            if slices > MOST_SLICES:
                self.is_whole = False
                break
            books = await self._store.load_released(connection, released[0])
            said += await self._fold(connection, books, Inbox(), partial(_resumed, resume, released[0]), record)
        return said

    def books(self) -> Any:
        """What has changed, as complete books."""
        books = self.service.new_books()
        if self.reference is not None:
            books.reference = self.reference
        for table in books.tables:
            for key, row in self.overlay.rows.get(table.name, {}).items():
                if row is not None:
                    table.put(key, row)
        books.commit()
        return books


def _resumed(resume: Callable[[Any, Released], list[Outgoing]], released: Released, books: Any, inbox: Inbox, _: Container[int]) -> Folded:
    return fold_alone(books, inbox, lambda: resume(books, released))


class _Simulated:
    """The three services on one snapshot."""

    def __init__(self, snapshot: OneMoment, now: datetime) -> None:
        self._snapshot = snapshot
        self._now = now
        self._parts = [_SimulatedService(service, snapshot) for service in SERVICES]
        self._queue: deque[Record] = deque()
        self._rejections: dict[EventRef, Rejection] = {}

    async def send(self, record: Record) -> None:
        """Takes in a record and all that follows from it."""
        self._queue.append(replace(record))
        while self._queue:
            each = self._queue.popleft()
            for part in self._parts if each.topic != Topic.VOUCHERS else ():
                self._send_on(await part.take(each, self._now))

    def _send_on(self, outgoing: Iterable[Outgoing]) -> None:
        for each in outgoing:
            if each.topic == Topic.REJECTIONS:
                self._rejections.setdefault(each.ref, each.data)
            else:
                key, value, headers = encode(each)
                self._queue.append(Record(each.topic, key, value, tuple(headers)))

    async def result(self, records: Sequence[Record], language: str) -> SimulatedResult:
        """What has come out; `records`: the events, in whose order what was refused or waits is listed."""
        books = BooksOfAll(*(part.books() for part in self._parts))
        touched = [document.key for document in books.settlement.documents]
        named = [DocumentKey("receivable", *journal.key) for journal in books.payment.journals]
        connection = await self._snapshot.of("settlement")
        before = await settlement_queries.documents_by_key(connection, {*touched, *named})
        for key in set(named) - set(touched):
            if key in before:
                books.settlement.documents.loaded(key, before[key])
        found = collect("", books, self._rejections.values(), _refs(records))
        opened = [_open_row(books.settlement.documents.get(key), before.get(key)) for key in sorted(touched)]
        posted = frozenset(VoucherKey(each.company, each.series, each.number) for each in books.posting.vouchers)
        await load_what_decided(self._snapshot, books)
        vouchers = [_unnumbered(row) for row in with_reasons(books, found.vouchers, language, posted)]
        rejected = rejected_rows(self._rejections.values(), arrival_order(_refs(records)), told_of_row)
        result = replace(found, vouchers=vouchers, open=opened)
        return SimulatedResult(result, all(part.is_whole for part in self._parts), rejected)


def _refs(records: Iterable[Record]) -> list[EventRef]:
    headers = [dict(record.headers) for record in records]
    return [EventRef(each.get("ce_source", b"").decode().strip(), each.get("ce_id", b"").decode().strip()) for each in headers]


def _unnumbered(row: Row) -> Row:
    """A voucher without its number and the digest that covers it, which it gets when it is posted."""
    return {**{name: value for name, value in row.items() if name != "digest"}, "voucher": unnumbered(row["series"]), "number": None}


def _open_row(after: Document | None, before: Document | None) -> Row:
    """What is open of a document before and after; null: it is not there."""
    there = after or before
    if there is None:
        msg = "a document that is neither there before nor after"
        raise LookupError(msg)
    return {
        "company": there.company,
        "document": there.document,
        "ledger": there.ledger,
        "currency": there.currency,
        "before": None if before is None else money(before.balance, there.currency),
        "after": None if after is None else money(after.balance, there.currency),
    }
