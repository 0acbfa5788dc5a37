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
