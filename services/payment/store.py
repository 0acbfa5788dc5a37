"""All SQL of the payment service.

Invariant: the number of queries of a batch does not depend on its size; rows are written in the order of their
keys. The reference data is kept in memory from batch to batch, and only what was committed is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from services.payment.prefetch import NeededJournals, needed_by
from services.payment.rules.books import Books, relation_of
from services.payment.rules.values import JournalKey, SalesPayment, WaitingApproval, WaitingJournal, WaitingKey
from services.payment.stored_pages import WAITING_WOKEN
from shared.delivery.columns import arrays, texts
from shared.delivery.ports import Connection
from shared.delivery.reference_table import LAST_POSITION, ReferenceTable
from shared.delivery.together import Statement
from shared.delivery.writes import Writes
from shared.events.codec import as_json, read_stored
from shared.events.envelope import EventRef, Message
from shared.events.journals import SalesPaymentJournal
from shared.events.vouchers import EventWaiting
from shared.missing import Missing
from shared.waiting import WakeKey, first_of_each, rank
from shared.working_set import MOST_WOKEN_BYTES, SLICE, Released

NEXT_SEQUENCE: Final = "select nextval('arrivals')"
"""Each transaction has a range of its own: whoever draws later comes later, and nobody has to wait for that."""
LAST_SEQUENCE: Final = "select last_value from arrivals"
"""For who only looks, perhaps in a transaction that may not write: drawing would be writing."""
NUMBERS: Final = f"select payment, number from numbers where payment = any({arrays(['text'])})"  # noqa: S608 - types of our own, here and below
JOURNALS: Final = """
select j.company, j.document, j.status, j.first_source, j.first_id, j.data from journals j
join unnest($1::text[], $2::text[]) as wanted (company, document) using (company, document)"""
WAITING: Final = "select data from waiting where (run_source, run_id) in (select * from unnest($1::text[], $2::text[]))"
ALL_WAITING: Final = "select data from waiting order by sequence"
ALL_APPROVALS: Final = "select data from approvals order by sequence"
WAITING_SINCE: Final = """
select data from (select data, sum(octet_length(data::text)) over (order by since, sequence) - octet_length(data::text) as before
from (select data, since, sequence from waiting where since < $1 order by since limit $2) oldest) summed where before < $3"""
APPROVALS_NAMED: Final = "select data from approvals where (source, event) in (select * from unnest($1::text[], $2::text[]))"

SAVE_JOURNALS: Final = f"""
insert into journals (company, document, status, first_source, first_id, data)
select * from unnest({arrays(("text",) * 5 + ("json",))})
on conflict (company, document) do update set status = excluded.status, data = excluded.data"""  # noqa: S608
SAVE_NUMBERS: Final = f"""
insert into numbers (payment, number) select * from unnest({arrays(("text", "integer"))})
on conflict (payment) do update set number = excluded.number"""  # noqa: S608
SAVE_WAITING: Final = """
insert into waiting (company, payment, number, sequence, run_source, run_id, since, wakes, relation, data)
select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::text[],
$10::json[]) on conflict (company, payment, number) do update set wakes = excluded.wakes, data = excluded.data"""
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
    from (select ctid, since, sequence, octet_length(data::text) as size from waiting where not announced and since < $1
    order by since limit $2) oldest) summed where before < $3
) update waiting w set announced = true from chosen where w.ctid = chosen.ctid returning data"""
_STILL_WAITING: Final = """
select k.source, k.id from unnest($1::text[], $2::text[]) as k (source, id)
where exists (select from waiting w where w.run_id = k.id and w.run_source = k.source)"""


class Store:
    """The tables of one schema; the connection's search_path names it."""

    def __init__(self) -> None:
        self._reference = ReferenceTable()
        self.opening = _opening(NEXT_SEQUENCE)

    def only_look(self) -> None:
        """From now on nothing is drawn; what is folded is not saved."""
        self.opening = _opening(LAST_SEQUENCE)

    # Loading

    async def load(self, connection: Connection, messages: Sequence[Message], opened: Mapping[str, Any] | None = None) -> Books:
        """What these messages name: at most four queries, whatever their number; none for inbound payments alone."""
        books = await self._empty_books(connection, opened)
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
        """The journals, and approvals of earlier versions, that wait because of these events; or what waits since before `older_than`."""
        books = await self._empty_books(connection)
        query: str = WAITING_SINCE
        arguments: tuple[Any, ...] = (older_than, SLICE, books.room)
        if events is not None:
            query, arguments = WAITING, _names(events)
            for approval in await _approvals(connection, APPROVALS_NAMED, *arguments):
                books.approvals.loaded(approval.identity, approval)
        for waiting in await _waiting(connection, query, *arguments):
            books.waiting.loaded(waiting.draft.key, waiting)
        return books

    async def load_released(self, connection: Connection, released: Released) -> Books:
        """The next journals of what was released."""
        books = await self._empty_books(connection)
        key = released.wake_key
        found, more = await _woken(connection, books, [key], released.after)
        books.due += [waiting.draft.key for waiting in found[key]]
        books.more_due = bool(more)
        return books

    async def _empty_books(self, connection: Connection, opened: Mapping[str, Any] | None = None, *, complete: bool = False) -> Books:
        if complete:
            return Books(await self._reference.current(connection), complete=True)
        opened = opened or await connection.fetchrow(f"select {self.opening}")
        return Books(await self._reference.current(connection, opened["position"]), complete=False, sequence=opened["sequence"])

    # Saving

    def written(self, books: Books) -> Writes:
        """The changed rows, in the order of their keys."""
        writes = Writes()
        changed = [(key, row) for key, row in sorted(books.journals.changed.items())]
        if journals := [_journal_row(row) for _, row in changed if row is not None]:
            writes.later.append((SAVE_JOURNALS, texts(journals)))
        if books.numbers.changed:
            writes.later.append((SAVE_NUMBERS, texts(sorted(books.numbers.changed.items()))))
        waiting = sorted(books.waiting.changed.items())
        for statement, rows in (
            (DELETE_JOURNALS, [key for key, row in changed if row is None]),
            (SAVE_WAITING, [_waiting_row(row) for _, row in waiting if row is not None]),
            (DELETE_WAITING, [key for key, row in waiting if row is None]),
            (DELETE_APPROVALS, sorted(books.approvals.changed)),
        ):
            if rows:
                writes.first.append((statement, [list(column) for column in zip(*rows, strict=True)]))
        return writes

    async def save(self, connection: Connection, books: Books, later: list[Statement] | None = None, writes: Writes | None = None) -> None:
        """The changed rows, the reference events taken."""
        await (writes or self.written(books)).carry_out(connection, later)
        await self._reference.save(connection, books.reference_events)


