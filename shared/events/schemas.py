"""The JSON Schema (2020-12) of each event type's data, as it is published.

Invariant: the schemas are generated from the same classes that the services read and write events with, so they cannot say
anything else. What comes in: null stands for a field that is left out. What goes out: every field is there (of SPARSE those that
say something), and a consumer lets fields pass that it does not know. What JSON Schema has no words for (a currency's digits,
what contradicts) is in events.md.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from shared.events.contract import CONTRACT, Entry, adapter, full_type
from shared.events.descriptions import description
from shared.events.envelope import Topic
from shared.events.purposes import PURPOSES
from shared.events.settlements import SPARSE
from shared.events.value_schemas import DATE, DECIMAL, INBOUND_VALUES, NAMES, OPEN_BY_NAME, OUTBOUND_BY_NAME

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
INTERNAL: Final = frozenset({Topic.JOURNALS, Topic.SETTLEMENTS})
"""Topics between our own services: shown, not promised."""

_NULL: Final = {"type": "null"}


class _AsWritten(GenerateJsonSchema):
    """Decimals as the services write them."""

    def decimal_schema(self, schema: Any) -> Schema:
        """A decimal that goes out."""
        del schema
        return dict(DECIMAL)


def audience(topic: str) -> str:
    """For whom a topic of the contract is."""
    return "internal" if topic in INTERNAL else "public"


@cache
def schema_of(name: str) -> Schema:
    """The JSON Schema of the data of an event, by its name; not to be changed."""
    entry = CONTRACT[name]
    published = _Published(entry)
    head = {
        "$schema": DIALECT,
        "$id": f"urn:{full_type(name)}",
        "x-topic": entry.topic,
        "x-audience": audience(entry.topic),
        "x-direction": "inbound" if entry.inbound else "outbound",
        "description": PURPOSES[name],
    }
    return {**head, **published.root, "$defs": dict(sorted(published.definitions.items()))}


def json_schemas() -> dict[str, Schema]:
    """The JSON Schema of each event type's data, by the full CloudEvents type."""
    return {full_type(name): schema_of(name) for name in CONTRACT}


class _Published:
    """The schema of a class as it is published: `root`, and the `definitions` that it refers to."""

    def __init__(self, entry: Entry) -> None:
        self._inbound = entry.inbound
        if entry.inbound:
            raw = adapter(entry.data).json_schema(mode="validation")
        else:
            raw = adapter(entry.data).json_schema(mode="serialization", schema_generator=_AsWritten)
        self._raw: dict[str, Schema] = raw.get("$defs", {})
        self.definitions: dict[str, Schema] = {}
        self.root = self._object(entry.data.__name__, {key: value for key, value in raw.items() if key != "$defs"})

    def _object(self, class_: str, raw: Schema) -> Schema:
        """An object with its fields, described."""
        required = set(raw.get("required", ()))
        fields = {name: self._field(class_, name, each, optional=name not in required) for name, each in raw["properties"].items()}
        closed = {"additionalProperties": False} if self._inbound else {}
        names = [name for name in fields if name in required or not (self._inbound or class_ in SPARSE)]
        return {"type": "object", "properties": fields, **({"required": names} if names else {}), **closed}

    def _field(self, class_: str, name: str, raw: Schema, *, optional: bool) -> Schema:
        bare = {key: value for key, value in raw.items() if key not in {"title", "default", "description"}}
        bare, nullable = _without_null(bare)
        value = self._value(bare, raw.get("description"))
        if not self._inbound:
            value = _by_name(name, value)
        said = description(class_, name)
        if self._inbound:
            value = _or_null(value) if optional else value
        elif nullable:
            value = _or_null(value)
            said = said if "null" in said.lower() else f"{said} Null where there is none."
        default = {"default": raw["default"]} if self._inbound and raw.get("default") is not None else {}
        carried = {"allOf": [value]} if "$ref" in value else value
        return {"description": said, **carried, **default}

    def _value(self, raw: Schema, about: str | None = None) -> Schema:
        """A value: by reference where it has a name, else as it stands. `about`: what its field says of it."""
        if self._inbound and (name := _name_of(raw, about)) is not None:
            return self._refer(name, INBOUND_VALUES[name])
        if "$ref" in raw:
            return self._refer_to_class(raw["$ref"].rpartition("/")[2])
        value = {key: each for key, each in raw.items() if key not in {"title", "description"}}
        if "anyOf" in value:
            return {"anyOf": [self._value(each) for each in value["anyOf"]]}
        for key in ("items", "additionalProperties"):
            if isinstance(value.get(key), dict):
                value[key] = self._value(value[key])
        if "prefixItems" in value:
            value["prefixItems"] = [self._value(each) for each in value["prefixItems"]]
        if "patternProperties" in value:
            ((_, inner),) = value.pop("patternProperties").items()
            value["additionalProperties"] = self._value(inner)
        if "propertyNames" in value:
            value["propertyNames"] = self._refer("Id", INBOUND_VALUES["Id"])
        return dict(DATE) if value == {"type": "string", "format": "date"} else value

    def _refer(self, name: str, published: Schema) -> Schema:
        self.definitions.setdefault(name, published)
        for other in _references(published):
            self.definitions.setdefault(other, INBOUND_VALUES[other])
        return {"$ref": f"#/$defs/{name}"}

    def _refer_to_class(self, class_: str) -> Schema:
        if class_ not in self.definitions:
            raw = self._raw[class_]
            self.definitions[class_] = self._object(class_, raw) if "properties" in raw else self._value(raw)
        return {"$ref": f"#/$defs/{class_}"}


def _name_of(raw: Schema, about: str | None) -> str | None:
    """The name under which a value's schema is published, if it is a value of a type of its own."""
    bare = {key: value for key, value in raw.items() if key != "title"}
    candidates = (bare, {**bare, "description": about})
    return next((name for schema, name in NAMES if schema in candidates), None)


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    """A schema without null, and whether it had it."""
    branches = [each for each in schema.get("anyOf", ()) if each != _NULL]
    if len(branches) == len(schema.get("anyOf", ())):
        return schema, False
    return (branches[0] if len(branches) == 1 else {"anyOf": branches}), True


def _references(schema: Any) -> set[str]:
    """The names that a published value refers to."""
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if "$ref" in schema else set()
        return own.union(*map(_references, schema.values()))
    return set().union(*map(_references, schema)) if isinstance(schema, list) else set()


def _or_null(value: Schema) -> Schema:
    if "anyOf" in value:
        return {"anyOf": [*value["anyOf"], _NULL]}
    return {"anyOf": [value, _NULL]}


def _by_name(name: str, value: Schema) -> Schema:
    """A field of our own events: of some names, the values that it can have."""
    if value != {"type": "string"}:
        return value
    if name in OPEN_BY_NAME:
        return {**value, "x-open-enum": list(OPEN_BY_NAME[name])}
    return {**value, **OUTBOUND_BY_NAME.get(name, {})}
