"""Every published example is taken by the services and by an independent validator; what is made wrong of it, by neither."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.contract.checking import verdicts
from services.contract.places import FOLDER, promises
from shared.events.codec import decode
from shared.events.contract import CONTRACT, short_type
from shared.events.envelope import Message, Record
from tests.scenario_files import ROOT

CONTRACT_FOLDER = ROOT / FOLDER
EXAMPLES = sorted((CONTRACT_FOLDER / "examples").glob("*.json"))
PROMISED = [path for version in promises(CONTRACT_FOLDER) for path in sorted((version / "examples").glob("*.json"))]
CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER
Event = dict[str, Any]


def validator(type_: str, folder: Path = CONTRACT_FOLDER) -> jsonschema.Draft202012Validator:
    schema = json.loads((folder / f"schemas/{type_}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=CHECKER)


def is_taken(event: Event) -> bool:
    topic = CONTRACT[str(short_type(event["type"]))].topic
    record = Record(topic, b"key", json.dumps(event).encode(), (("content-type", b"application/cloudevents+json"),))
    return isinstance(decode(record), Message)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_right_for_an_independent_validator_and_for_the_services(path: Path) -> None:
    event = json.loads(path.read_text())
    assert [error.message for error in validator(event["type"]).iter_errors(event["data"])] == []
    assert [good for good, _ in verdicts(path.read_bytes())] == [True]
    assert path.name.startswith(event["type"])


@pytest.mark.parametrize("path", PROMISED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_an_example_that_was_published_is_still_taken(path: Path) -> None:
    """Those of internal topics are no promise."""
    event = json.loads(path.read_text())
    schema = validator(event["type"], path.parents[1]).schema
    assert isinstance(schema, dict)
    assert schema["x-audience"] == "internal" or is_taken(event)


def mutations(event: Event, schema: Event) -> Iterator[tuple[str, Event]]:
    """The event with something wrong at each of its fields, as far as a schema can know."""
    for name in event["data"]:
        if name in schema["required"]:
            yield f"without {name}", _changed(event, name, ...)
        yield f"{name} as a number with digits", _changed(event, name, 1.5)
        yield f"{name} as an object", _changed(event, name, {"x": {"y": 1}})
    yield "another field", _changed(event, "no_such_field", "x")


def _changed(event: Event, name: str, value: Any) -> Event:
    changed = copy.deepcopy(event)
    if value is ...:
        del changed["data"][name]
    else:
        changed["data"][name] = value
    return changed


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_what_is_wrong_in_an_example_is_refused_by_both(path: Path) -> None:
    event = json.loads(path.read_text())
    independent = validator(event["type"])
    schema = independent.schema
    assert isinstance(schema, dict)
    if schema["x-direction"] == "outbound":
        return
    for what, changed in mutations(event, schema):
        assert (independent.is_valid(changed["data"]), is_taken(changed)) == (False, False), what
