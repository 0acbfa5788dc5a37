"""The inquiry service beside the three on a real broker and database: what it has, that nobody waits for it, and reading it all again."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.schemas import Schemas, open_schemas
from services.inquiry.checks import check, digest
from services.inquiry.rules.projection import KEYS
from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from services.local.processes import service_processes
from services.operations.inquiry_rebuild import RebuildIncompleteError, rebuild
from services.registry import INQUIRY, PROCESSES
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from tests.builders.inquiry import in_order
from tests.builders.inquiry import rows as rows_of
from tests.builders.load import environment, intercompany_payments
from tests.live.arriving import arrive
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


pytestmark = pytest.mark.embedded

OF_THE_BROKER = {"position", "offset", "last_offset", "reference", "from_time", "posted_on"}
"""What depends on where the broker put a record, and when."""


@asynccontextmanager
async def _running(namespace: str) -> AsyncIterator[tuple[RunningServices, Schemas]]:
    async with (
        scenario_backing_services(namespace) as settings,
        running_services(settings, inquiry=True) as services,
        open_schemas(settings) as schemas,
    ):
        yield services, schemas


def _said(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [{name: value for name, value in row.items() if not name.endswith("_at") and name not in OF_THE_BROKER} for row in kept]
        for table, kept in found.items()
    }


async def _stored(schemas: Schemas) -> dict[str, list[dict[str, Any]]]:
    async with schemas.of("inquiry") as connection:
        return in_order({table: [dict(row) for row in await connection.fetch(f"select * from {table}")] for table in KEYS})  # noqa: S608


async def _digest(schemas: Schemas) -> dict[str, str]:
    async with schemas.of("inquiry") as connection:
        return await digest(connection)


async def _places(schemas: Schemas) -> dict[tuple[str, str, int], int]:
    """Each voucher's place in the order of posting."""
    async with schemas.of("inquiry") as connection:
        rows = await connection.fetch("select company, series, number, position from vouchers")
    return {(row["company"], row["series"], row["number"]): row["position"] for row in rows}


async def _problems(schemas: Schemas, as_of: date | None = None) -> list[str]:
    async with schemas.of("inquiry") as connection:
        return [each.name for each in await check(connection, as_of) if not each.holds]


async def _execute(schemas: Schemas, statement: str) -> None:
    async with schemas.of("inquiry") as connection:
        await connection.execute(statement)


async def test_it_has_what_the_simulation_has_and_on_every_date_the_books_agree() -> None:
    scenario = load_scenario(IC_4)
    simulation = Simulation(inquiry=True)
    for arrival in arrivals(scenario):
        simulation.send(arrival.record)
    async with _running("inquiry") as (services, schemas):
        await arrive(services, scenario)
        await services.until_inquiry_has_read()
        stored = _said(await _stored(schemas))
        assert {day: await _problems(schemas, day) for day in (date(2026, 3, 11), date(2026, 3, 12), None)} == {
            date(2026, 3, 11): [],
            date(2026, 3, 12): [],
            None: [],
        }
    expected = _said(rows_of(simulation.inquiry_books))
    for table in KEYS:
        assert stored[table] == expected[table], table


async def test_read_again_from_the_beginning_it_has_the_same_and_what_was_wrong_is_right_again() -> None:
    async with _running("rebuilt") as (services, schemas):
        await arrive(services, load_scenario(IC_4))
        await services.until_inquiry_has_read()
        before = await _digest(schemas)
        await _execute(schemas, "update documents set open_accounting = open_accounting + 1; update daily set debit = debit + 1")
        assert len(await _problems(schemas)) >= 2
        places = await _places(schemas)
        assert await rebuild(services.settings) == before
        assert await _places(schemas) == places
        assert await _digest(schemas) == before
        assert await _problems(schemas) == []
        await services.send(arrival.record for arrival in arrivals(intercompany_payments(5)))
        await services.until_quiescent()
        await services.until_inquiry_has_read()
        further = await _digest(schemas)
        assert further["vouchers"] != before["vouchers"]
        given = await _places(schemas)
        assert min(given.values()) == min(places.values())
        assert all(place > max(places.values()) for voucher, place in given.items() if voucher not in places), "none is given twice"
        assert await rebuild(services.settings) == further
        assert await _places(schemas) == given, "who reads on from where it was passes over nothing"


async def test_where_the_topics_no_longer_have_everything_the_tables_stay() -> None:
    async with _running("lost") as (services, schemas):
        await arrive(services, load_scenario(IC_4))
        await services.until_inquiry_has_read()
        await _execute(
            schemas,
            "insert into refusals select 'older', at, service, source, event, type, scope, code, field, message, company, "
            "document, original from refusals limit 1; insert into journal_refusals values ('A', 'B', now()); "
            "insert into takes select run_source, 'older', ledger, number, side, company, document, date, amount, value, "
            "posted_at from takes limit 1",
        )
        before = await _digest(schemas)
        with pytest.raises(RebuildIncompleteError, match="takes: "):
            await rebuild(services.settings)
        assert await _digest(schemas) == before


async def test_read_again_while_events_come_in_nothing_is_passed_over(tmp_path: Path) -> None:
    arriving = arrivals(intercompany_payments(120))
    posted = Simulation()
    for arrival in arriving:
        posted.send(replace(arrival.record))
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(scenario_backing_services("meanwhile"))
        services = await stack.enter_async_context(running_services(settings, here=False, inquiry=True))
        schemas = await stack.enter_async_context(open_schemas(settings))
        processes = await stack.enter_async_context(service_processes(environment(settings), tmp_path, PROCESSES))
        await services.send(arrival.record for arrival in arriving)
        await rebuild(settings)
        next(each for each in processes if each.name == "inquiry").process.kill()
        await services.until_quiescent()
        await stack.enter_async_context(service_processes(environment(settings), tmp_path, [INQUIRY]))
        await services.until_inquiry_has_read()
        assert await _problems(schemas) == []
        before = await _digest(schemas)
        assert before["vouchers"].startswith(f"{len(list(posted.books.posting.vouchers))}/")
        assert await rebuild(settings) == before
