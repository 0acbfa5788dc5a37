"""What the services send in every documented scenario is as the contract says, and as every published version says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.contract.places import FOLDER, promises
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from shared.events.codec import as_json
from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import Outgoing
from shared.events.schemas import audience, json_schemas
from shared.events.vouchers import Rejection
from tests.scenario_files import DOCUMENTED, EXAMPLES, ROOT

VERSIONS = [None, *promises(ROOT / FOLDER)]
REFUSED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@cache
def schemas(folder: Path | None) -> dict[str, jsonschema.Draft202012Validator]:
    """The validators of a version by type, of the public topics; None: of now."""
    files = [] if folder is None else sorted((folder / "schemas").glob("*.json"))
    found = {path.stem: json.loads(path.read_text()) for path in files} or json_schemas()
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    public = {type_: schema for type_, schema in found.items() if schema["x-audience"] == "public"}
    return {type_: jsonschema.Draft202012Validator(schema, format_checker=checker) for type_, schema in public.items()}


def sent(path: Path) -> list[Outgoing]:
    """What goes out on public topics; a service's clock sets the time of a refusal."""
    outgoing: list[Outgoing] = []
    simulation = Simulation(outgoing.append)
    for arrival in arrivals(load_scenario(path)):
        simulation.send(arrival.record)
    public = [each for each in outgoing if audience(CONTRACT[each.type].topic) == "public"]
    return [replace(each, data=_dated(each.data)) for each in public]


def _dated(data: Any) -> Any:
    return replace(data, at=REFUSED_AT) if isinstance(data, Rejection) else data


@pytest.mark.parametrize("path", [*sorted(EXAMPLES.glob("*.yaml")), *sorted(DOCUMENTED.glob("*.yaml"))], ids=lambda path: path.stem)
def test_every_event_that_goes_out_is_right_for_an_independent_validator(path: Path) -> None:
    for outgoing in sent(path):
        data = json.loads(as_json(outgoing.data))
        for version in VERSIONS:
            known = schemas(version)[full_type(outgoing.type)]
            assert [error.message for error in known.iter_errors(data)] == [], (outgoing.type, version)
