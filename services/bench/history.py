"""A long history in short time: payments that were really posted, copied inside the database under other names and numbers.

Invariant: each copy is complete in all three services (documents, settlement records, journals, vouchers, lines,
numbers, balances, inboxes), so the reconciler holds as if it had been posted. All events of the original have one time and a
tag in their ids; a copy has another tag, and another time in front of the ids that the services derived.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Final

from services.bench.measure import tables_of
from services.bench.workload import SOURCE, Numbering
from services.registry import SERVICES
from shared.delivery.inbox import inbox_key
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import asyncpg

    from services.bench.workload import Payment
    from shared.settings import Settings

SEED: Final = 450
"""Payments that are copied."""
_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TAG: Final = "H{:08x}"
SEED_NUMBERING: Final = Numbering(_TAG.format(0), _TIME, timedelta())
_AT_ONCE: Final = 20

_KEPT: Final = {
    "running",
    "gaps",
    "announced",
    "released",
    "requests",
    "migrations",
    "positions",
    "epoch",
    "changes",
    "reference",
    "outgoing",
    "failed",
    "rejections",
}
"""Not copied: what is one for all, and what is empty when everything is at rest."""
_SUMS: Final = {("posting", "numbers"), ("posting", "balances")}
_NUMBERED: Final = {("posting", "vouchers")}
_OF_THE_CHAIN: Final = ("digest", "sister_contents")
"""What a copy cannot have: it was never posted, so it is in no chain."""
_COLUMNS: Final = """
select attname, format_type(atttypid, atttypmod) as type from pg_attribute
where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum
"""
_NUMBERS: Final = """
update {posting}.numbers n set number = n.number + $1 * s.number from {seed}.posting_numbers s
where (n.company, n.series) = (s.company, s.series)
"""
_BALANCES: Final = """
update {posting}.balances b set debit = b.debit + $1 * s.debit, credit = b.credit + $1 * s.credit,
accounting_debit = b.accounting_debit + $1 * s.accounting_debit, accounting_credit = b.accounting_credit + $1 * s.accounting_credit
from {seed}.posting_balances s where (b.company, b.account, b.posting_type, b.partner, b.currency)
= (s.company, s.account, s.posting_type, s.partner, s.currency)
"""


class History:
    """Copies of the seed, which is all that stands in the books when `take_seed` is called."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], settings: Settings, seed: Sequence[Payment]) -> None:
        self._connection = connection
        self._schema = settings.schema_name
        self._seed = f'"{self._schema("seed")}"'
        self._ids = [dict(record.headers)["ce_id"].decode() for each in seed for record in (*each.invoices, each.payment)]
        self._statements: list[str] = []
        self._copies = 0
        self.lines = 0

    async def take_seed(self) -> None:
        """Keeps the seed's rows; call it while all is at rest."""
        await self._connection.execute(f"create schema {self._seed}")
        for service in SERVICES:
            schema = self._schema(service.name)
            for table in await tables_of(self._connection, schema):
                if table not in _KEPT:
                    copy = f"{self._seed}.{service.name}_{table}"
                    await self._connection.execute(f'create table {copy} as table "{schema}".{table}')
                    if (service.name, table) not in _SUMS:
                        self._statements.append(await self._statement(service.name, table, copy))
        self.lines = await self._seed_lines()

    async def grow(self, lines: int, advance: Callable[[float], None]) -> None:
        """Adds whole copies until the ledgers have had this many lines of history."""
        of_seed = await self._seed_lines()
        while self.lines < lines:
            copies = min(_AT_ONCE, -((self.lines - lines) // of_seed))
            async with self._connection.transaction():
                await self._copy(range(self._copies + 1, self._copies + copies + 1))
            self._copies += copies
            self.lines += copies * of_seed
            advance(self.lines)
        await self._settle()

    async def _seed_lines(self) -> int:
        return int(await self._connection.fetchval(f"select sum(json_array_length(lines::json)) from {self._seed}.posting_vouchers"))  # noqa: S608

    async def _statement(self, service: str, table: str, copy: str) -> str:
        """Adds the rows of copies $1 to $2; derived ids alone in inboxes, those from outside are digests."""
        columns = await self._connection.fetch(_COLUMNS, copy)
        values = ", ".join(_value(service, table, row["attname"], row["type"]) for row in columns)
        numbers = " join {posting}.numbers n using (company, series) join {seed}.posting_numbers o using (company, series)"
        joined = numbers.format(posting=f'"{self._schema("posting")}"', seed=self._seed) if (service, table) in _NUMBERED else ""
        only = f"where s.key::text like '{_derived(0)}%'" if table == "inbox" else ""
        target = f'"{self._schema(service)}".{table}'
        return f"insert into {target} select {values} from generate_series($1::int, $2::int) k cross join {copy} s{joined} {only}"  # noqa: S608

    async def _copy(self, copies: range) -> None:
        for statement in self._statements:
            await self._connection.execute(statement, copies[0], copies[-1])
        names = {"posting": f'"{self._schema("posting")}"', "seed": self._seed}
        for update in (_NUMBERS, _BALANCES):
            await self._connection.execute(update.format(**names), len(copies))
        keys = (
            (inbox_key(EventRef(SOURCE, id_.replace(_TAG.format(0), _TAG.format(copy)))), b"\0" * 16)
            for copy, id_ in product(copies, self._ids)
        )
        schema = self._schema("settlement")
        await self._connection.copy_records_to_table("inbox", records=keys, columns=["key", "digest"], schema_name=schema)

    async def _settle(self) -> None:
        """As after years: statistics and visibility up to date, and nothing in a service's memory that is older."""
        for service in SERVICES:
            schema = self._schema(service.name)
            await self._connection.execute(f'update "{schema}".epoch set number = number + 1')  # noqa: S608
            for table in await tables_of(self._connection, schema):
                await self._connection.execute(f'vacuum (analyze) "{schema}".{table}')
        await self._connection.execute("checkpoint")


def _derived(copy: int) -> str:
    """How the ids begin that services derive from an event of a copy (shared.events.envelope.derived_id)."""
    time = f"{int(_TIME.timestamp() * 1000) + copy:012x}"
    return f"{time[:8]}-{time[8:]}-8"


def _value(service: str, table: str, column: str, type_: str) -> str:
    """A column of copy k: another tag and another time in all that is text; voucher numbers continue."""
    if (service, table) in _NUMBERED and column == "number":
        return "n.number + (k - $1) * o.number + s.number"
    if (service, table) in _NUMBERED and column in _OF_THE_CHAIN:
        return "null"
    if type_ not in {"text", "uuid", "json", "text[]"}:
        return f"s.{column}"
    begin = int(_TIME.timestamp() * 1000)
    time = f"lpad(to_hex({begin} + k), 12, '0')"
    tagged = f"replace(s.{column}::text, '{_TAG.format(0)}', 'H' || lpad(to_hex(k), 8, '0'))"
    return f"replace({tagged}, '{_derived(0)}', left({time}, 8) || '-' || right({time}, 4) || '-8')::{type_}"
