"""How long questions take on many lines, beside their budget (`make questions LINES=10000000`); nothing here is a test.

The tables are filled in the database itself: a group of 40 companies of which one pays every other invoice, and the others for three
neighbours each; mostly in euro, some pairs in dollars or pounds; 20,000 parties, ten months, one invoice in fifty not paid. Indexes
are made after the rows, as a restore does. Each question is asked many times, each time of another company, day or document, on one
connection as the service has it.

Invariant: what is asked are the functions behind the HTTP API, and each plan is looked at too; a question whose plan reads a growing
table from end to end, or that is over its budget at the 95th percentile, is marked, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from services.inquiry.queries import companies as named
from services.inquiry.queries.aging import AgingSelection, aging
from services.inquiry.queries.as_of import NOW, AsOf
from services.inquiry.queries.balances import BalanceSelection, balances
from services.inquiry.queries.documents import DocumentName, DocumentSelection, document, documents
from services.inquiry.queries.events import receipts
from services.inquiry.queries.feed import feed
from services.inquiry.queries.intercompany import MatrixSelection, PairSelection, matrix, pair
from services.inquiry.queries.lines import LineSelection, lines
from services.inquiry.queries.minutes import posted_by_minute, posted_last
from services.inquiry.queries.pages import PageWanted
from services.inquiry.queries.search import search
from services.inquiry.queries.settlements import SettlementSelection, settlements
from services.inquiry.queries.trace import TraceStart, trace
from services.inquiry.queries.vouchers import VoucherSelection, voucher, vouchers
from services.registry import INQUIRY
from shared.embedded.database import embedded_database
from shared.events.envelope import EventRef
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from tests.live.inquiry.explaining import Explaining
from tests.live.inquiry.many import fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LINES_OF_A_PAYMENT = 8
GROUP = """
create temp table pairs as
select n, case when owner % 20 = 7 then 'GBP' when owner % 10 = 3 then 'USD' else 'EUR' end as currency, 'C' || payer as payer,
'C' || owner as owner, 'P' || n % 20000 as party, 'I' || n as invoice, 'P' || n as payment,
date '2025-06-01' + (n * 300.0 / $1)::int as date, timestamptz '2025-06-01Z' + n * 300.0 / $1 * interval '1 day' as at,
n > $1 * 0.8 and n % 10 = 0 as is_open, n % 97 = 0 as is_reversed
from generate_series(1, $1::int) n cross join lateral (select case when n % 2 = 0 then 0 else n % 40 end as payer) as p
cross join lateral (select case when n % 2 = 0 then 1 + n / 2 % 39 else (payer + 1 + n / 40 % 3) % 40 end as owner) as o"""
LAST = dt.date(2026, 3, 28)
PAGE = PageWanted(limit=50)
MONTH_BACK = AsOf(LAST - dt.timedelta(days=30))
KNOWN_THEN = AsOf(LAST - dt.timedelta(days=30), dt.datetime(2026, 2, 26, tzinfo=dt.UTC))
INDEXES = """
select indexname, indexdef from pg_indexes where schemaname = current_schema()
and not exists (select from pg_constraint where conname = indexname) order by indexname"""

Ask = Callable[[Any, int], Awaitable[Any]]


class Question(NamedTuple):
    """A question, and within how many milliseconds it is to be answered; None: there is no promise."""

    name: str
    budget: int | None
    ask: Ask


def company(number: int) -> str:
    """A company other than the one that pays most."""
    return f"C{1 + number % 39}"


def some_payment(number: int, payments: int) -> int:
    """One of so many payments, far from the one of the number before."""
    return 1 + number * 7919 % payments


def namespace_of(lines: int) -> str:
    """The namespace whose schema of inquiry has so many lines."""
    return f"lines{lines}"


def second(ask: Any, selection: Callable[[int], Any]) -> Ask:
    """Asks for the second page; the first is asked for when a selection is new, so each has to be asked once before it is timed."""
    places: dict[int, Any] = {}

    async def asked(connection: Any, number: int) -> Any:
        if number not in places:
            places[number] = (await ask(connection, selection(number), PAGE)).after
        return await ask(connection, selection(number), PageWanted(places[number], PAGE.limit))

    return asked


def questions(payments: int) -> list[Question]:
    """Everything that is asked; `payments`: how many there are."""

    def some(number: int) -> int:
        return some_payment(number, payments)

    def statement(number: int) -> LineSelection:
        return LineSelection((company(number),), "1000", currency="EUR")

    return [
        Question("matrix", 30, lambda on, _: matrix(on, MatrixSelection())),
        Question("matrix of one company", 30, lambda on, n: matrix(on, MatrixSelection((company(n),)))),
        Question("matrix as of a day", 30, lambda on, n: matrix(on, MatrixSelection(as_of=AsOf(LAST - dt.timedelta(days=n))))),
        Question("matrix as known a month ago", 30, lambda on, _: matrix(on, MatrixSelection(as_of=KNOWN_THEN))),
        Question("pair", 50, lambda on, n: pair(on, PairSelection("C0", company(n), "EUR"), PAGE)),
        Question("pair, all currencies", 50, lambda on, n: pair(on, PairSelection("C0", company(n)), PAGE)),
        Question("pair, second page", 50, second(pair, lambda n: PairSelection("C0", company(n), "EUR"))),
        Question("pair, second page, all currencies", 50, second(pair, lambda n: PairSelection("C0", company(n)))),
        Question("pair as known a month ago", 50, lambda on, n: pair(on, PairSelection("C0", company(n), as_of=KNOWN_THEN), PAGE)),
        Question("statement", 50, lambda on, n: lines(on, statement(n), PAGE)),
        Question("statement, second page", 50, second(lines, statement)),
        Question("statement of a partner", 50, lambda on, n: lines(on, LineSelection(("C0",), partner=company(n)), PAGE)),
        Question("trace of an event", 100, lambda on, n: trace(on, TraceStart(event=f"P{some(n)}"))),
        Question("trace of a document", 100, lambda on, n: trace(on, TraceStart(document=f"I{some(n)}"))),
        Question("search of an id", 50, lambda on, n: search(on, f"P{some(n)}")),
        Question("search of a beginning", 50, lambda on, n: search(on, f"I{some(n)}"[:5])),
        Question("search of a party", 50, lambda on, n: search(on, f"Party {n}")),
        Question("open documents", None, lambda on, n: documents(on, DocumentSelection((company(n),), state="open"), PAGE)),
        Question("documents", None, lambda on, n: documents(on, DocumentSelection((company(n),)), PAGE)),
        Question("one document", None, lambda on, n: document(on, DocumentName("receivable", "C0", f"P{some(2 * n + 1) // 2 * 2}"), NOW)),
        Question("aging", None, lambda on, _: aging(on, AgingSelection(as_of=NOW, on=LAST))),
        Question("aging of one company", None, lambda on, n: aging(on, AgingSelection((company(n),), as_of=NOW, on=LAST))),
        Question("aging of one company, a month back", None, lambda on, n: aging(on, AgingSelection((company(n),), as_of=MONTH_BACK))),
        Question("aging a month back", None, lambda on, _: aging(on, AgingSelection(as_of=MONTH_BACK))),
        Question("balances of one company", None, lambda on, n: balances(on, BalanceSelection((company(n),)), PAGE)),
        Question("vouchers", None, lambda on, n: vouchers(on, VoucherSelection((company(n),)), PAGE)),
        Question("vouchers of a party", None, lambda on, n: vouchers(on, VoucherSelection(party=f"P{n}"), PAGE)),
        Question("one voucher", None, lambda on, n: voucher(on, "C0", f"AR-PAY-{some(n) // 2 * 2:06}")),
        Question("settlements", None, lambda on, n: settlements(on, SettlementSelection((company(n),)), PAGE)),
        Question("feed", None, lambda on, n: feed(on, None, some(n), 100)),
        Question("minutes", 150, lambda on, _: posted_by_minute(on, None, dt.datetime.now(dt.UTC))),
        Question("posted last", 50, lambda on, _: _posted_last(on)),
        Question("one event", None, lambda on, n: receipts(on, [EventRef("erp", f"P{some(n)}")])),
        Question("companies", None, lambda on, _: named.companies(on, named.NamedSelection(), PAGE)),
    ]


async def _posted_last(connection: Any) -> Any:
    return await posted_last(connection, None)


async def fill_without_indexes(connection: Any, payments: int) -> None:
    """Fills the tables and makes their indexes afterwards."""
    indexes = await connection.fetch(INDEXES)
    for each in indexes:
        await connection.execute(f"drop index {each['indexname']}")
    await connection.execute("set maintenance_work_mem = '1GB'")
    await connection.execute("set work_mem = '256MB'")
    await fill(connection, payments, GROUP)
    for each in indexes:
        await connection.execute(each["indexdef"])
    for setting in ("maintenance_work_mem", "work_mem", "synchronous_commit"):
        await connection.execute(f"reset {setting}")
    await connection.execute("vacuum analyze")


async def timed(connection: Any, question: Question, times: int) -> list[float]:
    """Milliseconds of each time, sorted; what is asked is answered once before."""
    await question.ask(connection, 0)
    found = []
    for number in range(times):
        if "second page" in question.name:
            await question.ask(connection, number)
        began = time.perf_counter()
        await question.ask(connection, number)
        found.append(1000 * (time.perf_counter() - began))
    return sorted(found)


async def report(connection: Any, question: Question, times: int) -> bool:
    """Prints one line; whether all is as it should be."""
    explaining = Explaining(connection)
    await question.ask(explaining, 1)
    found = await timed(connection, question, times)
    middle, late = statistics.median(found), found[int(0.95 * (len(found) - 1))]
    over = question.budget is not None and late > question.budget
    scanned = sorted({table for table, _ in explaining.scans})
    remarks = [*(["over"] if over else []), *(f"reads all of {table}" for table in scanned)]
    budget = "" if question.budget is None else f"{question.budget:,}"
    print(  # noqa: T201 - a table for whoever asked
        f"{question.name:36}{middle:10,.1f}{late:10,.1f}{budget:>8}{explaining.statements:12}  {', '.join(remarks)}", flush=True
    )
    return not remarks


@asynccontextmanager
async def filled(folder: Path, wanted: int) -> AsyncIterator[Any]:
    """A connection to tables with so many lines; what a folder has already is not filled again."""
    schema = f"{namespace_of(wanted)}_{INQUIRY.name}"
    folder.mkdir(parents=True, exist_ok=True)
    async with embedded_database(folder) as address:
        connection = await asyncpg.connect(address, server_settings={"search_path": schema})
        try:
            if not await connection.fetchval("select exists (select from pg_namespace where nspname = $1)", f"{schema}_filled"):
                await connection.execute(f"drop schema if exists {schema} cascade")
                database = Postgres(address, schema)
                await migrate(database, schema, INQUIRY)
                await database.close()
                began = time.perf_counter()
                await fill_without_indexes(connection, wanted // LINES_OF_A_PAYMENT)
                await connection.execute(f"create schema {schema}_filled")
                print(f"filled in {time.perf_counter() - began:,.0f} s", flush=True)  # noqa: T201
            await connection.execute("set plan_cache_mode = force_custom_plan")
            yield connection
        finally:
            await connection.close()


async def main(wanted: int, times: int, folder: Path, only: str) -> bool:
    """Fills and asks; whether every question is answered in time and by indexes."""
    async with filled(folder, wanted) as connection:
        count = await connection.fetchval("select count(*) from lines")
        size = await connection.fetchval("select pg_size_pretty(pg_database_size(current_database()))")
        print(f"{count:,} lines, {size}, each question {times} times\n")  # noqa: T201
        print(f"{'question':36}{'p50 ms':>10}{'p95 ms':>10}{'budget':>8}{'statements':>12}")  # noqa: T201
        chosen = [each for each in questions(wanted // LINES_OF_A_PAYMENT) if only in each.name]
        return all([await report(connection, question, times) for question in chosen])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where the database is kept for the next time")
    parser.add_argument("--only", default="", help="questions whose name has this")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(0 if asyncio.run(main(given.lines, given.times, given.folder or Path(temporary), given.only)) else 1)
