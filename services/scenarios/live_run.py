"""Runs scenarios through the real services, broker and database, one event after the other.

Invariant: the records are those of `simulate`; the next event is sent when the one before has had all its
effects; each file starts with empty books, in a namespace of its own, never the product's.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from services.desk.rows import Result, collect
from services.desk.schemas import load_books, load_rejections, open_schemas
from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from services.scenarios.scenario_file import arrivals
from services.scenarios.simulation import refs, refuse_wrong_group, split
from shared.telemetry import set_up_logs, silence_libraries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.scenarios.scenario_file import Scenario

NAMESPACE: Final = "scenario"


@asynccontextmanager
async def scenario_services() -> AsyncIterator[RunningServices]:
    """Broker, database and services for scenarios, started once for all files; nothing of them is left at the end, nor after SIGTERM."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with scenario_backing_services(NAMESPACE) as settings:
        set_up_logs(settings)
        async with running_services(settings) as services:
            try:
                yield services
            finally:
                silence_libraries()


async def run(scenario: Scenario, services: RunningServices) -> Result:
    """What comes out of a scenario. FileError if its group is refused; NotQuiescentError if a service fails.

    The group's entities are sent at once: one partition keeps their order and there is nothing yet that they act on.
    """
    await services.reset()
    arriving = arrivals(scenario)
    group, events = split(arriving)
    await services.send(arrival.record for arrival in group)
    await services.until_quiescent()
    async with open_schemas(services.settings) as schemas:
        refuse_wrong_group(scenario, arriving, await load_rejections(schemas))
        for arrival in events:
            await services.send([arrival.record])
            await services.until_quiescent()
        return collect(scenario.id, await load_books(schemas), await load_rejections(schemas), refs(arriving))
