"""All SQL of the settlement service.

Invariant: a batch is loaded with one statement for all the rows it names, and saved with one, beside a COPY for each table of very
many rows; what was looked for and not found is known to be missing. The reference data is kept in memory from batch to batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple

from services.settlement.prefetch import named_by, named_by_page, waiters
from services.settlement.rules.books import Books
from services.settlement.rules.values import Parked
from services.settlement.rules.waiting import EVERY, OVER, RESERVATION
from services.settlement.settling_order import fetch_pages
from services.settlement.stored_pages import IN_LINE, PAGES, WOKEN
from services.settlement.stored_tables import FEW, TABLES, Many, Row, StoredTable, joined
from shared.delivery.columns import texts
from shared.delivery.copying import copied_text
from shared.delivery.ports import Connection
from shared.delivery.reference_table import LAST_POSITION, ReferenceTable
from shared.delivery.together import Statement, fetch_together
from shared.delivery.weight import MOST_ENTRIES, TooHeavyError
from shared.delivery.writes import Copied, Writes
from shared.events.envelope import EventRef, Message
from shared.events.vouchers import EventWaiting
from shared.missing import Missing, Page
from shared.waiting import WakeKey, first_of_each, rank
from shared.working_set import MOST_WOKEN_BYTES, SLICE, Released
from shared.working_table import Table

NEXT_SEQUENCE: Final = "select nextval('arrivals')"
"""Each transaction has a range of its own: whoever draws later comes later, and nobody has to wait for that."""
LAST_SEQUENCE: Final = "select last_value from arrivals"
"""For who only looks, perhaps in a transaction that may not write: drawing would be writing."""
_WAITING_SINCE: Final = """
select distinct event_source, event_id from
(select event_source, event_id, sum(size) over (order by since, sequence) - size as before from
(select event_source, event_id, since, sequence, octet_length(body::text) as size
from waiting where since < $1 order by since limit $2) oldest) summed where before < $3"""
_UNANNOUNCED: Final = """
with chosen as (
    select sequence from (select sequence, sum(size) over (order by since, sequence) - size as before
    from (select sequence, since, octet_length(body::text) as size from waiting where not announced and since < $1
    order by since limit $2) oldest) summed where before < $3
) update waiting w set announced = true from chosen where w.sequence = chosen.sequence returning body"""
_STILL_WAITING: Final = """
select distinct w.event_source, w.event_id from waiting w join unnest($1::text[], $2::text[]) as k (source, id)
on w.event_id = k.id and w.event_source = k.source"""
ROUNDS: Final = 4
"""How often what was found is asked for what it names in turn: a waiting run, then its documents, then theirs."""
DEEPEST: Final = 5
"""So often a load that was not deep enough is followed by one that is twice as deep."""


class Store:
    """The tables of one schema; the connection's search_path names it."""

    def __init__(self) -> None:
        self._reference = ReferenceTable()
        self._sequence, self.opening = NEXT_SEQUENCE, _opening(NEXT_SEQUENCE)

    def only_look(self) -> None:
        """From now on nothing is drawn; what is folded is not saved."""
        self._sequence, self.opening = LAST_SEQUENCE, _opening(LAST_SEQUENCE)

    async def load(self, connection: Connection, messages: Sequence[Message], opened: Mapping[str, Any] | None = None) -> Books:
        """What these messages name, and what waits for it with all that it names.

        TooHeavyError if several messages name runs of more records than one transaction takes, which no message says. So it is
        with `load_missing`, where automatic settlement would go through more open documents.
        """
        opened = opened or await connection.fetchrow(f"select {self.opening}")
        books = Books(await self._reference.current(connection, opened["position"]), complete=False, sequence=opened["sequence"])
        books.most_rows = MOST_ENTRIES if len(messages) > 1 else None
        for stored in TABLES.values():
            # What is mostly all but empty is read whole while it is, which saves looking for each thing that is not there.
            if stored.few is not None and (rows := opened[stored.name]) is not None and len(rows) <= FEW:
                _table(books, stored.name).loaded_whole(stored.few[0], map(stored.read, rows))
        named = {missing for message in messages for missing in named_by(message, books)}
        await self.load_missing(connection, books, named | set(_named_by_rows(books, books.waiting)))
        return books

    async def load_missing(self, connection: Connection, books: Books, missing: Iterable[Missing]) -> None:
        """What a fold asked for; afterwards the books know it, also if there is nothing.

        With it comes what waits for it and all that this names in turn: one event may release thousands. What the last round
        names is loaded with whatever is asked for next.
        """
        wanted = {*missing, *books.named}
        books.named = set()
        tables = {name: _table(books, name) for name in TABLES}
        for number in range(ROUNDS << min(books.loads, DEEPEST)):
            if number and books.room <= 0:
                break
            groups: dict[tuple[str, str | None], list[Any]] = {}
            for each in wanted:
                if not tables[each.table].knows(each):
                    groups.setdefault((each.table, each.by), []).append(each.key)
            if not groups:
                return
            wanted = await _load_groups(connection, books, groups)
        books.named = wanted

    def written(self, books: Books) -> Writes:
        """The changed rows."""
        writes = Writes()
        for stored in TABLES.values():
            table = _table(books, stored.name)
            if gone := [stored.key(key) for key, row in table.changed.items() if row is None]:
                (writes.first if stored.deletes_alone else writes.later).append((stored.delete, texts(gone)))
            if stored.many is not None:
                _write_many(writes, stored, stored.many, table)
            elif rows := [stored.row(row) for row in table.changed.values() if row is not None]:
                writes.later.append((stored.upsert, texts(rows)))
        return writes

    async def save(self, connection: Connection, books: Books, later: list[Statement] | None = None, writes: Writes | None = None) -> None:
        """The changed rows, the reference events taken."""
        await (writes or self.written(books)).carry_out(connection, later)
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
            events = [EventRef(*row) for row in await connection.fetch(_WAITING_SINCE, older_than, SLICE, books.room)]
        await self.load_missing(connection, books, [Missing("waiting", "event", event) for event in events])
        return books

    async def load_released(self, connection: Connection, released: Released) -> Books:
        """The next of what was released, with all that it names."""
        books = await self._books(connection)
        if released.wake_key[0] == RESERVATION:
            await self.load_missing(connection, books, [waiters(released.wake_key)])
            return books
        index, key = ("wakes", released.wake_key)
        if key[0] in (EVERY, OVER):
            index, key = key[0], key[1:]
        found, more = await _woken(connection, books, index, [key], released.after)
        books.due += found[key]
        books.more_due = bool(more)
        await self.load_missing(connection, books, set(_named_by_rows(books, books.waiting)))
        return books

    async def _books(self, connection: Connection, *, complete: bool = False) -> Books:
        reference = await self._reference.current(connection)
        return Books(reference, complete=complete, sequence=0 if complete else await connection.fetchval(self._sequence))


