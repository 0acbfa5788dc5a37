"""The verdict at the end of a run: the reconciler, and a sample of payments against the simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.bench.correct import problems
from services.bench.history import SEED_NUMBERING
from services.bench.workload import Payment, Workload
from tests.speed.assembly import Line
from tests.speed.conftest import WARM

if TYPE_CHECKING:
    import asyncpg

pytestmark = pytest.mark.embedded

OF_A_LINE = """
update {{}}.vouchers set lines = jsonb_set(lines::jsonb, '{{{{0,{}}}}}', '"{}"')::text
where (company, series, number) = ('FABE', 'AP-SET', 1)"""
TAMPERING = {
    "a line's text": OF_A_LINE.format(12, "Rent"),
    "a line's amount": OF_A_LINE.format(7, "1000000"),
    "a voucher gone": "delete from {}.vouchers where (company, series, number) = ('FABE', 'AP-SET', 1)",
}


@pytest.fixture
def paid(workload: Workload) -> list[Payment]:
    """The payments that were posted before the test."""
    workload.reference()
    return list(workload.payments(0, WARM, SEED_NUMBERING))


async def test_books_that_are_right_are_called_right(line: Line, workload: Workload, paid: list[Payment]) -> None:
    assert await problems(line.settings, workload, paid) == []


@pytest.mark.parametrize("tampering", TAMPERING.values(), ids=TAMPERING)
async def test_tampered_books_are_called_wrong(
    line: Line, workload: Workload, paid: list[Payment], connection: asyncpg.Connection[asyncpg.Record], tampering: str
) -> None:
    done = await connection.execute(tampering.format(line.settings.schema_name("posting")))
    assert done.endswith(" 1")
    assert await problems(line.settings, workload, paid)
