"""What is simulated is what then posts: over the scenarios, on a real broker and database."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from services.contract.examples import structured
from services.desk.rows import Result, collect
from services.desk.schemas import Schemas, load_books, load_rejections, open_schemas
from services.desk.why.finding import why
from services.operations.simulate import SimulatedResult, simulate_events
from services.scenarios.live_run import scenario_services
from services.scenarios.scenario_file import Arrival, arrivals, load_scenario
from services.scenarios.simulation import refs, split
from services.web.app import create_app
from services.web.ports import WebPorts
from services.web.routes.simulate import Simulated
from tests.builders.web import Kept, StandingClock, asking
from tests.scenario_files import EXAMPLES, FILES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx

    from services.local.in_process import RunningServices
    from shared.events.envelope import Record

pytestmark = pytest.mark.embedded

Row = dict[str, Any]
NUMBER = re.compile(r"-[0-9]{6}\b")
NOW = datetime(2026, 3, 12, tzinfo=UTC)
PARTS = ("vouchers", "settlements", "journals", "rejected", "waiting")
TRIED = [*sorted(EXAMPLES.glob("*.yaml")), *(file for file in FILES if file.parent.name == "reversals")]
"""The documented examples, and what is taken back: where all three services and what waits have part."""
EVENT_BY_EVENT = frozenset({"ic-4", "wait-1", "der-rev-1", "mi-1", "cp-ar-3"})
"""Of these each event is simulated on what the ones before have posted; of all others all events at once on the group alone."""


EXPLAINED = EVENT_BY_EVENT | {"cd-fx", "cp-ar-4", "der-cp-ar-2p", "with-a-primary"}
"""Of these what each line says is compared with what it says once it is posted."""


def without_numbers(vouchers: Sequence[Row]) -> list[str]:
    """Vouchers but for their numbers, which only posting gives, and for what their lines say."""
    return sorted(map(unnumbered, vouchers))


def unnumbered(row: Row) -> str:
    lines = [{name: value for name, value in line.items() if name != "why"} for line in row["lines"]]
    said = {name: value for name, value in row.items() if name != "digest"}  # it covers the number
    return str({**said, "voucher": row["series"], "number": None, "lines": lines})


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


async def check_reasons(schemas: Schemas, simulated: SimulatedResult, after: Result) -> None:
    """Every line says what it says once it is posted, but for numbers of vouchers."""
    posted = {unnumbered(row): row for row in after.vouchers}
    for row in simulated.result.vouchers:
        found = posted[unnumbered(row)]
        for place, line in enumerate(row["lines"], start=1):
            said = (await why(schemas, row["company"], found["voucher"], place, "en")).as_row()
            del said["line"]
            assert line["why"]["is_explained"], line
            assert NUMBER.sub("-next", str(line["why"])) == NUMBER.sub("-next", str(said))


async def over_http(client: httpx.AsyncClient, records: Sequence[Record]) -> Row:
    """What is answered to the events as JSON documents."""
    answer = await client.post("/v1/simulate", json={"events": [structured(record) for record in records]})
    assert answer.status_code == 200, answer.text
    said: Row = answer.json()
    assert TypeAdapter(Simulated).validate_python(said).model_dump(by_alias=True, exclude_unset=True) == said
    return said


async def check_scenario(services: RunningServices, schemas: Schemas, client: httpx.AsyncClient, file: Path) -> None:
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
        if scenario.id in EVENT_BY_EVENT:
            assert await over_http(client, records) == {**simulated.as_row(), "unreadable": []}
        assert await stored(schemas, step) == before
        for record in records:
            await services.send([record])
            await services.until_quiescent()
        after = await stored(schemas, step)
        check_equal(simulated, before, after)
        if scenario.id in EXPLAINED:
            await check_reasons(schemas, simulated, after)


@pytest.mark.parametrize("files", [TRIED[::5], pytest.param(TRIED, marks=pytest.mark.long)], ids=["a fifth", "all"])
async def test_simulate_equals_posted(files: Sequence[Path]) -> None:
    async with scenario_services() as services, open_schemas(services.settings) as schemas:
        app = create_app(services.settings, WebPorts(services.settings, schemas, Kept(), StandingClock()))
        async with asking(app) as client:
            for file in files:
                await check_scenario(services, schemas, client, file)