def _opening(sequence: str) -> str:
    few = [f"{stored.few[1]} as {stored.name}" for stored in TABLES.values() if stored.few is not None]
    return ", ".join([f"({LAST_POSITION}) as position", f"({sequence}) as sequence", *few])


# What senders are told


async def unannounced(connection: Connection, older_than: datetime) -> list[EventWaiting]:
    """The next of what has waited since before a time and was not said to, as much as one transaction takes; from now on it was."""
    rows = await connection.fetch(_UNANNOUNCED, older_than, SLICE, MOST_WOKEN_BYTES)
    parked = [TABLES["waiting"].read(row["body"])[1] for row in rows]
    return first_of_each((rank(each.need.reason, of_document=each.stage == "document"), _announced(each)) for each in parked)


def _announced(parked: Parked) -> EventWaiting:
    event, need = parked.event, parked.need
    return EventWaiting(event.id, event.source, parked.stage, need.reason, need.key, parked.message.arrival)


async def still_waiting(connection: Connection, events: Sequence[EventRef]) -> set[EventRef]:
    """Those of these events of which something waits."""
    return {EventRef(*row) for row in await connection.fetch(_STILL_WAITING, *_columns(events))} if events else set()


def _table(books: Books, name: str) -> Table[Any, Any]:
    table: Table[Any, Any] = getattr(books, name)
    return table


def _write_many(writes: Writes, stored: StoredTable, many: Many, table: Table[Any, Any]) -> None:
    """Copies the rows that the store has not given, which are new; writes of the others what can have changed."""
    new: list[Row] = []
    changed: list[Row] = []
    for key, row in table.changed.items():
        if row is not None:
            (changed if table.is_stored(key) else new).append(stored.row(row))
    if new:
        writes.copied.append(Copied(stored.name, copied_text(new), many.columns))
    if changed:
        writes.later.append((many.update, texts(map(itemgetter(*many.places), changed))))


def _named_by_rows(books: Books, rows: Iterable[Any]) -> Iterator[Missing]:
    """What the rows that wait name in turn."""
    return (each for row in rows if isinstance(row, Parked) for each in named_by(row.message, books, row))


async def _load_groups(connection: Connection, books: Books, groups: dict[tuple[str, str | None], list[Any]]) -> set[Missing]:
    """The rows of these keys by table and index; gives what they name in turn."""
    named: set[Missing] = set()
    plain: list[WantedRows] = []
    for (name, index), keys in sorted(groups.items(), key=lambda group: (group[0][0], group[0][1] or "")):
        if index == "open":
            named.update(await _load_pages(connection, books, keys))
        elif index in WOKEN:
            named.update(_named_by_rows(books, await _load_woken(connection, books, index, keys)))
        elif index in PAGES:
            rows = await _load_in_line(connection, books, index, keys)
            named.update(_named_by_rows(books, rows if index == "waiters" else []))
        else:
            plain.append(WantedRows(TABLES[name], index, keys))
    if plain:
        named.update(_named_by_rows(books, await _load(connection, books, plain)))
    return named


