"""All SQL of the payment service.

Invariant: the number of queries of a batch does not depend on its size; rows are written in the order of their
keys. The reference data is kept in memory from batch to batch, and only what was committed is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import orjson

from services.payment.prefetch import NeededJournals, needed_by
from services.payment.rules.books import APPROVALS as OF_APPROVALS
from services.payment.rules.books import OF_JOURNAL, Books, approved_payment, paid_by, relation_of
from services.payment.rules.values import JournalKey, SalesPayment, WaitingApproval, WaitingJournal, WaitingKey
from services.payment.stored_pages import APPROVALS_OF_JOURNAL, APPROVALS_OF_PAYMENT, APPROVALS_WOKEN, WAITING_WOKEN
from shared.delivery.ports import Connection
from shared.delivery.reference_table import ReferenceTable
from shared.events.codec import as_json, read_stored
from shared.events.envelope import EventRef, Message
from shared.events.journals import SalesPaymentJournal
from shared.events.vouchers import EventWaiting
from shared.waiting import Need, WakeKey, first_of_each, rank
from shared.working_set import MOST_WOKEN_BYTES, SLICE, Missing, Released

R = TypeVar("R")

POSITIONS: Final = """
select coalesce((select max(position) from reference), 0) as position,
greatest(coalesce((select max(sequence) from waiting), 0), coalesce((select max(sequence) from approvals), 0)) as sequence"""
NUMBERS: Final = "select payment, number from numbers where payment = any($1)"
JOURNALS: Final = """
select j.company, j.document, j.status, j.first_source, j.first_id, j.data from journals j
join unnest($1::text[], $2::text[]) as wanted (company, document) using (company, document)"""
WAITING: Final = "select data from waiting where (run_source, run_id) in (select * from unnest($1::text[], $2::text[]))"
_APPROVALS_BY: Final = {"wakes": APPROVALS_WOKEN, "payment": APPROVALS_OF_PAYMENT, OF_JOURNAL: APPROVALS_OF_JOURNAL}
ALL_WAITING: Final = "select data from waiting order by sequence"
ALL_APPROVALS: Final = "select data from approvals order by sequence"
_SINCE: Final = """
select data from (select data, sum(octet_length(data::text)) over (order by since, sequence) - octet_length(data::text) as before
from (select data, since, sequence from {} where since < $1 order by since limit $2) oldest) summed where before < $3"""
WAITING_SINCE: Final = _SINCE.format("waiting")
APPROVALS_SINCE: Final = _SINCE.format("approvals")
WAITING_BECAUSE_OF: Final = """
select data from waiting where (run_source, run_id) in (select * from unnest($1::text[], $2::text[]))"""
APPROVALS_NAMED: Final = "select data from approvals where (source, event) in (select * from unnest($1::text[], $2::text[]))"

SAVE_JOURNALS: Final = """
insert into journals (company, document, status, first_source, first_id, data)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::json[])
on conflict (company, document) do update set status = excluded.status, data = excluded.data"""
SAVE_NUMBERS: Final = """
insert into numbers (payment, number) select * from unnest($1::text[], $2::integer[])
on conflict (payment) do update set number = excluded.number"""
SAVE_WAITING: Final = """
insert into waiting (company, payment, number, sequence, run_source, run_id, since, wakes, relation, data)
select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::text[],
$10::json[]) on conflict (company, payment, number) do update set wakes = excluded.wakes, data = excluded.data"""
SAVE_APPROVALS: Final = """
insert into approvals (source, id, event, sequence, since, company, payment, wakes, data)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::json[])
on conflict (source, id) do update set wakes = excluded.wakes, data = excluded.data"""
DELETE_JOURNALS: Final = "delete from journals where (company, document) in (select * from unnest($1::text[], $2::text[]))"
_ENDED: Final = """
with gone as ({} returning {} as source, {} as event)
update announced a set ended = true from gone where a.source = gone.source and a.event = gone.event"""
"""What stops waiting, and with it that its sender is to be told so, if it was told that it waits."""
DELETE_WAITING: Final = _ENDED.format(
    "delete from waiting where (company, payment, number) in (select * from unnest($1::text[], $2::text[], $3::integer[]))",
    *("run_source", "run_id"),
)
DELETE_APPROVALS: Final = _ENDED.format(
    "delete from approvals where (source, id) in (select * from unnest($1::text[], $2::text[]))", "source", "event"
)
_UNANNOUNCED: Final = """
with chosen as (
    select ctid from (select ctid, sum(size) over (order by since, sequence) - size as before
    from (select ctid, since, sequence, octet_length(data::text) as size from {0} where not announced and since < $1
    order by since limit $2) oldest) summed where before < $3
) update {0} w set announced = true from chosen where w.ctid = chosen.ctid returning data"""
_STILL_WAITING: Final = """
select k.source, k.id from unnest($1::text[], $2::text[]) as k (source, id)
where exists (select from waiting w where w.run_id = k.id and w.run_source = k.source)
or exists (select from approvals a where a.event = k.id and a.source = k.source)"""


class Store:
    """The tables of one schema; the connection's search_path names it."""

    def __init__(self) -> None:
        self._reference = ReferenceTable()

    # Loading

    async def load(self, connection: Connection, messages: Sequence[Message]) -> Books:
        """What these messages name: at most six queries, whatever their number; one for inbound payments alone."""
        books = await self._empty_books(connection)
        await _load(connection, books, needed_by(messages, books.reference))
        return books

    async def load_missing(self, connection: Connection, books: Books, missing: Iterable[Missing]) -> None:
        """What a fold asked for and `load` did not foresee."""
        needed = NeededJournals()
        for each in missing:
            needed.add(each.table, each.by, each.key)
        await _load(connection, books, needed)

    async def load_all(self, connection: Connection) -> Books:
        """Everything."""
        books = await self._empty_books(connection, complete=True)
        for row in await connection.fetch("select * from journals order by company, document"):
            journal = _journal(row)
            books.journals.put(journal.key, journal)
        for row in await connection.fetch("select payment, number from numbers"):
            books.numbers.put(row["payment"], row["number"])
        for waiting in await _waiting(connection, ALL_WAITING):
            books.waiting.put(waiting.draft.key, waiting)
        for approval in await _approvals(connection, ALL_APPROVALS):
            books.approvals.put(approval.identity, approval)
        books.commit()
        return books

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> Books:
        """The journals and approvals that wait because of these events (None: of any), since before `older_than`."""
        books = await self._empty_books(connection)
        arguments: tuple[Any, ...] = (older_than, SLICE, books.room)
        queries = (WAITING_SINCE, APPROVALS_SINCE)
        if events is not None:
            arguments = ([event.source for event in events], [event.id for event in events])
            queries = (WAITING_BECAUSE_OF, APPROVALS_NAMED)
        for waiting in await _waiting(connection, queries[0], *arguments):
            books.waiting.loaded(waiting.draft.key, waiting)
        for approval in await _approvals(connection, queries[1], *arguments):
            books.approvals.loaded(approval.identity, approval)
        return books

    async def load_released(self, connection: Connection, released: Released) -> Books:
        """The next journals of what was released, and the approvals that resume with them; or the next approvals, and their journals."""
        books = await self._empty_books(connection)
        needed = NeededJournals()
        key = released.wake_key
        if key[:1] == OF_APPROVALS or key[0] == OF_JOURNAL:
            query = APPROVALS_OF_JOURNAL if key[0] == OF_JOURNAL else APPROVALS_WOKEN
            approvals, more = await _woken(connection, books, query, [key[1:]], _reading_approvals(books), released.after)
            books.due += [approval.identity for approval in approvals[key[1:]]]
            needed.journals |= {JournalKey(each.company, each.document) for each in approvals[key[1:]]}
        else:
            journals, more = await _woken(connection, books, WAITING_WOKEN, [key], _reading_journals(books, needed), released.after)
            books.due += [waiting.draft.key for waiting in journals[key]]
        books.more_due = bool(more)
        await _load(connection, books, needed)
        return books

    async def _empty_books(self, connection: Connection, *, complete: bool = False) -> Books:
        row = await connection.fetchrow(POSITIONS)
        return Books(await self._reference.current(connection, row["position"]), complete=complete, sequence=row["sequence"])

    # Saving

    async def save(self, connection: Connection, books: Books) -> None:
        """The changed rows, in the order of their keys."""
        changed = [(key, row) for key, row in sorted(books.journals.changed.items())]
        await _execute(connection, SAVE_JOURNALS, [_journal_row(row) for _, row in changed if row is not None])
        await _execute(connection, DELETE_JOURNALS, [key for key, row in changed if row is None])
        await _execute(connection, SAVE_NUMBERS, sorted((key, number) for key, number in books.numbers.changed.items()))
        waiting = sorted(books.waiting.changed.items())
        await _execute(connection, SAVE_WAITING, [_waiting_row(row) for _, row in waiting if row is not None])
        await _execute(connection, DELETE_WAITING, [key for key, row in waiting if row is None])
        approvals = sorted(books.approvals.changed.items())
        await _execute(connection, DELETE_APPROVALS, [key for key, row in approvals if row is None])
        await _execute(connection, SAVE_APPROVALS, [_approval_row(row) for _, row in approvals if row is not None])
        await self._reference.save(connection, books.reference_events)


