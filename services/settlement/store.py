"""All SQL of the settlement service.

Invariant: a batch is loaded with one statement per table and index and saved with one per table, whatever its
size; what was looked for and not found is known to be missing. The reference data is kept in memory from batch to batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from services.settlement.prefetch import named_by
from services.settlement.rules.books import Books
from services.settlement.stored_tables import TABLES, WOKEN, StoredTable, joined
from shared.delivery.ports import Connection
from shared.delivery.reference_table import LAST_POSITION, ReferenceTable
from shared.events.envelope import EventRef, Message
from shared.waiting import WakeKey
from shared.working_set import SLICE, Missing, Released, Table

LAST_SEQUENCE: Final = "select coalesce(max(last), 0) from counter"
SAVE_SEQUENCE: Final = "insert into counter (name, last) values ('arrival', $1) on conflict (name) do update set last = excluded.last"
_WAITING_SINCE: Final = """
select distinct event_source, event_id from
(select event_source, event_id, sum(size) over (order by since, sequence) - size as before from
(select event_source, event_id, since, sequence, octet_length(body::text) as size
from waiting where $1::timestamptz is null or since < $1 order by since limit $2) oldest) summed where before < $3"""
_WAITING_BECAUSE_OF: Final = """
select distinct w.event_source, w.event_id from waiting w join unnest($1::text[], $2::text[]) as k (source, id)
on w.event_id = k.id and w.event_source = k.source where $3::timestamptz is null or w.since < $3"""
FEW: Final = 50
"""Rows that are read with every batch; with more, only those that the batch names."""
_FIRST: Final = f"select ({LAST_POSITION}) as position, ({LAST_SEQUENCE}) as sequence" + "".join(
    f", {stored.few[1]} as {stored.name}" for stored in TABLES.values() if stored.few is not None
)
"""What every batch reads, whatever is in it, in one statement."""
ROUNDS: Final = 4
"""How often what was found is asked for what it names in turn: a waiting run, then its documents, then theirs."""


class Store:
    """The tables of one schema; the connection's search_path names it."""

    def __init__(self) -> None:
        self._reference = ReferenceTable()

    async def load(self, connection: Connection, messages: Sequence[Message]) -> Books:
        """What these messages name, and what waits for it with all that it names."""
        first = await connection.fetchrow(_FIRST, FEW + 1)
        books = Books(await self._reference.current(connection, first["position"]), complete=False, sequence=first["sequence"])
        for stored in TABLES.values():
            # What is mostly all but empty is read whole while it is, which saves looking for each thing that is not there.
            rows = first[stored.name] if stored.few is not None else None
            if stored.few is not None and rows is not None and len(rows) <= FEW:
                _table(books, stored.name).loaded_whole(stored.few[0], map(stored.read, rows))
        await self.load_missing(connection, books, {missing for message in messages for missing in named_by(message, books)})
        return books

    async def load_missing(self, connection: Connection, books: Books, missing: Iterable[Missing]) -> None:
        """What a fold asked for; afterwards the books know it, also if there is nothing.

        With it comes what waits for it and all that this names in turn: one event may release thousands.
        """
        wanted = set(missing)
        tables = {name: _table(books, name) for name in TABLES}
        for _ in range(ROUNDS):
            groups: dict[tuple[str, str | None], list[Any]] = {}
            for each in wanted:
                if not tables[each.table].knows(each):
                    groups.setdefault((each.table, each.by), []).append(each.key)
            if not groups:
                return
            for (name, index), keys in sorted(groups.items(), key=lambda group: (group[0][0], group[0][1] or "")):
                await _load(connection, books, TABLES[name], index, keys)
            wanted = {each for parked in books.waiting for each in named_by(parked.message, books, parked)}

    async def save(self, connection: Connection, books: Books) -> None:
        """The changed rows, the order of arrival, the reference events taken."""
        for stored in TABLES.values():
            changed = _table(books, stored.name).changed
            gone = [stored.key(key) for key, row in changed.items() if row is None]
            rows = [stored.row(row) for row in changed.values() if row is not None]
            if gone:
                await connection.execute(stored.delete, *_columns(gone))
            if rows:
                await connection.execute(stored.upsert, *_columns(rows))
        if books.sequence != books.first_sequence:
            await connection.execute(SAVE_SEQUENCE, books.sequence)
        await self._reference.save(connection, books.reference_events)

    async def load_all(self, connection: Connection) -> Books:
        """Everything, for the command line and the tests."""
        books = await self._books(connection, complete=True)
        for stored in TABLES.values():
            table = _table(books, stored.name)
            for row in await connection.fetch(f"select body from {stored.name}"):  # noqa: S608 - a table of our own
                key, value = stored.read(row["body"])
                table.put(key, value)
        books.commit()
        return books

    async def load_waiting(self, connection: Connection, events: Sequence[EventRef] | None, older_than: datetime | None) -> Books:
        """What these events wait for, or what has waited longest since before a time, as one transaction takes; with all that it names."""
        books = await self._books(connection)
        if events is None:
            rows = await connection.fetch(_WAITING_SINCE, older_than, SLICE, books.room)
        else:
            rows = await connection.fetch(_WAITING_BECAUSE_OF, *_columns(events), older_than) if events else []
        await self.load_missing(connection, books, [Missing("waiting", "event", EventRef(*row)) for row in rows])
        return books

    async def load_released(self, connection: Connection, released: Released) -> Books:
        """The next of what was released, with all that it names."""
        books = await self._books(connection)
        found, more = await _woken(connection, books, [released.wake_key], released.after)
        books.due += found[released.wake_key]
        books.more_due = bool(more)
        await self.load_missing(connection, books, {each for parked in books.waiting for each in named_by(parked.message, books, parked)})
        return books

    async def _books(self, connection: Connection, *, complete: bool = False) -> Books:
        reference = await self._reference.current(connection)
        return Books(reference, complete=complete, sequence=await connection.fetchval(LAST_SEQUENCE))


