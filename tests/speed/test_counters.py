"""What a payment costs, by counters: they are the same on every machine, seconds are not."""

from __future__ import annotations

import cProfile
import gc
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import services
from services.bench.history import SEED_NUMBERING, History
from services.bench.measure import rows_written
from services.bench.workload import Workload
from shared.events.envelope import Message
from tests.speed.assembly import Line
from tests.speed.conftest import WARM

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

pytestmark = pytest.mark.embedded

OWN = tuple(str(Path(services.__file__).parents[1] / room) for room in ("services", "shared"))
PAYMENTS = 90
MOST_WAL_BYTES = 12_500
MOST_ROWS = 22.0
MOST_CALLS = 1_820
"""Of the product's own functions, for a payment with its two invoices, in all three services; what they call of others aside."""
MOST_STATEMENTS = 37
"""Of a payment that is alone in each of its seven batches, in all three services, COPY aside: its latency is mostly their round trips."""
LINES_OF_HISTORY = 120_000
FEW = 20
"""Payments in a batch that is small beside the history: for a large one reading a small table whole is right."""
GROWING = {"documents", "records", "journals", "inbox", "vouchers", "lines", "payment.numbers"}


async def posted(line: Line, workload: Workload, first: int, number: int) -> dict[str, float]:
    """Posts payments whose invoices are there, and gives the queries that the payments took."""
    payments = list(workload.payments(first, number))
    await line.invoices(payments)
    before = line.queries()
    await line.pay(payments)
    return {service: queries - before[service] for service, queries in line.queries().items()}


async def test_a_batch_of_twice_the_payments_takes_as_many_queries(line: Line, workload: Workload) -> None:
    of_few = await posted(line, workload, 0, PAYMENTS)
    of_many = await posted(line, workload, PAYMENTS, 2 * PAYMENTS)
    assert of_many == of_few
    assert all(of_few.values())


async def test_a_payment_alone_takes_no_more_statements_than_stated(line: Line, workload: Workload) -> None:
    of_one = await posted(line, workload, 0, 1)
    assert sum(of_one.values()) <= MOST_STATEMENTS, of_one


async def test_a_batch_of_twice_the_invoices_takes_as_many_queries(line: Line, workload: Workload) -> None:
    costs = []
    for first, number in ((0, PAYMENTS), (PAYMENTS, 2 * PAYMENTS)):
        before = line.queries()
        await line.invoices(workload.payments(first, number))
        costs.append({service: queries - before[service] for service, queries in line.queries().items()})
    assert costs[0] == costs[1]
    assert costs[0]["settlement"] > 0


async def place(connection: Connection) -> Any:
    """Where the WAL is, and the number of a transaction just begun."""
    return await connection.fetchrow("select pg_current_wal_insert_lsn() - '0/0' as wal, pg_current_xact_id()::text::bigint as xid")


async def test_a_payment_writes_no_more_wal_and_rows_than_stated(line: Line, workload: Workload, connection: Connection) -> None:
    payments = list(workload.payments(0, 4 * PAYMENTS))
    await line.invoices(payments)
    places = [await place(connection)]
    for half in (payments[: 2 * PAYMENTS], payments[2 * PAYMENTS :]):
        await line.pay(half)
        places.append(await place(connection))
    rows = await rows_written(connection, line.settings, places[0]["xid"], places[-1]["xid"])
    assert sum(rows.values()) / len(payments) < MOST_ROWS, rows
    wal = [after["wal"] - before["wal"] for before, after in pairwise(places)]
    assert min(wal) / (2 * PAYMENTS) < MOST_WAL_BYTES, "after a checkpoint it is more, but there is none twice in a few seconds"


async def test_a_payment_with_its_invoices_takes_no_more_calls_than_stated(line: Line, workload: Workload) -> None:
    payments = list(workload.payments(0, 2 * PAYMENTS))
    profile = cProfile.Profile()
    with profile:
        await line.invoices(payments)
        await line.pay(payments)
    assert 0 < own_calls(profile) / len(payments) < MOST_CALLS


async def test_what_a_batch_took_is_freed_without_the_garbage_collector(line: Line, workload: Workload) -> None:
    """A cycle of references that holds a batch has the collector go through every message of it: a sixth of the processor time."""
    payments = list(workload.payments(0, PAYMENTS))
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, Message) for each in gc.get_objects())  # other tests may hold some
        await line.invoices(payments)
        await line.pay(payments)
        left = sum(isinstance(each, Message) for each in gc.get_objects())
    finally:
        gc.enable()
    assert left <= before


def own_calls(profile: cProfile.Profile) -> int:
    """How often the product's own functions were called, comprehensions and generators among them."""
    return sum(each.callcount for each in profile.getstats() if not isinstance(each.code, str) and each.code.co_filename.startswith(OWN))


async def test_no_growing_table_is_read_from_end_to_end(line: Line, workload: Workload, connection: Connection) -> None:
    await with_history(line, workload, connection)
    payments = list(workload.payments(0, FEW))
    await line.close()
    before = await read_whole(line, connection)
    await line.invoices(payments)
    await line.pay(payments)
    await line.close()
    assert await read_whole(line, connection) - before == Counter()


async def test_what_is_counted_as_read_from_end_to_end_is_counted(line: Line, connection: Connection) -> None:
    """The guard of the test above: a table of history without its index would be found."""
    before = await read_whole(line, connection)
    schema = line.settings.schema_name("settlement")
    await connection.fetch(f"select from {schema}.documents where body::text = ''")
    await connection.fetchval("select pg_stat_force_next_flush()")
    assert await read_whole(line, connection) - before == Counter({"settlement.documents": 1})


async def with_history(line: Line, workload: Workload, connection: Connection) -> None:
    seed = list(workload.payments(0, PAYMENTS, SEED_NUMBERING))
    await line.invoices(seed[WARM:])
    await line.pay(seed[WARM:])
    history = History(connection, line.settings, seed)
    await history.take_seed()
    await history.grow(LINES_OF_HISTORY, lambda _: None)


async def read_whole(line: Line, connection: Connection) -> Counter[str]:
    """How often each growing table was read from end to end."""
    query = "select schemaname, relname, seq_scan from pg_stat_user_tables where schemaname like $1"
    rows = await connection.fetch(query, f"{line.settings.namespace}\\_%")
    found = {(row["schemaname"].rpartition("_")[2], row["relname"]): row["seq_scan"] for row in rows}
    return Counter({f"{service}.{table}": scans for (service, table), scans in found.items() if {table, f"{service}.{table}"} & GROWING})
