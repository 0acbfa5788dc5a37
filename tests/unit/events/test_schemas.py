"""The contract's documents say the same as its classes."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from shared.events.contract import CONTRACT, full_type
from shared.events.envelope import Topic
from shared.events.schemas import asyncapi, json_schemas
from tests.builders.records import INVOICE, PAYMENT

SCHEMAS = json_schemas()


@pytest.mark.parametrize("name", CONTRACT)
def test_every_event_has_a_json_schema(name: str) -> None:
    schema = SCHEMAS[full_type(name)]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"


@pytest.mark.parametrize(
    ("name", "data", "right"),
    [
        ("vendor-payment.posted", PAYMENT, True),
        ("vendor-payment.posted", PAYMENT | {"amount": 980}, False),
        ("vendor-payment.posted", PAYMENT | {"amount": "1e3"}, False),
        ("vendor-payment.posted", PAYMENT | {"extra": 1}, False),
        ("vendor-invoice.posted", INVOICE, True),
        ("vendor-invoice.posted", INVOICE | {"kind": "bill"}, False),
        ("vendor-invoice.posted", INVOICE | {"document": "x" * 65}, False),
        ("period.closed", {"company": "FAB", "from": "2026-01-01", "to": "2026-01-31"}, True),
        ("period.closed", {"company": "FAB", "from_": "2026-01-01", "to": "2026-01-31"}, False),
    ],
)
def test_a_schema_takes_what_the_services_take(name: str, data: dict[str, Any], right: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert jsonschema.Draft202012Validator(SCHEMAS[full_type(name)]).is_valid(data) is right


def test_the_asyncapi_document_knows_every_topic_and_event_and_all_it_refers_to() -> None:
    document = asyncapi("1.2.3")
    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in document["channels"].values()} == {entry.topic for entry in CONTRACT.values()}
    assert document["operations"]["payments"]["action"] == "receive"
    assert document["operations"]["vouchers"]["action"] == "send"
    assert set(document["components"]["messages"]) == set(CONTRACT)
    assert all(_found(document, reference) for reference in _references(document))
    assert "customer-payment.posted" in document["channels"][Topic.PAYMENTS.rpartition(".")[2]]["messages"]


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [each for value in part.values() for each in _references(value)]
    return [each for value in part for each in _references(value)] if isinstance(part, list) else []


def _found(document: Any, reference: str) -> bool:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return bool(document)
