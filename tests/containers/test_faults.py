"""Services as processes on Apache Kafka and PostgreSQL, with faults under load: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import re
import signal
from contextlib import AsyncExitStack
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.local.processes import all_ready, service_processes
from services.registry import SERVICES
from services.scenarios.scenario_file import Scenario
from services.scenarios.simulation import Simulation, simulate
from shared.events.envelope import Topic
from tests.builders.invoices import poison
from tests.builders.load import differences, disagreements, environment, intercompany_payments, live_result
from tests.containers.offsets import all_committed, ends_of_all, read_from_the_beginning
from tests.containers.parts import Parts, started_parts
from tests.containers.under_load import assert_as_simulated, flowing, group_sent, send, until_quiescent
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from services.desk.rows import Result
    from shared.delivery.ports import Partition
    from shared.settings import Settings

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """One broker and one database for all tests; each has a namespace of its own."""
    with started_parts() as parts:
        yield parts


@pytest.fixture(scope="module")
def load() -> Scenario:
    """Intercompany payments with mirrors."""
    return intercompany_payments(300)


@pytest.fixture(scope="module")
def simulated(load: Scenario) -> Result:
    """What must come out of it."""
    return simulate(load)


@pytest.mark.parametrize(("ending", "code"), [pytest.param(signal.SIGTERM, 0, marks=pytest.mark.long), (signal.SIGKILL, -signal.SIGKILL)])
async def test_second_instances_join_and_the_first_ones_end_under_load(  # noqa: PLR0913 - two are what is tested
    parts: Parts, load: Scenario, simulated: Result, tmp_path: Path, ending: signal.Signals, code: int
) -> None:
    settings = parts.settings()
    variables = environment(settings)
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(service_processes(variables, tmp_path / "first"))
        one, two, three = await group_sent(settings, load)
        await all_ready(first)
        async with flowing(settings, one):
            second = await stack.enter_async_context(service_processes(variables, tmp_path / "second"))
            await all_ready(second)
        async with flowing(settings, two):
            for each in first:
                each.process.send_signal(ending)
            assert [await asyncio.wait_for(each.process.wait(), 30) for each in first] == [code] * 3
        async with flowing(settings, three):
            await all_ready(second)
        await assert_as_simulated(settings, load, simulated)


@pytest.mark.long  # the storm does all of it
@pytest.mark.parametrize("how", [Parts.restart, Parts.kill])
@pytest.mark.parametrize("part", ["kafka", "postgres"])
async def test_a_part_restarts_under_load_and_no_service_needs_a_hand(  # noqa: PLR0913 - two are what is tested
    parts: Parts, load: Scenario, simulated: Result, tmp_path: Path, part: str, how: Callable[[Parts, str], None]
) -> None:
    settings = parts.settings()
    async with service_processes(environment(settings), tmp_path) as processes:
        one, two, three = await group_sent(settings, load)
        await all_ready(processes)
        await send(settings, one)
        async with flowing(settings, two):
            await asyncio.to_thread(how, parts, part)
        async with flowing(settings, three):
            await parts.until_up()
            await all_ready(processes)
        await assert_as_simulated(settings, load, simulated)
    assert [each.process.returncode for each in processes] == [0, 0, 0]


def _peak_mib(process: asyncio.subprocess.Process) -> int:
    """The most memory that a process has had resident."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(re.findall(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)[0]) // 1024


async def test_a_service_that_stood_still_catches_up_with_its_backlog_in_bounded_memory(parts: Parts, tmp_path: Path) -> None:
    settings, load = parts.settings(), intercompany_payments(1000)
    async with service_processes(environment(settings), tmp_path) as processes:
        records = await group_sent(settings, load)
        await all_ready(processes)
        posting = next(each.process for each in processes if each.name == "posting")
        posting.send_signal(signal.SIGSTOP)
        try:
            await send(settings, list(chain(*records)))
            await until_quiescent(settings, [service for service in SERVICES if service.name != "posting"])
        finally:
            posting.send_signal(signal.SIGCONT)
        await assert_as_simulated(settings, load, simulate(load))
        await all_ready(processes)
        peaks = {each.name: _peak_mib(each.process) for each in processes}
    assert max(peaks.values()) <= 150, peaks


async def _ends_of_decisions(settings: Settings) -> dict[Partition, int]:
    """Without the journals: the payment service hands a payment on each time it comes, and settlement knows it by its id."""
    decisions = {Topic.SETTLEMENTS, Topic.VOUCHERS, Topic.REJECTIONS}
    return {place: end for place, end in (await ends_of_all(settings)).items() if place.topic in decisions}


async def test_every_topic_read_again_from_its_beginning_changes_nothing(
    parts: Parts, load: Scenario, simulated: Result, tmp_path: Path
) -> None:
    settings = parts.settings()
    async with service_processes(environment(settings), tmp_path):
        await send(settings, list(chain(*await group_sent(settings, load))))
        await assert_as_simulated(settings, load, simulated)
    before, ends = await live_result(settings, load), await _ends_of_decisions(settings)
    await read_from_the_beginning(settings)
    async with service_processes(environment(settings), tmp_path):
        await until(partial(all_committed, settings), 120)
        await assert_as_simulated(settings, load, simulated)
    assert await live_result(settings, load) == before
    assert await _ends_of_decisions(settings) == ends


@pytest.mark.long
async def test_records_that_are_no_events_among_the_load_are_refused_and_stop_nothing(
    parts: Parts, load: Scenario, simulated: Result, tmp_path: Path
) -> None:
    settings, spoilt = parts.settings(), list(poison().values())
    async with service_processes(environment(settings), tmp_path):
        one, two, three = await group_sent(settings, load)
        await send(settings, [*one, *spoilt, *two, *three])
        await until_quiescent(settings)
        live = await live_result(settings, load)
    assert differences(live, simulated) == []
    simulation = Simulation()
    for record in spoilt:
        simulation.send(record)
    assert {refusal.code for refusal in simulation.rejections} == {row["code"] for row in live.rejected}
    assert len(live.rejected) == len(simulation.rejections) == len(spoilt)
    assert await disagreements(settings) == []
