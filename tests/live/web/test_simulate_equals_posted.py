"""What is simulated is what then posts: over the scenarios, on a real broker and database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from services.desk.rows import Result, collect
from services.desk.schemas import Schemas, load_books, load_rejections, open_schemas
from services.operations.simulate import SimulatedResult, simulate_events
from services.scenarios.live_run import scenario_services
from services.scenarios.scenario_file import Arrival, arrivals, load_scenario
from services.scenarios.simulation import refs, split
from tests.scenario_files import EXAMPLES, FILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from services.local.in_process import RunningServices

pytestmark = pytest.mark.embedded

Row = dict[str, Any]
NOW = datetime(2026, 3, 12, tzinfo=UTC)
PARTS = ("vouchers", "settlements", "journals", "rejected", "waiting")
TRIED = [*sorted(EXAMPLES.glob("*.yaml")), *(file for file in FILES if file.parent.name == "reversals")]
"""The documented examples, and what is taken back: where all three services and what waits have part."""
EVENT_BY_EVENT = frozenset({"ic-4", "wait-1", "der-rev-1", "mi-1", "cp-ar-3"})
"""Of these each event is simulated on what the ones before have posted; of all others all events at once on the group alone."""


def without_numbers(vouchers: Sequence[Row]) -> list[str]:
    """Vouchers but for their numbers, which only posting gives."""
    return sorted(str({**row, "voucher": row["series"], "number": None}) for row in vouchers)


def new(after: Result, before: Result, part: str) -> list[str]:
    """What of a part was not there before."""
    rows, old = (getattr(result, part) for result in (after, before))
    if part == "vouchers":
        known = {(row["company"], row["voucher"]) for row in old}
        return without_numbers([row for row in rows if (row["company"], row["voucher"]) not in known])
    return sorted(str(row) for row in rows if row not in old)


async def stored(schemas: Schemas, arriving: Sequence[Arrival]) -> Result:
    return collect("", await load_books(schemas), await load_rejections(schemas), refs(arriving))


def check_equal(simulated: SimulatedResult, before: Result, after: Result) -> None:
    found = simulated.result
    assert simulated.is_whole
    for part in PARTS:
        rows = getattr(found, part)
        said = without_numbers(rows) if part == "vouchers" else sorted(map(str, rows))
        assert said == new(after, before, part), part
    balances = [{row["company"] + row["document"] + row["ledger"]: row["balance"] for row in each.open} for each in (before, after)]
    for row in found.open:
        key = row["company"] + row["document"] + row["ledger"]
        assert (row["before"], row["after"]) == (balances[0].get(key), balances[1].get(key)), key
    touched = {row["company"] + row["document"] + row["ledger"] for row in found.open}
    assert {key for key, balance in balances[1].items() if balances[0].get(key) != balance} <= touched


async def check_scenario(services: RunningServices, schemas: Schemas, file: Path) -> None:
    scenario = load_scenario(file)
    group, events = split(arrivals(scenario))
    await services.reset()
    await services.send(arrival.record for arrival in group)
    await services.until_quiescent()
    steps = [[event] for event in events] if scenario.id in EVENT_BY_EVENT else [events]
    for step in steps:
        before = await stored(schemas, step)
        records = [arrival.record for arrival in step]
        simulated = await simulate_events(schemas, records, NOW)
        again = await simulate_events(schemas, records, NOW)
        assert again.as_row() == simulated.as_row()
        assert await stored(schemas, step) == before
        for record in records:
            await services.send([record])
            await services.until_quiescent()
        check_equal(simulated, before, await stored(schemas, step))


async def test_simulate_equals_posted() -> None:
    async with scenario_services() as services, open_schemas(services.settings) as schemas:
        for file in TRIED:
            await check_scenario(services, schemas, file)