# What senders are told


async def unannounced(connection: Connection, older_than: datetime) -> list[EventWaiting]:
    """The next of what has waited since before a time and was not said to, as much as one transaction takes; from now on it was."""
    first = (older_than, SLICE, MOST_WOKEN_BYTES)
    journals = await _waiting(connection, _UNANNOUNCED.format("waiting"), *first)
    approvals = await _approvals(connection, _UNANNOUNCED.format("approvals"), *first)
    waits: list[tuple[int, Need, EventRef, datetime]] = [(0, each.need, each.draft.run, each.waits_since) for each in journals]
    waits += [(1, each.need, each.event, each.waits_since) for each in approvals]
    return first_of_each((rank(wait[1].reason, of_document=not wait[0]), _announced(*wait)) for wait in waits)


def _announced(kind: int, need: Need, event: EventRef, since: datetime) -> EventWaiting:
    return EventWaiting(event.id, event.source, ("sales payment", "approval")[kind], need.reason, need.key, since)


async def still_waiting(connection: Connection, events: Sequence[EventRef]) -> set[EventRef]:
    """Those of these events of which something waits."""
    names = ([event.source for event in events], [event.id for event in events])
    return {EventRef(*row) for row in await connection.fetch(_STILL_WAITING, *names)} if events else set()


