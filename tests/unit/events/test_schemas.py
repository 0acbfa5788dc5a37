"""The published schemas say what the classes say, in full: descriptions, limits, values, what may be null."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from services.posting.rules.accounts import POSTING_TYPES
from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from shared.events import descriptions
from shared.events.contract import CONTRACT, adapter, full_type
from shared.events.kinds import KINDS
from shared.events.purposes import PURPOSES
from shared.events.schemas import json_schemas
from shared.events.settlements import SPARSE
from shared.events.value_schemas import INBOUND_VALUES, OPEN_BY_NAME
from tests.builders.records import INVOICE, PAYMENT
from tests.scenario_files import FILES, ROOT

SCHEMAS = json_schemas()
NULL = {"type": "null"}


def fields(name: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every field that the data of an event has, at whatever depth: its place, its schema, whether it is required."""
    schema = SCHEMAS[full_type(name)]
    for place, part in (("", schema), *schema["$defs"].items()):
        for field, about in part.get("properties", {}).items():
            yield f"{place}/{field}", about, field in part.get("required", ())


@pytest.mark.parametrize("name", CONTRACT)
def test_every_event_has_a_json_schema_and_every_field_a_description(name: str) -> None:
    schema = SCHEMAS[full_type(name)]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["description"]
    for place, about, _ in fields(name):
        assert about["description"].endswith((".", ")")), place
    assert '"title"' not in str(schema).replace("'", '"')


@pytest.mark.parametrize("name", [name for name, entry in CONTRACT.items() if not entry.inbound])
def test_what_goes_out_is_always_there_and_says_when_it_is_null(name: str) -> None:
    for place, about, required in fields(name):
        assert required != (place.partition("/")[0] in SPARSE), place
        assert "default" not in about, place
        nullable = NULL in about.get("anyOf", ())
        assert not nullable or "null" in about["description"].lower(), place
        values = [each for each in about.get("anyOf", [about]) if each != NULL]
        if place.rpartition("/")[2].endswith(("amount", "debit", "credit", "rate")) and "accounting_currency" not in place:
            assert all("pattern" in each or "$ref" in each for each in values), place
        if place.endswith("/date"):
            assert values[0]["format"] == "date", place


@pytest.mark.parametrize("name", [name for name, entry in CONTRACT.items() if entry.inbound])
def test_what_comes_in_may_be_null_where_it_may_be_left_out(name: str) -> None:
    for place, about, required in fields(name):
        if not place.startswith("SettlementPriority/"):
            assert (NULL in about.get("anyOf", ())) == (not required), place


def test_no_description_is_left_over_and_none_is_missing() -> None:
    classes: dict[str, set[str]] = {}
    for entry in CONTRACT.values():
        mode = "validation" if entry.inbound else "serialization"
        raw = adapter(entry.data).json_schema(mode=mode)  # type: ignore[arg-type]
        for class_, part in ((entry.data.__name__, raw), *raw.get("$defs", {}).items()):
            if "properties" in part:
                classes.setdefault(class_, set()).update(part["properties"])
    assert classes.keys() == descriptions.BY_CLASS.keys()
    assert {class_: set(own) - classes[class_] for class_, own in descriptions.BY_CLASS.items() if set(own) - classes[class_]} == {}
    shared = {field for class_, names in classes.items() for field in names if field not in descriptions.BY_CLASS[class_]}
    assert shared == descriptions.SHARED.keys()
    assert PURPOSES.keys() == CONTRACT.keys()


def test_the_values_of_a_field_are_those_that_the_services_know() -> None:
    voucher = SCHEMAS[full_type("voucher.posted")]
    line = voucher["$defs"]["VoucherLine"]["properties"]
    assert voucher["properties"]["kind"]["enum"] == list(KINDS)
    assert voucher["properties"]["ledger"]["enum"] == ["receivable", "payable"]
    assert set(line["posting_type"]["x-open-enum"]) == POSTING_TYPES
    documented = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    table = documented[documented.index("| code | scope | when |") :].split("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    codes = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)}
    assert set(SCHEMAS[full_type("event.rejected")]["properties"]["code"]["x-open-enum"]) == codes | {"discarded"}


def test_the_rules_of_all_scenarios_are_among_the_rules_that_are_named() -> None:
    seen: set[str] = set()
    for path in FILES:
        seen |= {line["rule"] for voucher in simulate(load_scenario(path)).vouchers for line in voucher["lines"]}
    assert seen == set(OPEN_BY_NAME["rule"])


def test_patterns_are_such_that_validators_of_other_languages_know_them() -> None:
    """No lookahead, no back reference, no class that means something else elsewhere."""
    public = [schema for schema in SCHEMAS.values() if schema["x-audience"] == "public"]
    for schema in public:
        for pattern in re.findall(r"'pattern': '((?:[^'\\]|\\.)*)'", str(schema)):
            assert not re.search(r"\(\?|\\\\[1-9dDwWsSbBpP]|\\\\x", pattern), pattern
    assert all("pattern" in each or "enum" in each or "anyOf" in each or each["type"] == "object" for each in INBOUND_VALUES.values())


@pytest.mark.parametrize(
    ("name", "data", "right"),
    [
        ("vendor-payment.posted", PAYMENT, True),
        ("vendor-payment.posted", PAYMENT | {"amount": 980}, False),
        ("vendor-payment.posted", PAYMENT | {"amount": "1e3"}, False),
        ("vendor-payment.posted", PAYMENT | {"amount": "0.00"}, False),
        ("vendor-payment.posted", PAYMENT | {"amount": "-1.00"}, False),
        ("vendor-payment.posted", PAYMENT | {"currency": "XXX"}, False),
        ("vendor-payment.posted", PAYMENT | {"date": "2026-02-30"}, False),
        ("vendor-payment.posted", PAYMENT | {"extra": 1}, False),
        ("vendor-payment.posted", PAYMENT | {"settle": None, "prepayment": None}, True),
        ("vendor-invoice.posted", INVOICE, True),
        ("vendor-invoice.posted", INVOICE | {"kind": "bill"}, False),
        ("vendor-invoice.posted", INVOICE | {"document": "x" * 65}, False),
        ("vendor-invoice.posted", INVOICE | {"document": " "}, False),
        ("vendor-invoice.posted", INVOICE | {"document": " VI 7 "}, True),
        ("period.closed", {"company": "FAB", "from": "2026-01-01", "to": "2026-01-31"}, True),
        ("period.closed", {"company": "FAB", "from_": "2026-01-01", "to": "2026-01-31"}, False),
        ("settlement-parameters.defined", {"company": "F", "ledger": "payable", "settlement_priority": [{"due_date": "ascending"}]}, True),
        ("settlement-parameters.defined", {"company": "F", "ledger": "payable", "settlement_priority": [{"age": "ascending"}]}, False),
    ],
)
def test_a_schema_takes_what_the_services_take(name: str, data: dict[str, Any], right: bool) -> None:  # noqa: FBT001 - a parameter of the test
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    assert jsonschema.Draft202012Validator(SCHEMAS[full_type(name)], format_checker=checker).is_valid(data) is right
