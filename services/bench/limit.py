"""The machine's own limit: the rows that the payments left, written by one COPY loop into empty tables with the same indexes.

Twice: as they are, and with vouchers as they were when the targets were set (27 November 2026), a row for each line: a yardstick that
stays the same whatever becomes of vouchers. The other tables are those of now.

Invariant: the loop writes every row of the three schemas that the payments wrote, in its final form and in the order in which
it stands there, inboxes included, CHUNK payments per transaction; its data are in memory, in PostgreSQL's binary form, before the clock
starts. What rows were before their last change, and what was deleted again (outbox), the loop does not write.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

from services.bench.measure import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from shared.settings import Settings

CHUNK: Final = 500
MOST_CHUNKS: Final = 60
"""The loop's data are kept in memory: about 4 MiB a chunk."""

_VOUCHERS: Final = "posting_vouchers"
_LINES: Final = "posting_lines"
_LATER_COLUMNS: Final = ("lines", "digest", "sister_contents")
"""Of vouchers, that they did not have then."""
_LINES_TABLE: Final = """
create table {schema}.posting_lines (
    company text collate "C" not null, series text collate "C" not null, number bigint not null, line integer not null,
    posting_type text collate "C" not null, account text collate "C" not null, partner text collate "C",
    party text collate "C", party_account text collate "C", settles text collate "C", currency text collate "C" not null,
    debit numeric, credit numeric, accounting_debit numeric, accounting_credit numeric,
    dimensions json, text text not null, rule text not null, primary key (company, series, number, line)
)"""
"""As the posting service's migrations 0001 and 0004 made it."""
_LINES_OF_CHUNK: Final = """
select l.* from {schema}.cut_posting_vouchers v cross join lateral (
    select * from {posting}.lines l where (l.company, l.series, l.number) = (v.company, v.series, v.number) offset 0
) l where chunk ="""

_COLUMNS: Final = """
select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
where attrelid = $1::regclass and attnum > 0 and not attisdropped
"""


class Rows(NamedTuple):
    """Rows to be written again: of these tables (`service.table`), last written by transactions from `since` to before `until`."""

    tables: Sequence[str]
    since: int
    until: int
    payments: int


@dataclass(frozen=True, slots=True)
class CopyLoop:
    """The loop's payments and the rows it wrote of them, in how many seconds."""

    payments: float
    seconds: float
    rows: int

    @property
    def per_second(self) -> float:
        """Payments per second."""
        return self.payments / self.seconds


class _Table(NamedTuple):
    """A table of the limit's schema, and its data chunk by chunk."""

    name: str
    chunks: Sequence[bytes]


class CopyLoops(NamedTuple):
    """The loop of the rows as they are, and of those with a row for each voucher line."""

    rows: CopyLoop
    yardstick: CopyLoop


async def copy_loops(connection: asyncpg.Connection[asyncpg.Record], settings: Settings, rows: Rows) -> CopyLoops:
    """Writes the rows again, into a schema of its own; of very many payments the first only."""
    limit = _Limit(connection, settings, rows)
    tables = await limit.prepared()
    as_they_are = await limit.loop(tables)
    return CopyLoops(as_they_are, await limit.loop(await limit.with_lines(tables)))


class _Limit:
    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], settings: Settings, rows: Rows) -> None:
        self._schema = settings.schema_name("limit")
        self._chunks = max(1, round(rows.payments / CHUNK))
        self._used = min(self._chunks, MOST_CHUNKS)
        self._connection = connection
        self._settings = settings
        self._rows = rows

    async def loop(self, tables: Sequence[_Table]) -> CopyLoop:
        """One connection, a transaction for each chunk."""
        started, rows = time.monotonic(), 0
        for number in range(self._used):
            async with self._connection.transaction():
                for table in tables:
                    data = BytesIO(table.chunks[number])
                    copied = await self._connection.copy_to_table(table.name, source=data, schema_name=self._schema, format="binary")
                    rows += int(copied.removeprefix("COPY "))
        return CopyLoop(self._rows.payments * self._used / self._chunks, time.monotonic() - started, rows)

    async def with_lines(self, tables: Sequence[_Table]) -> list[_Table]:
        """The tables empty again, vouchers as they were, and what their lines will get."""
        schema, posting = f'"{self._schema}"', f'"{self._settings.schema_name("posting")}"'
        for table in tables:
            await self._connection.execute(f"truncate {schema}.{table.name}")
        for column in _LATER_COLUMNS:
            await self._connection.execute(f"alter table {schema}.{_VOUCHERS} drop column {column}")
        await self._connection.execute(_LINES_TABLE.format(schema=schema))
        columns = await self._connection.fetchval(_COLUMNS, f"{schema}.{_VOUCHERS}")
        vouchers = f"select {columns} from {schema}.cut_{_VOUCHERS} where chunk ="  # noqa: S608 - names of our own
        lines = _LINES_OF_CHUNK.format(schema=schema, posting=posting)
        others = [table for table in tables if table.name != _VOUCHERS]
        return [*others, await self._table(_VOUCHERS, vouchers), await self._table(_LINES, lines)]

    async def prepared(self) -> list[_Table]:
        """The empty tables, and what each will get."""
        await self._connection.execute(f'create schema "{self._schema}"')
        return [await self._prepared(*name.split(".")) for name in self._rows.tables]

    async def _prepared(self, service: str, table: str) -> _Table:
        """Cuts the rows into chunks in a table beside, since each chunk would else be looked for in all of them."""
        source, target = f'"{self._settings.schema_name(service)}".{table}', f"{service}_{table}"
        cut = f'"{self._schema}".cut_{target}'
        await self._connection.execute(f'create table "{self._schema}".{target} (like {source} including all)')
        await self._connection.execute(f"create unlogged table {cut} (chunk bigint, like {source})")
        await self._connection.execute(
            f"insert into {cut} select * from (select ntile($3) over (order by t.ctid) as chunk, t.* from {source} t "  # noqa: S608 - names of our own
            f"where {written('t.xmin')}) as cut where chunk <= $4",
            *(self._rows.since, self._rows.until, self._chunks, self._used),
        )
        await self._connection.execute(f"create index on {cut} (chunk)")
        columns = await self._connection.fetchval(_COLUMNS, source)
        return await self._table(target, f"select {columns} from {cut} where chunk =")  # noqa: S608

    async def _table(self, target: str, of_chunk: str) -> _Table:
        """What a table will get. `of_chunk`: selects a chunk's rows, but for its number."""
        return _Table(target, [await self._chunk(f"{of_chunk} {number}") for number in range(1, self._used + 1)])

    async def _chunk(self, query: str) -> bytes:
        data = BytesIO()
        await self._connection.copy_from_query(query, output=data, format="binary")
        return data.getvalue()
