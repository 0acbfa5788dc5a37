"""A scenario sent to running services as `intercompany run` sends it: its group at once, then its events one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.scenarios.scenario_file import arrivals
from services.scenarios.simulation import split

if TYPE_CHECKING:
    from services.local.in_process import RunningServices
    from services.scenarios.scenario_file import Scenario


async def arrive(services: RunningServices, scenario: Scenario) -> None:
    """Sends it; each event has had all its effects before the next one comes."""
    group, events = split(arrivals(scenario))
    await services.send(arrival.record for arrival in group)
    await services.until_quiescent()
    for arrival in events:
        await services.send([arrival.record])
        await services.until_quiescent()
