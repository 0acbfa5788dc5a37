"""What a published schema lets through, the services take: instances are generated from the schemas that were promised."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.contract.places import FOLDER, promises
from shared.events import codec
from shared.events.contract import short_type
from shared.events.value_schemas import INBOUND_VALUES, READERS
from tests.builders.instances import instances
from tests.scenario_files import ROOT

INSTANCES = int(os.environ.get("CONTRACT_INSTANCES", "15"))
"""How many of each schema; 500 by hand take some minutes."""

TRIED = settings(max_examples=INSTANCES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def _inbound() -> list[Path]:
    paths = [path for version in promises(ROOT / FOLDER) for path in sorted((version / "schemas").glob("*.json"))]
    return [path for path in paths if json.loads(path.read_text())["x-direction"] == "inbound"]


@pytest.mark.parametrize("path", _inbound(), ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_the_services_take_whatever_a_promised_schema_lets_through(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save what contradicts, which no schema has words for: the digits of a currency, a percentage beside an amount."""
    monkeypatch.setattr(codec, "contradictions", lambda _name, _data: iter(()))
    monkeypatch.setattr(codec, "completed", lambda _name, data, _source: data)
    name, schema = str(short_type(path.stem)), json.loads(path.read_text())
    independent = jsonschema.Draft202012Validator(schema)

    @TRIED
    @given(instances(schema))
    def taken(data: Any) -> None:
        assert independent.is_valid(data)
        assert codec.read_data(name, orjson.dumps(data), "/erp") is not None

    taken()


@pytest.mark.parametrize("name", INBOUND_VALUES)
def test_a_value_that_its_schema_lets_through_is_read(name: str) -> None:
    @TRIED
    @given(instances(INBOUND_VALUES[name], {"$defs": INBOUND_VALUES}))
    def read(value: Any) -> None:
        assert READERS[name].validate_python(value) is not None

    read()


@given(st.text(max_size=8))
def test_what_is_not_of_the_contract_is_not_published_as_if_it_were(text: str) -> None:
    assert short_type(f"intercompany.{text}.v1") is None