async def _execute(connection: Connection, query: str, rows: Sequence[Sequence[Any]]) -> None:
    """Rows as the arrays that unnest takes; nothing where there are none."""
    if rows:
        await connection.execute(query, *(list(column) for column in zip(*rows, strict=True)))


# Reading


async def _load(connection: Connection, books: Books, needed: NeededJournals) -> None:
    if needed.numbers:
        await _load_numbers(connection, books, sorted(needed.numbers))
    if needed.journals:
        await _load_journals(connection, books, sorted(needed.journals))
    if needed.runs or needed.wakes:
        await _load_waiting(connection, books, needed)
    if needed.wakes:
        rows = await _load_approvals(connection, books, "wakes", needed.wakes)
        keys = {JournalKey(each.company, each.document) for each in rows}
        if missing := keys - needed.journals:
            await _load_journals(connection, books, sorted(missing))
            needed.journals |= missing
    if needed.approved:
        await _load_approvals(connection, books, OF_JOURNAL, needed.approved)
    if needed.journals:
        needed.payments.update(_payments_of(books, needed.journals))
    if needed.payments:
        await _load_approvals(connection, books, "payment", needed.payments)


async def _load_numbers(connection: Connection, books: Books, payments: list[str]) -> None:
    for payment in payments:
        books.numbers.loaded(payment, None)
    for row in await connection.fetch(NUMBERS, payments):
        books.numbers.loaded(row["payment"], row["number"])


async def _load_journals(connection: Connection, books: Books, keys: list[JournalKey]) -> None:
    for key in keys:
        books.journals.loaded(key, None)
    for row in await connection.fetch(JOURNALS, [key.company for key in keys], [key.document for key in keys]):
        journal = _journal(row)
        books.journals.loaded(journal.key, journal)


async def _load_waiting(connection: Connection, books: Books, needed: NeededJournals) -> None:
    """The waiting journals, and the approvals that may resume with them."""
    runs = sorted(needed.runs)
    places: dict[EventRef, list[WaitingKey]] = {run: [] for run in runs}
    for waiting in await _waiting(connection, WAITING, [run.source for run in runs], [run.id for run in runs]) if runs else ():
        _loaded(books, waiting, needed)
        places[waiting.draft.run].append(waiting.draft.key)
    for run, keys in places.items():
        books.waiting.loaded_index("run", run, keys)
    if needed.wakes:
        found, more = await _woken(connection, books, WAITING_WOKEN, needed.wakes, _reading_journals(books, needed))
        for key, rows in found.items():
            books.waiting.loaded_index("wakes", key, [row.draft.key for row in rows], _bound(rows) if key in more else None)


