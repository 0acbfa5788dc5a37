"""What breaks those who rely on the contract is found, each kind of it; what only adds is let through."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from services.contract.comparison import breaks
from shared.events.contract import full_type
from shared.events.schemas import json_schemas

INVOICE, PAYMENT, VOUCHER = map(full_type, ("customer-invoice.posted", "vendor-payment.posted", "voucher.posted"))
PARAMETERS, REJECTED, DOCUMENT = map(full_type, ("settlement-parameters.defined", "event.rejected", "document.posted"))
PARTY = full_type("party.defined")
Schemas = dict[str, dict[str, Any]]
Change = Callable[[Any], object]


def changed(change: Change) -> Schemas:
    schemas = copy.deepcopy(json_schemas())
    change(schemas)
    return schemas


def put(type_: str, *path: Any, value: Any) -> Change:
    """Sets a place of the schema of a type; `...`: removes it."""

    def change(schemas: Schemas) -> None:
        place: Any = schemas[type_]
        for step in path[:-1]:
            place = place[step]
        if value is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return change


def add(type_: str, *path: Any, value: Any) -> Change:
    """Appends to a list of the schema of a type."""

    def change(schemas: Schemas) -> None:
        place: Any = schemas[type_]
        for step in path:
            place = place[step]
        place.append(value)

    return change


NEW = {"type": "string", "description": "New."}
LINES = ("properties", "lines", "anyOf", 0)
BREAKING = {
    # What comes in
    "an event that is gone": (put(INVOICE, "x-topic", value=...), "x-topic"),
    "an event on another topic": (put(INVOICE, "x-topic", value="intercompany.other"), "x-topic was intercompany.invoices"),
    "a field that is gone": (put(INVOICE, "properties", "reference", value=...), "/reference: the field is gone"),
    "a field of a line that is gone": (put(INVOICE, "$defs", "OffsetLine", "properties", "amount", value=...), "/*/amount: the field is"),
    "a field that is newly required": (add(INVOICE, "required", value="text"), "/text: is required now"),
    "a new field that is required": (
        lambda schemas: (schemas[INVOICE]["properties"].update(era=NEW), schemas[INVOICE]["required"].append("era")),
        "/era: is required now",
    ),
    "a null that is no longer taken": (put(INVOICE, "properties", "text", value={"$ref": "#/$defs/LineText"}), "/text: null is no longer"),
    "a shorter text": (put(INVOICE, "$defs", "LineText", "maxLength", value=100), "/text: maxLength was 200, is 100"),
    "a longer minimum": (put(INVOICE, "$defs", "LineText", "minLength", value=1), "/text: minLength was None, is 1"),
    "fewer lines": (put(INVOICE, *LINES, "maxItems", value=9), "/lines: maxItems was 10000, is 9"),
    "a limit where there was none": (put(PAYMENT, "properties", "settle", "anyOf", 0, "maxItems", value=5), "/settle: maxItems was None"),
    "another pattern": (put(INVOICE, "$defs", "PositiveAmount", "pattern", value="^1$"), "/amount: pattern was"),
    "a format where there was none": (put(INVOICE, "$defs", "LineText", "format", value="email"), "/text: format was None, is email"),
    "a value that is no longer taken": (put(INVOICE, "properties", "kind", "anyOf", 0, "enum", value=["invoice"]), "no longer taken"),
    "values where there were none": (put(INVOICE, "$defs", "LineText", "enum", value=["x"]), "/text: only some values are taken"),
    "another default": (put(INVOICE, "properties", "kind", "default", value="refund"), "/kind: the default was 'invoice', is 'refund'"),
    "no default any more": (put(PARAMETERS, "properties", "automatic_settlement", "default", value=...), "the default was False, is None"),
    "another type": (put(INVOICE, "$defs", "LineText", "type", value="integer"), "/text: type was string, is integer"),
    "one form less": (put(PARTY, "$defs", "OneOrMoreIds", "anyOf", 1, value=...), "/customers/*: was one of 2 forms, is one of 1"),
    "a closed object": (
        put(INVOICE, "properties", "dimensions", "anyOf", 0, "additionalProperties", value=False),
        "/dimensions: other fields are no longer taken",
    ),
    # What goes out
    "an outbound field that is gone": (put(VOUCHER, "properties", "series", value=...), "/series: the field is gone"),
    "a field that may be left out": (put(VOUCHER, "required", 0, value=...), "/voucher: may be left out now"),
    "a field of a line that may be left out": (put(VOUCHER, "$defs", "VoucherLine", "required", 0, value=...), "/*/posting_type: may be"),
    "a field that may be null": (
        put(VOUCHER, "properties", "series", value={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "/series: may be null now",
    ),
    "an outbound type": (put(VOUCHER, "properties", "number", "type", value="string"), "/number: type was integer, is string"),
    "an outbound format": (put(VOUCHER, "properties", "date", "format", value="date-time"), "/date: format was date, is date-time"),
    "an outbound pattern": (put(VOUCHER, "$defs", "VoucherLine", "properties", "debit", "pattern", value="^.*$"), "/*/debit: pattern"),
    "one more value": (add(VOUCHER, "properties", "ledger", "enum", value="other"), "/ledger: enum was"),
    "values that are open now": (
        lambda schemas: schemas[REJECTED]["properties"]["scope"].update({"x-open-enum": ["event"], "enum": ["event", "settlement"]}),
        "/scope: the values are open now",
    ),
    "a map of something else": (
        put(VOUCHER, "$defs", "VoucherLine", "properties", "dimensions", "additionalProperties", value=True),
        "/lines/*/dimensions: the values of the map changed",
    ),
    "an event that is internal now": (put(VOUCHER, "x-audience", value="internal"), "x-audience was public, is internal"),
}  # fmt: skip
ADDING: dict[str, Change] = {
    "nothing": lambda schemas: schemas,
    "a new event": lambda schemas: schemas.update(new=schemas[VOUCHER]),
    "a field that may be left out": put(INVOICE, "properties", "era", value=NEW),
    "a longer text": put(INVOICE, "$defs", "LineText", "maxLength", value=300),
    "a limit less": put(INVOICE, "$defs", "LineText", "maxLength", value=...),
    "no pattern": put(INVOICE, "$defs", "LineText", "pattern", value=...),
    "one more value": add(INVOICE, "properties", "kind", "anyOf", 0, "enum", value="dunning"),
    "a field that is no longer required": put(INVOICE, "required", 0, value=...),
    "a default for what was required": put(INVOICE, "properties", "date", "default", value="2026-01-01"),
    "a new outbound field": put(VOUCHER, "properties", "era", value=NEW),
    "an outbound field that is never null any more": put(VOUCHER, "properties", "reference", value={"type": "string"}),
    "one more open value": add(REJECTED, "properties", "code", "x-open-enum", value="too-late"),
    "another description": put(VOUCHER, "properties", "series", "description", value="Else."),
    "another internal event": put(DOCUMENT, "properties", "kind", value=...),
    "an internal event that is gone": lambda schemas: schemas.pop(DOCUMENT),
}


@pytest.mark.parametrize("what", BREAKING)
def test_what_breaks_somebody_is_found(what: str) -> None:
    change, words = BREAKING[what]
    found = breaks(json_schemas(), changed(change))
    assert any(words in each for each in found), found


@pytest.mark.parametrize("what", ADDING)
def test_what_only_adds_is_let_through(what: str) -> None:
    assert breaks(json_schemas(), changed(ADDING[what])) == []


def test_an_event_that_is_gone_is_named() -> None:
    assert breaks(json_schemas(), changed(lambda schemas: schemas.pop(INVOICE))) == [f"{INVOICE}: the event is gone"]