# What senders are told


async def unannounced(connection: Connection, older_than: datetime) -> list[EventWaiting]:
    """The next of what has waited since before a time and was not said to, as much as one transaction takes; from now on it was."""
    journals = await _waiting(connection, _UNANNOUNCED, older_than, SLICE, MOST_WOKEN_BYTES)
    return first_of_each((rank(each.need.reason, of_document=True), _announced(each)) for each in journals)


def _announced(waiting: WaitingJournal) -> EventWaiting:
    run, need = waiting.draft.run, waiting.need
    return EventWaiting(run.id, run.source, "sales payment", need.reason, need.key, waiting.waits_since)


async def still_waiting(connection: Connection, events: Sequence[EventRef]) -> set[EventRef]:
    """Those of these events of which something waits."""
    return {EventRef(*row) for row in await connection.fetch(_STILL_WAITING, *_names(events))} if events else set()


def _names(events: Sequence[EventRef]) -> tuple[list[str], list[str]]:
    return [event.source for event in events], [event.id for event in events]


# Reading


async def _load(connection: Connection, books: Books, needed: NeededJournals) -> None:
    if needed.numbers:
        await _load_numbers(connection, books, sorted(needed.numbers))
    if needed.journals:
        await _load_journals(connection, books, sorted(needed.journals))
    if needed.runs or needed.wakes:
        await _load_waiting(connection, books, needed)


async def _load_numbers(connection: Connection, books: Books, payments: list[str]) -> None:
    for payment in payments:
        books.numbers.loaded(payment, None)
    for row in await connection.fetch(NUMBERS, *texts(zip(payments))):
        books.numbers.loaded(row["payment"], row["number"])


async def _load_journals(connection: Connection, books: Books, keys: list[JournalKey]) -> None:
    for key in keys:
        books.journals.loaded(key, None)
    for row in await connection.fetch(JOURNALS, [key.company for key in keys], [key.document for key in keys]):
        journal = _journal(row)
        books.journals.loaded(journal.key, journal)


async def _load_waiting(connection: Connection, books: Books, needed: NeededJournals) -> None:
    runs = sorted(needed.runs)
    places: dict[EventRef, list[WaitingKey]] = {run: [] for run in runs}
    for waiting in await _waiting(connection, WAITING, *_names(runs)) if runs else ():
        books.waiting.loaded(waiting.draft.key, waiting)
        places[waiting.draft.run].append(waiting.draft.key)
    for run, keys in places.items():
        books.waiting.loaded_index("run", run, keys)
    if needed.wakes:
        found, more = await _woken(connection, books, needed.wakes)
        for key, rows in found.items():
            bound = (rows[-1].sequence if rows else 0) if key in more else None  # up to which what waits for it is loaded
            books.waiting.loaded_index("wakes", key, [row.draft.key for row in rows], bound)


async def _woken(
    connection: Connection, books: Books, keys: Iterable[WakeKey], after: int = 0
) -> tuple[dict[WakeKey, list[WaitingJournal]], set[WakeKey]]:
    """Of what waits for these keys as much as there is room for, the oldest first; and the keys for which there is more."""
    places = {_as_text(key): key for key in keys}
    found: dict[WakeKey, list[WaitingJournal]] = {key: [] for key in places.values()}
    more: set[WakeKey] = set()
    for row in await connection.fetch(WAITING_WOKEN, sorted(places), after, SLICE, books.room):
        key = places[row["wakes"]]
        if row["data"] is None:
            more.add(key)
        else:
            books.room -= len(row["data"])
            waiting: WaitingJournal = read_stored(WaitingJournal, row["data"])
            books.waiting.loaded(waiting.draft.key, waiting)
            found[key].append(waiting)
    return found, more


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


def _opening(sequence: str) -> str:
    return f"({LAST_POSITION}) as position, ({sequence}) as sequence"