def _loaded(books: Books, waiting: WaitingJournal, needed: NeededJournals) -> WaitingJournal:
    draft = waiting.draft
    books.waiting.loaded(draft.key, waiting)
    needed.payments.add((draft.seller, paid_by(draft.payer.company, draft.payer.document)))
    return waiting


def _bound(rows: Sequence[WaitingJournal | WaitingApproval]) -> int:
    """The sequence up to which what waits for something is loaded."""
    return rows[-1].sequence if rows else 0


async def _woken(  # noqa: PLR0913 - what is sought, from where on, and how it is read
    connection: Connection, books: Books, query: str, keys: Iterable[WakeKey], read: Callable[[str], R], after: int = 0
) -> tuple[dict[WakeKey, list[R]], set[WakeKey]]:
    """Of what waits for these keys as much as there is room for, the oldest first; and the keys for which there is more."""
    places = {_as_text(key): key for key in keys}
    found: dict[WakeKey, list[R]] = {key: [] for key in places.values()}
    more: set[WakeKey] = set()
    for row in await connection.fetch(query, sorted(places), after, SLICE, books.room):
        key = places[row["wakes"]]
        if row["data"] is None:
            more.add(key)
        else:
            books.room -= len(row["data"])
            found[key].append(read(row["data"]))
    return found, more


def _reading_journals(books: Books, needed: NeededJournals) -> Callable[[str], WaitingJournal]:
    def read(data: str) -> WaitingJournal:
        return _loaded(books, read_stored(WaitingJournal, data), needed)

    return read


def _reading_approvals(books: Books) -> Callable[[str], WaitingApproval]:
    def read(data: str) -> WaitingApproval:
        approval: WaitingApproval = read_stored(WaitingApproval, data)
        books.approvals.loaded(approval.identity, approval)
        return approval

    return read


def _payments_of(books: Books, keys: Iterable[JournalKey]) -> Iterator[tuple[str, str]]:
    """Under which payments the approvals of these journals are found: when a journal changes, they are looked at again."""
    for key in keys:
        journal = books.journals.get(key)
        if journal is not None:
            yield key.company, approved_payment(journal.data.journal, key.document)


async def _load_approvals(connection: Connection, books: Books, index: str, keys: Iterable[WakeKey]) -> list[WaitingApproval]:
    """The first approvals of each of these keys of an index; gives the rows."""
    found, more = await _woken(connection, books, _APPROVALS_BY[index], keys, _reading_approvals(books))
    for key, rows in found.items():
        books.approvals.loaded_index(index, key, [row.identity for row in rows], _bound(rows) if key in more else None)
    return [row for rows in found.values() for row in rows]


async def _waiting(connection: Connection, query: str, *arguments: Any) -> list[WaitingJournal]:
    return [read_stored(WaitingJournal, row["data"]) for row in await connection.fetch(query, *arguments)]


async def _approvals(connection: Connection, query: str, *arguments: Any) -> list[WaitingApproval]:
    return [read_stored(WaitingApproval, row["data"]) for row in await connection.fetch(query, *arguments)]


def _journal(row: Any) -> SalesPayment:
    data = read_stored(SalesPaymentJournal, row["data"])
    return SalesPayment(data, row["status"], EventRef(row["first_source"], row["first_id"]))


# Writing


def _as_text(key: Sequence[str]) -> str:
    return orjson.dumps(list(key)).decode()


def _journal_row(journal: SalesPayment) -> tuple[Any, ...]:
    return (*journal.key, journal.status, *journal.first, as_json(journal.data).decode())


def _waiting_row(waiting: WaitingJournal) -> tuple[Any, ...]:
    draft = waiting.draft
    wake = (_as_text(waiting.need.wake_key), _as_text(relation_of(draft)))
    return (*draft.key, waiting.sequence, *draft.run, waiting.waits_since, *wake, as_json(waiting).decode())


def _approval_row(approval: WaitingApproval) -> tuple[Any, ...]:
    payment = approved_payment(approval.journal, approval.document)
    about = (approval.event.id, approval.sequence, approval.waits_since, approval.company, payment, _as_text(approval.need.wake_key))
    return (*approval.identity, *about, as_json(approval).decode())
