"""The reconciler beside services that work: a load raises no false alarm, and what stands still is named."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import asyncpg
import pytest

from services.desk.reconciliation import reconcile
from services.desk.schemas import Schemas, open_schemas
from services.desk.under_way import UnderWay
from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from services.registry import PAYMENT, SETTLEMENT
from services.scenarios.scenario_file import arrivals
from services.settlement import queries as settlement_queries
from services.simulator import streams
from shared.runtime.process import Process, run_process
from tests.builders.load import in_disorder, intercompany_file, intercompany_payments
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.desk.checking import Check
    from shared.events.envelope import Record

pytestmark = pytest.mark.embedded

DOCUMENTS = "each document has its voucher"
RECORDS = "each settlement record has its vouchers, in each company"
CAUSES = "each voucher has its document or settlement record, with its amount"
PLANTED = "update {}.vouchers set document = 'NOBODY' where company = 'FABE' and series = 'AP-INV' and number = 1"


def _failing(checks: list[Check]) -> dict[str, list[str]]:
    return {check.name: check.said() for check in checks if not check.holds}


async def test_a_load_raises_no_alarm_and_hides_no_difference() -> None:
    content = intercompany_file(250)
    content["events"] += [
        {
            "id": f"BACK-{number}",
            "type": "settlement-reversal.requested",
            "ledger": "payable",
            "payment": {"company": "FAB", "document": f"PAID-{number}"},
        }
        for number in range(0, 250, 5)
    ]
    arriving = arrivals(streams.scenario(content["group"], content["events"]))
    async with scenario_backing_services("beside") as settings, running_services(settings) as services, open_schemas(settings) as schemas:
        await services.send(arrival.record for arrival in arriving if arrival.reference)
        enough = asyncio.Event()
        loading = asyncio.create_task(_trickle(services, in_disorder(arriving), enough))
        for _ in range(4):
            await asyncio.sleep(1)
            assert _failing(await reconcile(schemas)) == {}
        connection = await asyncpg.connect(settings.database)
        assert await connection.execute(PLANTED.format(settings.schema_name("posting"))) == "UPDATE 1"
        await connection.close()
        found = _failing(await reconcile(schemas))
        assert not loading.done()
        assert set(found) == {DOCUMENTS, CAUSES}
        assert found[CAUSES] == ["FABE AP-INV-000001 posts the payable document NOBODY, which settlement does not have"]
        assert len(found[DOCUMENTS]) == 1
        enough.set()
        await loading
        await services.until_quiescent()
        assert _failing(await reconcile(schemas)) == found


async def _trickle(services: RunningServices, records: Sequence[Record], enough: asyncio.Event) -> None:
    """A few events at a time; the rest at once when it is enough."""
    left = list(records)
    while left:
        part = len(left) if enough.is_set() else 4
        await services.send(left[:part])
        del left[:part]
        if not enough.is_set():
            await asyncio.sleep(0.15)


async def test_what_does_not_arrive_in_time_is_under_way_and_what_stands_still_is_named() -> None:
    """Posting does not run: its vouchers are missing, and no difference."""
    load = intercompany_payments(3)
    async with scenario_backing_services("stopped") as settings, running_services(settings, here=False) as services:
        serving = [asyncio.create_task(run_process(Process(service, settings))) for service in (PAYMENT, SETTLEMENT)]
        try:
            async with open_schemas(settings) as schemas:
                await services.send(arrival.record for arrival in arrivals(load))
                await until(partial(_has_documents, schemas, 12))
                checks = {check.name: check for check in await reconcile(schemas, UnderWay(schemas, 1))}
        finally:
            for task in serving:
                task.cancel()
            await asyncio.wait(serving)
    assert {name for name, check in checks.items() if not check.holds} == {"what is sent is read"}
    assert checks["what is sent is read"].problems[0].startswith("posting has ")
    assert (checks[DOCUMENTS].under_way, checks[RECORDS].under_way) == (12, 4)
    # Within FABW a sales payment without a discount moves nothing: its record has no voucher.
    assert checks[DOCUMENTS].as_row()["compared"] == "12 documents, 12 of them still under way"


async def _has_documents(schemas: Schemas, number: int) -> bool:
    async with schemas.of("settlement") as settlement:
        return len(await settlement_queries.document_page(settlement, None)) == number and not await settlement_queries.pending_page(
            settlement, None
        )