def _table(books: Books, name: str) -> Table[Any, Any]:
    table: Table[Any, Any] = getattr(books, name)
    return table


async def _load(connection: Connection, books: Books, stored: StoredTable, index: str | None, keys: list[Any]) -> None:
    """One statement for all keys of a table, or of one of its indexes."""
    table = _table(books, stored.name)
    if index is not None and stored.indexes[index].is_bounded:
        woken, more = await _woken(connection, books, keys)
        for key, sequences in woken.items():
            table.loaded_index(index, key, sequences, (sequences[-1] if sequences else 0) if key in more else None)
        return
    statement = stored.select if index is None else stored.indexes[index].select
    arguments = [stored.key(key) if index is None else stored.indexes[index].key(key) for key in keys]
    found: dict[Any, list[Any]] = {key: [] for key in keys}
    if index is None:
        for key in keys:
            table.loaded(key, None)
    for row in await connection.fetch(statement, *_columns(arguments)):
        key, value = stored.read(row["body"])
        table.loaded(key, value)
        for place in table.places(index, value) if index is not None else ():
            if place in found:
                found[place].append(key)
    if index is not None:
        for place, rows in found.items():
            table.loaded_index(index, place, rows)


async def _woken(
    connection: Connection, books: Books, keys: Iterable[WakeKey], after: int = 0
) -> tuple[dict[WakeKey, list[int]], set[WakeKey]]:
    """Of what waits for these keys as much as there is room for, the oldest first; and the keys for which there is more."""
    places = {joined(key): key for key in keys}
    found: dict[WakeKey, list[int]] = {key: [] for key in places.values()}
    more: set[WakeKey] = set()
    for row in await connection.fetch(WOKEN, list(places), after, SLICE, books.room):
        key = places[row["wakes"]]
        if row["body"] is None:
            more.add(key)
            continue
        sequence, parked = TABLES["waiting"].read(row["body"])
        books.waiting.loaded(sequence, parked)
        books.room -= len(row["body"])
        found[key].append(sequence)
    return found, more


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as the arrays that unnest takes."""
    return [list(column) for column in zip(*rows, strict=True)]
