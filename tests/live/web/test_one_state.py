"""What became of an event is said once: its state, and when it was refused, are the same whatever page one asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from services.scenarios.scenario_file import SOURCE, arrivals, load_scenario
from tests.live.web.api import api_on
from tests.scenario_files import EXAMPLES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.embedded

SCENARIOS = {
    "marks": (ROOT / "tests/scenarios/settlement/amount-to-settle.yaml", {"posted", "refused"}),
    "refused": (EXAMPLES / "bad-1.yaml", {"posted", "refused"}),
    "waiting": (ROOT / "tests/scenarios/reversals/waits-for-the-marks.yaml", {"posted", "refused", "waiting"}),
}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(.*)")


def times(said: Any) -> Iterator[str]:
    """Every time in an answer."""
    if isinstance(said, dict | list):
        for each in said.values() if isinstance(said, dict) else said:
            yield from times(each)
    elif isinstance(said, str) and TIME.fullmatch(said):
        yield said


@pytest.mark.parametrize("name", SCENARIOS)
async def test_an_event_has_one_state_and_a_refusal_one_time(name: str) -> None:
    file, expected = SCENARIOS[name]
    states = set()
    async with api_on(f"state{name}", file) as api:
        listed = {row["id"]: row["rejected_at"] for row in (await api.get("/v1/refusals", limit=500))["data"]}
        for event in {dict(each.record.headers)["ce_id"].decode() for each in arrivals(load_scenario(file)) if not each.reference}:
            said = await api.get("/v1/event", source=SOURCE, id=event)
            if said["state"] == "unknown":
                continue
            trace = (await api.get("/v1/trace", event=event, source=SOURCE))["data"]
            (node,) = [each for each in trace["nodes"] if each["kind"] == "event" and each["event"]["id"] == event]
            assert node["state"] == said["state"], event
            assert {each["id"]: each["at"] for each in node["refusals"]} == {each["id"]: each["rejected_at"] for each in said["refusals"]}
            assert {each["id"]: each["rejected_at"] for each in said["refusals"]}.items() <= listed.items()
            assert [each for each in times([said, trace]) if not each.endswith("Z")] == []
            states.add(said["state"])
        for path in ("/v1/refusals", "/v1/waiting", "/v1/actions", "/v1/flow", "/v1/checks", "/v1/vouchers", "/v1/reference"):
            found = [each for each in times(await api.get(path)) if not each.endswith("Z")]
            assert found == [], path
    assert states == expected
