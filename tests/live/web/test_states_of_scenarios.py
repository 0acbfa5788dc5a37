"""What became of every event of a scenario, asked of the services' tables: what the simulation says of it, and nothing on its way.

Which records post vouchers is held to every scenario without a database (tests/unit/desk/test_vouchers_due.py); these are some in which
a run posts none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.desk.event_state import event_state
from services.desk.schemas import open_schemas
from services.inquiry.queries.events import StageOfEvent
from services.scenarios.live_run import run, scenario_services
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import refs, simulate, split
from tests.scenario_files import FILES

if TYPE_CHECKING:
    from services.scenarios.scenario_file import Scenario
    from shared.events.envelope import EventRef

pytestmark = pytest.mark.embedded

NAMED = {"pva-1", "reservation", "trading-relation", "ic-1", "k27-a-contradiction-comes-before-a-rate", "not-a-member"}


def _expected(scenario: Scenario) -> dict[EventRef, StageOfEvent]:
    result = simulate(scenario)
    waits, refused = ({row["event"] for row in rows} for rows in (result.waiting, result.rejected))
    _, events = split(arrivals(scenario))
    return {
        ref: StageOfEvent.WAITING if ref.id in waits else StageOfEvent.REFUSED if ref.id in refused else StageOfEvent.POSTED
        for ref in refs(events)
    }


async def test_every_event_ends_in_the_state_that_the_simulation_says() -> None:
    chosen = [path for path in FILES if path.stem in NAMED]
    assert len(chosen) == len(NAMED)
    async with scenario_services() as services:
        for path in chosen:
            scenario = load_scenario(path)
            await run(scenario, services)
            async with open_schemas(services.settings) as schemas:
                found = {ref: (await event_state(schemas, ref)).state for ref in _expected(scenario)}
            assert found == _expected(scenario), path.stem
