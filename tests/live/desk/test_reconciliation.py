"""The reconciler on the services' own tables: each kind of difference, planted by SQL, is found by name; a load raises no false alarm."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest

from services.desk.reconciliation import reconcile
from services.desk.schemas import Schemas, open_schemas
from services.desk.under_way import UnderWay
from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from services.posting import queries as posting_queries
from services.scenarios.scenario_file import arrivals
from services.settlement import queries as settlement_queries
from tests.builders import streams
from tests.builders.load import in_disorder, intercompany_file, intercompany_payments
from tests.live.arriving import arrive

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.desk.checking import Check
    from shared.settings import Settings

pytestmark = pytest.mark.embedded

REVERSAL = {"type": "settlement-reversal.requested", "ledger": "payable"}
PAYMENTS = 4


class Posted(NamedTuple):
    """Payments with mirrors, one of them taken back whole, another one's settlement alone."""

    services: RunningServices
    schemas: Schemas

    async def reconciled(self) -> dict[str, list[str]]:
        """What does not hold."""
        return _failing(await reconcile(self.schemas, UnderWay(self.schemas, 2)))

    async def execute(self, statement: str) -> str:
        """A statement by the database's owner; names of schemas in braces."""
        settings = self.services.settings
        names = {name: settings.schema_name(name) for name in ("payment", "settlement", "posting")}
        connection = await asyncpg.connect(settings.database)
        try:
            return str(await connection.execute(statement.format(**names)))
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def posted() -> Any:
    """The services at rest behind it: read by all tests, each of which puts back what it changes."""
    with asyncio.Runner() as runner:
        opened = _posted()
        yield runner, runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


@asynccontextmanager
async def _posted() -> AsyncIterator[Posted]:
    content = intercompany_file(PAYMENTS)
    content["events"] += [
        {"id": "BACK-1", **REVERSAL, "payment": {"company": "FAB", "document": "PAID-1"}},
        {"id": "BACK-2", **REVERSAL, "payment": {"company": "FAB", "document": "PAID-2"}},
        {"id": "GONE-2", "type": "payment-reversal.requested", "ledger": "payable", "company": "FAB", "document": "PAID-2"},
    ]
    async with scenario_backing_services("planted") as settings, running_services(settings) as services:
        await arrive(services, streams.scenario(content["group"], content["events"]))
        async with open_schemas(settings) as schemas:
            yield Posted(services, schemas)


def _failing(checks: list[Check]) -> dict[str, list[str]]:
    return {check.name: check.said() for check in checks if not check.holds}


def test_books_at_rest_hold_in_every_check(posted: tuple[asyncio.Runner, Posted]) -> None:
    runner, books = posted
    checks = runner.run(reconcile(books.schemas))
    assert _failing(checks) == {}
    assert not any(check.under_way for check in checks)
    compared = {check.name: check.compared for check in checks}
    assert compared["each document has its voucher"] == f"{4 * PAYMENTS} documents"
    assert compared["each settlement record has its vouchers, in each company"] == f"{2 * PAYMENTS} records"
    assert compared["each sales payment is in both services' books, and mirrors a payment"] == f"{2 * PAYMENTS} sales payments, each side"


SET = "{posting}.vouchers where kind = 'settlement' and company = 'FAB'"
LINE = "jsonb_set(lines::jsonb, '{{0,{0}}}', to_jsonb(((lines::json->0->>{0})::numeric + {1})::text))::text"
PLANTED = [
    (
        "a document's voucher is gone",
        "create table kept as select * from {posting}.vouchers where document = 'PAID-0' and run_id is null",
        "delete from {posting}.vouchers where document = 'PAID-0' and run_id is null",
        "insert into {posting}.vouchers select * from kept; drop table kept",
        {
            "each document has its voucher": "FAB payable payment PAID-0 (98.00 USD) has no voucher",
            "voucher numbers are gapless": "FAB AP-PAY-000001 is missing",
            "balances are the sums of the lines": "FAB accounts_payable accounts_payable USD: the balance is",
        },
    ),
]
