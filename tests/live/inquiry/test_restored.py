"""Inquiry's tables read again where the broker came back empty: what the topics no longer have comes from the services that own it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.inquiry_check import check_inquiry
from services.desk.schemas import Schemas, open_schemas
from services.inquiry.checks import digest
from services.local.in_process import RunningServices, running_services
from services.operations.inquiry_rebuild import rebuild
from services.registry import PROCESSES, SERVICES
from services.scenarios.scenario_file import arrivals
from services.simulator.streams import scenario
from shared.embedded import start_backing_services
from shared.embedded.addresses import settings_on
from tests.builders.load import intercompany_payments
from tests.live.inquiry.asking import drawn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.scenarios.scenario_file import Scenario
    from shared.delivery.service import AnyService

pytestmark = pytest.mark.embedded

Row = dict[str, Any]

BEFORE = drawn(Random(11))  # noqa: S311 - which stream does not matter, but that it is the same one
"""Invoices and payments of several companies and currencies, settled, partly reversed, some refused."""


SAID = scenario(
    {},
    [
        {"id": f"T-{company}-{series}", "type": "voucher.imported", "company": company, "voucher": f"{series}-000001", "erp_number": "GJ-1"}
        for company in "ABC"
        for series in ("AR-INV", "AP-INV")
    ],
)
"""Of every first invoice that its company's own system has it."""


IMPORTED = "select company, series, number from vouchers where import_state = 'imported' order by 1, 2, 3"
BY_DAY_OF_POSTING = "select * from between_days order by company, partner, currency, posting_type, date, posted_on"

PLACES = "select position, company, series, number, date from vouchers order by position"


@asynccontextmanager
async def running(folder: Path, *, inquiry: bool = True) -> AsyncIterator[tuple[RunningServices, Schemas]]:
    """The four services; each time with a broker that knows nothing of what was, and the database as it was left."""
    async with (
        start_backing_services(folder, None, None) as started,
        running_services(settings_on(started, namespace="restored", log_level="ERROR", health_port=0), inquiry=inquiry) as services,
        open_schemas(services.settings) as schemas,
    ):
        yield services, schemas


async def sent(services: RunningServices, scenario: Scenario) -> None:
    """Has everything of a scenario posted."""
    arriving = arrivals(scenario)
    for part in (True, False):
        await services.send(arrival.record for arrival in arriving if arrival.reference is part)
        await services.until_quiescent()


async def noticed(schemas: Schemas, services: Iterable[AnyService] = PROCESSES) -> None:
    """Waits until the services have noticed that the logs were made again, before there is more in them than they had read."""
    for service in services:
        while True:
            async with schemas.of(service.name) as connection:
                if await connection.fetchval("select bool_and(base = next_offset) from positions"):
                    break
            await asyncio.sleep(0.1)


async def digests(schemas: Schemas) -> dict[str, str]:
    async with schemas.of("inquiry") as connection:
        return await digest(connection)


async def problems(schemas: Schemas) -> list[str]:
    return [each.name for each in await check_inquiry(schemas) if not each.holds]


async def rows(schemas: Schemas, statement: str) -> list[Row]:
    async with schemas.of("inquiry") as connection:
        return [dict(row) for row in await connection.fetch(statement)]


async def executed(schemas: Schemas, statement: str) -> None:
    async with schemas.of("inquiry") as connection:
        await connection.execute(statement)


@pytest.fixture
def folder() -> Any:
    """A folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="restored-") as path:
        yield Path(path)


async def test_what_a_broker_that_came_back_empty_no_longer_has_comes_from_the_owners(folder: Path) -> None:
    async with running(folder) as (services, schemas):
        await sent(services, intercompany_payments(2))
        await sent(services, BEFORE)
        await sent(services, SAID)
        await services.until_inquiry_has_read()
    async with running(folder) as (services, schemas):
        await noticed(schemas)
        await sent(services, intercompany_payments(3))
        await services.until_inquiry_has_read()
        before, by_posting, places = await digests(schemas), await rows(schemas, BY_DAY_OF_POSTING), await rows(schemas, PLACES)
        imported = await rows(schemas, IMPORTED)
        assert imported, "no topic and no owner has any more what was said of these"
        assert await rebuild(services.settings) == before
        assert await rows(schemas, PLACES) == places, "who reads on from where it was passes over nothing"
        assert await rows(schemas, BY_DAY_OF_POSTING) == by_posting, "what was known when stays"
        assert await rows(schemas, IMPORTED) == imported
        assert await digests(schemas) == before
        assert await problems(schemas) == []
        await executed(schemas, "update lines set debit = debit + 1; update daily set debit = debit + 1")
        await executed(schemas, "update takes set amount = amount + 1")
        assert await problems(schemas)
        assert await rebuild(services.settings) == before, "amounts are the owners', not those of the tables in use"
        assert await problems(schemas) == []


KEPT = {
    "documents": "ledger, company, document, kind, sign, party, account, date, due_date, currency, amount, accounting_amount, open,"
    " open_accounting, reversed_on, cash_discounts::jsonb::text, credits, ic_company, ic_document",
    "takes": "run_source, run_id, ledger, number, side, company, document, date, amount, value, reversed_on",
    "records": "run_id, ledger, number, lowering_document, raising_document, amount, applied, cash_discount, credit_note_discount,"
    " overpayment, underpayment, penny_difference, penny_currency, realized_gain, gain_currency, why::jsonb::text, reversed_on",
    "lines": "company, series, number, line, date, posting_type, account, partner, party, party_account, settles, currency, debit, credit,"
    " accounting_debit, accounting_credit, dimensions::jsonb::text, text, rule",
    "vouchers": "company, series, number, ledger, kind, date, document, reference, run_source, run_id, record",
    "journals": "company, document, journal, status, account, date, amount, payer_company, payer_document, payer_id, run_id",
    "refusals": "id, service, source, event, type, scope, code, field, message, company, document, original::jsonb::text",
}
"""What the owners keep, by table; beside it the tables have the events, their times, and older versions of reference data."""


IN_FORCE = """
select key, type, data::jsonb::text from reference_history r
where not exists (select from reference_history n where n.key = r.key and n.position > r.position)
and not exists (select from refusals f where f.event = r.event_id and f.source = r.event_source)"""


async def kept(schemas: Schemas) -> dict[str, list[Row]]:
    found = {table: await rows(schemas, f"select {columns} from {table}") for table, columns in KEPT.items()}  # noqa: S608 - above
    return {**found, "reference_history": await rows(schemas, IN_FORCE)}


async def test_without_topics_and_without_tables_the_books_are_those_of_the_owners(folder: Path) -> None:
    async with running(folder) as (services, schemas):
        await sent(services, intercompany_payments(2))
        await sent(services, BEFORE)
        await services.until_inquiry_has_read()
        given = await rows(schemas, PLACES)
        before = await kept(schemas)
        await executed(schemas, "drop schema restored_inquiry cascade")
    async with running(folder, inquiry=False) as (services, schemas):
        await noticed(schemas, SERVICES)
        await rebuild(services.settings)
        after = await kept(schemas)
        assert await problems(schemas) == []
        again = await rows(schemas, PLACES)
        assert min(row["position"] for row in again) > max(row["position"] for row in given), "no place means another voucher than before"
        assert [row["date"] for row in again] == sorted(row["date"] for row in again), "of posting no more is known than the day"
    for table, expected in before.items():
        assert expected, table
        assert [row for row in expected if row not in after[table]] == [], table
