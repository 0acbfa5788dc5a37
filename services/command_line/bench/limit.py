"""The machine's own limit: the rows that the payments left, written by one COPY loop into empty tables with the same indexes.

What always holds: the loop writes every row of the three schemas that the payments wrote, in its final form and in the order in which
it stands there, inboxes included, CHUNK payments per transaction; its data are in memory, in PostgreSQL's binary form, before the clock
starts. What rows were before their last change, and what was deleted again (outbox), the loop does not write.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

from services.command_line.bench.measure import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from services.command_line.bench.stack import Stack

CHUNK: Final = 500
MOST_CHUNKS: Final = 60
"""The loop's data are kept in memory: about 4 MiB a chunk."""

_COLUMNS: Final = """
select quote_ident(attname) as attname from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum
"""


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


async def copy_loop(stack: Stack, rows: Iterable[str], since: int, until: int, payments: int, advance: Callable[[float], None]) -> CopyLoop:  # noqa: PLR0913 - which rows
    """Writes the rows of these tables (`service.table`) that transactions from `since` to before `until` wrote for so many payments."""
    schema = stack.schema("limit")
    chunks = max(1, round(payments / CHUNK))
    used = min(chunks, MOST_CHUNKS)
    await stack.connection.execute(f'create schema "{schema}"')
    tables = [await _prepared(stack, schema, name, (since, until), (chunks, used)) for name in rows]
    started = time.monotonic()
    for number in range(used):
        async with stack.connection.transaction():
            for table in tables:
                await stack.connection.copy_to_table(table.name, source=BytesIO(table.chunks[number]), schema_name=schema, format="binary")
        advance(number + 1)
    return CopyLoop(payments * used / chunks, time.monotonic() - started)


async def _prepared(stack: Stack, schema: str, name: str, transactions: tuple[int, int], chunks: tuple[int, int]) -> _Table:
    """The empty table, and what it will get; only the first chunks if they are too many."""
    service, table = name.split(".")
    source, target = f'"{stack.schema(service)}".{table}', f"{service}_{table}"
    await stack.connection.execute(f'create table "{schema}".{target} (like {source} including all)')
    cut = f'"{schema}".cut_{target}'
    of_all = f"select ntile($3) over (order by t.ctid) as chunk, t.* from {source} t where {written('t.xmin')}"  # noqa: S608 - names of our own
    await stack.connection.execute(f"create unlogged table {cut} (chunk bigint, like {source})")
    await stack.connection.execute(f"insert into {cut} select * from ({of_all}) all_chunks where chunk <= $4", *transactions, *chunks)  # noqa: S608
    await stack.connection.execute(f"create index on {cut} (chunk)")
    columns = [row["attname"] for row in await stack.connection.fetch(_COLUMNS, source)]
    data: list[bytes] = []
    for number in range(1, chunks[1] + 1):
        query, buffer = f"select {', '.join(columns)} from {cut} where chunk = $1", BytesIO()  # noqa: S608
        await stack.connection.copy_from_query(query, number, output=buffer, format="binary")
        data.append(buffer.getvalue())
    await stack.connection.execute(f"drop table {cut}")
    return _Table(target, data)
