"""The posting path costs the same with the inquiry service reading along, and what that costs does not grow with a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from services.bench.history import SEED_NUMBERING
from services.bench.measure import rows_written
from services.bench.workload import Workload
from services.registry import INQUIRY
from shared.settings import Settings
from tests.speed.assembly import running_line

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.embedded

PAYMENTS = 60
_TRANSACTION = "select pg_current_xact_id()::text::bigint"


async def _costs(
    address: str, connection: asyncpg.Connection[asyncpg.Record], *, inquiry: bool
) -> tuple[list[dict[str, float]], dict[str, int]]:
    """The statements of each service for a batch and for one of twice the payments, and the rows that the three have written."""
    settings = Settings(database_url=SecretStr(address), namespace="beside" if inquiry else "alone")
    workload, counts = Workload(parties=60), []
    async with running_line(settings, inquiry=inquiry) as line:
        await line.send(workload.reference())
        warm = list(workload.payments(0, 3, SEED_NUMBERING))
        await line.invoices(warm)
        await line.pay(warm)
        first = await connection.fetchval(_TRANSACTION)
        for start, number in ((0, PAYMENTS), (PAYMENTS, 2 * PAYMENTS)):
            payments = list(workload.payments(start, number))
            await line.invoices(payments)
            before = line.queries()
            await line.pay(payments)
            counts.append({service: queries - before[service] for service, queries in line.queries().items()})
        last = await connection.fetchval(_TRANSACTION)
        return counts, await rows_written(connection, settings, first, last)


async def test_with_inquiry_reading_along_the_three_send_the_same_statements_and_write_the_same_rows(
    database_url: str, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    alone, rows_alone = await _costs(database_url, connection, inquiry=False)
    beside, rows_beside = await _costs(database_url, connection, inquiry=True)
    of_inquiry = [counts.pop(INQUIRY.name) for counts in beside]
    assert beside == alone
    assert rows_beside == rows_alone
    assert of_inquiry[0] == of_inquiry[1] > 0
    assert await connection.fetchval("select count(*) from beside_inquiry.vouchers") == await connection.fetchval(
        "select count(*) from beside_posting.vouchers"
    )


GROWN = {
    "events": "id",
    "documents": "document",
    "takes": "run_id",
    "records": "run_id",
    "vouchers": "series",
    "lines": "series",
    "journals": "document",
}
"""The tables that grow with payments, and the part of the key in which a copied row differs."""
FEW = 20
_COPIES = 150
_SCANS = "select relname, seq_scan from pg_stat_user_tables where schemaname = 'history_inquiry' and relname = any($1)"


async def test_no_growing_table_is_read_from_end_to_end_for_a_batch(
    database_url: str, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    settings = Settings(database_url=SecretStr(database_url), namespace="history")
    workload = Workload(parties=60)
    async with running_line(settings, inquiry=True) as line:
        await line.send(workload.reference())
        seed = list(workload.payments(0, PAYMENTS, SEED_NUMBERING))
        await line.invoices(seed)
        await line.pay(seed)
        for table, column in GROWN.items():
            await _multiply(connection, table, column)
        payments = list(workload.payments(0, FEW))
        await line.close()  # so that what was counted is shown
        before = await _scans(connection)
        assert before.keys() == GROWN.keys()
        await line.invoices(payments)
        await line.pay(payments)
        await line.close()
        assert await _scans(connection) == before
        assert await connection.fetchval("select count(*) from history_inquiry.documents") > _COPIES * FEW


async def _scans(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, int]:
    return {row["relname"]: row["seq_scan"] for row in await connection.fetch(_SCANS, list(GROWN))}


async def _multiply(connection: asyncpg.Connection[asyncpg.Record], table: str, column: str) -> None:
    """Copies each row so many times under other keys."""
    place = f"history_inquiry.{table}"
    named = "select column_name from information_schema.columns where table_schema = 'history_inquiry' and table_name = $1"
    columns = [row[0] for row in await connection.fetch(named, table) if (table, row[0]) != ("vouchers", "position")]
    values = ", ".join(f"\"{each}\" || '~' || n" if each == column else f'"{each}"' for each in columns)
    names = ", ".join(f'"{each}"' for each in columns)
    await connection.execute(f"insert into {place} ({names}) select {values} from {place}, generate_series(1, {_COPIES}) n")  # noqa: S608
    await connection.execute(f"analyze {place}")
