"""The services under load and faults: afterwards the ledger is the simulation's, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from services.local.processes import service_processes
from services.scenarios.live_run import run
from services.scenarios.scenario_file import Scenario, arrivals
from services.scenarios.simulation import simulate
from services.simulator import streams
from tests.builders.load import compared, environment, in_disorder, intercompany_payments, live_result

pytestmark = pytest.mark.embedded

PAYMENTS = 150


@pytest.fixture
def load() -> Scenario:
    """See tests/builders/load.py."""
    return intercompany_payments(PAYMENTS)


async def _send(services: RunningServices, scenario: Scenario) -> None:
    arriving = arrivals(scenario)
    await services.send(arrival.record for arrival in arriving if arrival.reference)
    await services.until_quiescent()
    await services.send(in_disorder(arriving))


async def test_reordered_and_doubled_events_at_full_speed_leave_the_ledger_of_the_simulation(load: Scenario) -> None:
    async with scenario_backing_services("disorder") as settings, running_services(settings) as services:
        await _send(services, load)
        await services.until_quiescent()
        live = await live_result(settings, load)
    assert compared(live) == compared(simulate(load))
    assert (live.rejected, live.waiting) == ([], [])


@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 15), marks=pytest.mark.long)], ids=["four", "more"])
async def test_random_streams_one_event_after_the_other_leave_the_very_books_of_the_simulation(seeds: range) -> None:
    async with scenario_backing_services("random") as settings, running_services(settings) as services:
        for seed in seeds:
            random = Random(seed)  # noqa: S311 - a drawn test, no secret
            group = streams.group(random, automatic=True, across_currencies=True)
            drawn = streams.events(random, across_currencies=True, reversals=True)
            random.shuffle(drawn)
            scenario = streams.scenario(group, drawn)
            assert await run(scenario, services) == simulate(scenario), seed


@pytest.mark.parametrize("victim", ["settlement", *(pytest.param(each, marks=pytest.mark.long) for each in ("payment", "posting"))])
async def test_a_service_killed_under_load_and_started_again_loses_nothing_and_does_nothing_twice(
    load: Scenario, victim: str, tmp_path: Path
) -> None:
    async with scenario_backing_services("killed") as settings, running_services(settings, here=False) as services:
        variables = environment(settings)
        async with service_processes(variables, tmp_path) as processes:
            await _send(services, load)
            await asyncio.sleep(0.3)
            next(each for each in processes if each.name == victim).process.kill()
            await asyncio.sleep(0.3)
            async with service_processes(variables, tmp_path):
                await services.until_quiescent()
                live = await live_result(settings, load)
    assert compared(live) == compared(simulate(load))