async def _load_pages(connection: Connection, books: Books, pages: list[Page]) -> list[Missing]:
    """Open documents in the order in which they settle; gives what they name in turn.

    TooHeavyError if several messages would go through more than they may together: a payment says for how much it is, not how many
    documents that closes. The first page of an account does not count: it is small, and of many accounts mostly all that is read.
    """
    books.further_rows += sum(page.after for page in pages)  # a further page is as large as all before it
    if books.most_rows is not None and books.further_rows > books.most_rows:
        msg = f"the open documents that several messages settle automatically are more than {books.most_rows}"
        raise TooHeavyError(msg)
    named: list[Missing] = []
    for found in await fetch_pages(connection, pages):
        documents = [TABLES["documents"].read(body)[1] for body in found.bodies]
        for document in documents:
            books.documents.loaded(document.key, document)
        books.documents.loaded_page("open", found.page, [document.key for document in documents], are_all=found.are_all)
        named.extend(named_by_page(books, found.page, documents))
    return named


async def _load_in_line(connection: Connection, books: Books, index: str, pages: list[Page]) -> list[Any]:
    """The next rows of an index in its order; gives them."""
    stored = PAGES[index]
    table, read = _table(books, stored.table), TABLES[stored.table].read
    loaded: list[Any] = []
    arguments = [(*stored.key(page.place), page.after, max(IN_LINE, page.after)) for page in pages]
    found = await connection.fetch(stored.select, *_columns(arguments))
    for page, (*_, most), row in zip(pages, arguments, found, strict=True):
        rows = [read(body) for body in row["bodies"]]
        books.room -= sum(map(len, row["bodies"])) if index == "waiters" else 0
        for key, value in rows:
            table.loaded(key, value)
        table.loaded_page(index, page, [key for key, _ in rows], are_all=len(rows) < most)
        loaded += [value for _, value in rows]
    return loaded


class WantedRows(NamedTuple):
    """Keys of a table, or of one of its indexes, whose rows are wanted."""

    stored: StoredTable
    by: str | None
    keys: list[Any]

    def select(self, most_rows: int | None) -> Statement:
        """The statement for all of them; of an index with a limit it gives one row more than there may be."""
        if self.by is None:
            return self.stored.select, texts(map(self.stored.key, self.keys))
        index = self.stored.indexes[self.by]
        limit = [None if most_rows is None else most_rows + 1] if index.has_limit else []
        return index.select, [*_columns([index.key(key) for key in self.keys]), *limit]


async def _load(connection: Connection, books: Books, groups: list[WantedRows]) -> list[Any]:
    """The rows of several tables and indexes, with one statement; gives them.

    TooHeavyError if those of an index with a limit are more than several messages together may have loaded.
    """
    loaded: list[Any] = []
    found = await fetch_together(connection, [group.select(books.most_rows) for group in groups])
    for group, bodies in zip(groups, found, strict=True):
        is_limited = group.by is not None and group.stored.indexes[group.by].has_limit
        if is_limited and books.most_rows is not None and len(bodies) > books.most_rows:
            msg = f"the records of the runs that are mirrored or reversed are more than {books.most_rows}"
            raise TooHeavyError(msg)
        loaded += _loaded(_table(books, group.stored.name), group, bodies)
    return loaded


def _loaded(table: Table[Any, Any], group: WantedRows, bodies: Iterable[str]) -> list[Any]:
    """Tells a table which rows the store holds of what was asked for; gives them."""
    rows = [group.stored.read(body) for body in bodies]
    if group.by is None:
        for key in group.keys:
            table.loaded(key, None)
    for key, value in rows:
        table.loaded(key, value)
    if group.by is not None:
        found: dict[Any, list[Any]] = {key: [] for key in group.keys}
        for key, value in rows:
            for place in table.places(group.by, value):
                if place in found:
                    found[place].append(key)
        for place, keys in found.items():
            table.loaded_index(group.by, place, keys)
    return [value for _, value in rows]


async def _load_woken(connection: Connection, books: Books, index: str, keys: list[WakeKey]) -> list[Any]:
    """The first of what waits, in an index of WOKEN; gives the rows."""
    woken, more = await _woken(connection, books, index, keys)
    for key, sequences in woken.items():
        books.waiting.loaded_index(index, key, sequences, (sequences[-1] if sequences else 0) if key in more else None)
    return [row for sequences in woken.values() for sequence in sequences if (row := books.waiting.get(sequence)) is not None]


async def _woken(
    connection: Connection, books: Books, index: str, keys: Iterable[WakeKey], after: int = 0
) -> tuple[dict[WakeKey, list[int]], set[WakeKey]]:
    """Of what waits for these keys of an index as much as there is room for, the oldest first; and the keys for which there is more."""
    places = {joined(key): key for key in keys}
    found: dict[WakeKey, list[int]] = {key: [] for key in places.values()}
    more: set[WakeKey] = set()
    for row in await connection.fetch(WOKEN[index], list(places), after, SLICE, books.room):
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
