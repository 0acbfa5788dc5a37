"""What is looked at after a storm: nothing is wrong where nothing was done, and what was lost, doubled or changed is found and named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from shared.settings import Settings
from tests.containers.storm.checks import Findings, findings
from tests.containers.storm.load import SHAPES, Load
from tests.containers.storm.outcome import Expected

pytestmark = pytest.mark.embedded

UNITS = len(SHAPES)


@dataclass
class Sent:
    """The services after a load, one unit of each shape."""

    settings: Settings
    load: Load
    services: RunningServices

    async def found(self, units: int = UNITS) -> Findings:
        """What is found."""
        await self.services.until_quiescent()
        await self.services.until_inquiry_has_read()
        return await findings(self.settings, self.load, Expected(self.load), units)

    async def change(self, statement: str) -> None:
        """Changes a table behind the services' backs, once all is posted."""
        await self.services.until_quiescent()
        connection = await asyncpg.connect(self.settings.database)
        try:
            changed = await connection.execute(statement.format(schema=self.settings.schema_name("settlement")))
        finally:
            await connection.close()
        assert changed.split()[-1] != "0"


@pytest.fixture
async def sent() -> AsyncIterator[Sent]:
    """Everything sent once and the whole of it again."""
    async with scenario_backing_services("checked") as settings, running_services(settings, inquiry=True) as services:
        load = Load(24)
        await services.send(load.reference())
        records = [record for number in range(UNITS) for record in load.unit(number).records]
        await services.send((*records, *reversed(records)))
        yield Sent(settings, load, services)


async def test_where_nothing_was_done_nothing_is_found_and_all_is_counted(sent: Sent) -> None:
    found = await sent.found()
    events = sum(len(sent.load.unit(number).records) for number in range(UNITS))
    assert found.problems == []
    assert found.counts["events in the broker's log"] == 2 * events
    assert found.counts["events there more than once"] == events
    assert found.counts["events that wait"] == 1


async def test_an_event_that_the_broker_lost_is_named(sent: Sent) -> None:
    problems = (await sent.found(UNITS + 1)).problems
    assert any("the broker acknowledged" in problem and f"U{UNITS:07}" in problem for problem in problems)
    assert any(problem.startswith(f"unit {UNITS} lacks voucher") for problem in problems)


async def test_units_that_nobody_sent_are_named(sent: Sent) -> None:
    problems = (await sent.found(UNITS - 1)).problems
    assert f"unit {UNITS - 1} was never sent and is in the books" in problems


async def test_what_was_changed_in_one_table_is_found_by_its_unit(sent: Sent) -> None:
    await sent.change("delete from \"{schema}\".documents where document = 'CI-U0000000'")
    problems = (await sent.found()).problems
    assert any(problem.startswith("unit 0 lacks document") for problem in problems)
