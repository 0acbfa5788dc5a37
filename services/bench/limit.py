"""The machine's own limit: the rows that the payments left, written by one COPY loop into empty tables with the same indexes.

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
    """The loop's payments, in how many seconds."""

    payments: float
    seconds: float

    @property
    def per_second(self) -> float:
        """Payments per second."""
        return self.payments / self.seconds


class _Table(NamedTuple):
    """A table of the limit's schema, and its data chunk by chunk."""

    name: str
    chunks: Sequence[bytes]


async def copy_loop(connection: asyncpg.Connection[asyncpg.Record], settings: Settings, rows: Rows) -> CopyLoop:
    """Writes the rows again, into a schema of its own; of very many payments the first only."""
    limit = _Limit(connection, settings, rows)
    tables = await limit.prepared()
    started = time.monotonic()
    for number in range(limit.used):
        async with connection.transaction():
            for table in tables:
                data = BytesIO(table.chunks[number])
                await connection.copy_to_table(table.name, source=data, schema_name=limit.schema, format="binary")
    return CopyLoop(rows.payments * limit.used / limit.chunks, time.monotonic() - started)


class _Limit:
    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], settings: Settings, rows: Rows) -> None:
        self.schema = settings.schema_name("limit")
        self.chunks = max(1, round(rows.payments / CHUNK))
        self.used = min(self.chunks, MOST_CHUNKS)
        self._connection = connection
        self._settings = settings
        self._rows = rows

    async def prepared(self) -> list[_Table]:
        """The empty tables, and what each will get."""
        await self._connection.execute(f'create schema "{self.schema}"')
        return [await self._prepared(*name.split(".")) for name in self._rows.tables]

    async def _prepared(self, service: str, table: str) -> _Table:
        """Cuts the rows into chunks in a table beside, since each chunk would else be looked for in all of them."""
        source, target = f'"{self._settings.schema_name(service)}".{table}', f"{service}_{table}"
        cut = f'"{self.schema}".cut_{target}'
        await self._connection.execute(f'create table "{self.schema}".{target} (like {source} including all)')
        await self._connection.execute(f"create unlogged table {cut} (chunk bigint, like {source})")
        await self._connection.execute(
            f"insert into {cut} select * from (select ntile($3) over (order by t.ctid) as chunk, t.* from {source} t "  # noqa: S608 - names of our own
            f"where {written('t.xmin')}) as cut where chunk <= $4",
            *(self._rows.since, self._rows.until, self.chunks, self.used),
        )
        await self._connection.execute(f"create index on {cut} (chunk)")
        columns = await self._connection.fetchval(_COLUMNS, source)
        chosen = f"select {columns} from {cut} where chunk ="  # noqa: S608
        return _Table(target, [await self._chunk(f"{chosen} {number}") for number in range(1, self.used + 1)])

    async def _chunk(self, query: str) -> bytes:
        data = BytesIO()
        await self._connection.copy_from_query(query, output=data, format="binary")
        return data.getvalue()
