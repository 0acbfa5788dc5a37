"""The readable page of each event of the contract, and the page that lists them.

Invariant: everything about fields is read from the published schema, the examples are the published ones; the words around them are
in events.yaml and descriptions.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from services.contract.examples import Event, Example, examples
from services.contract.prose import prose
from shared.events.contract import CONTRACT, full_type
from shared.events.purposes import PURPOSES
from shared.events.schemas import audience, schema_of

Schema = dict[str, Any]

_HEAD: Final = "| field | type | what |\n|---|---|---|\n"
_NOTE: Final = "Written by `intercompany contract write`.\n"
_LIMITS: Final = {
    "maxLength": "at most {:,} characters",
    "maxItems": "at most {:,} entries",
    "minItems": "at least {:,}",
    "maxProperties": "at most {:,} entries",
    "minimum": "from {:,}",
    "maximum": "to {:,}",
}


def page(name: str) -> str:
    """The page of an event, by its name."""
    entry, words, schema = CONTRACT[name], prose()[name], schema_of(name)
    promised = "" if audience(entry.topic) == "public" else " This topic is internal: it is shown, and may change with every release."
    way = "Sent to" if entry.inbound else "Sent by the services on"
    parts = [
        f"# {name}\n",
        f"{PURPOSES[name]}\n",
        f"{_NOTE}",
        f"- Type: `{full_type(name)}`",
        f"- {way} `{entry.topic}`.{promised}",
        f"- When: {words.when}",
        f"- What comes of it: {words.effect}",
        f"- [JSON Schema](../schemas/{full_type(name)}.json)\n",
        f"## Data\n\n{_null(inbound=entry.inbound)}\n",
        *_tables(schema),
    ]
    if words.codes:
        codes = ", ".join(f"`{code}`" for code in words.codes)
        parts.append(f"## What refuses it\n\n{codes}: see [events.md](../../events.md#refusals).\n")
    parts += ["## Examples\n", *_examples(name)]
    return "\n".join(parts)


def _null(*, inbound: bool) -> str:
    if inbound:
        return "A field that is not required can be left out, or be null. A field that is not listed is refused."
    return "Every field is there. Later versions may have more: let pass what you do not know."


def index() -> str:
    """The page that lists all events."""
    rows = [f"| [{name}]({full_type(name)}.md) | `{entry.topic}` | {PURPOSES[name]} |" for name, entry in CONTRACT.items()]
    public = [row for row, entry in zip(rows, CONTRACT.values(), strict=True) if audience(entry.topic) == "public"]
    internal = [row for row in rows if row not in public]
    head = "| event | topic | what |\n|---|---|---|"
    return "\n".join(
        ["# Events\n", _NOTE, head, *public, "", "Between the services (shown, not promised):\n", head, *internal, ""],
    )


# Fields


def _tables(schema: Schema) -> Iterator[str]:
    yield _table(schema, schema)
    for name, definition in schema["$defs"].items():
        if "properties" in definition:
            yield f"### {name}\n\n{_table(schema, definition)}"


def _table(schema: Schema, part: Schema) -> str:
    inbound = schema["x-direction"] == "inbound"
    required = set(part.get("required", ())) if inbound else set()
    return _HEAD + "".join(
        _row(f"`{name}`{' (required)' if name in required else ''}", _without_null(field) if inbound else field)
        for name, field in part["properties"].items()
    )


def _without_null(field: Schema) -> Schema:
    """A field that comes in: that each one may be null stands above the table."""
    branches = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
    return {**field, "anyOf": branches} if branches else field


def _row(name: str, field: Schema) -> str:
    default = f"; default `{json.dumps(field['default'])}`" if "default" in field else ""
    what = field.get("description", "").replace("|", "\\|")
    return f"| {name} | {_type(field)}{default} | {what} |\n"


def _type(schema: Schema) -> str:
    """The type of a value in words."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "allOf" in schema:
        return _type(schema["allOf"][0])
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    limits = [words.format(schema[key]) for key, words in _LIMITS.items() if key in schema]
    return ", ".join([_plain(schema), *limits])


def _plain(schema: Schema) -> str:
    kind = schema.get("type", "any")
    if kind == "array":
        inner = schema.get("items") or {"anyOf": schema.get("prefixItems", [{}])}
        return f"list of {_type(inner)}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"map of {_type(inner)}" if isinstance(inner, dict) else "object"
    if "x-open-enum" in schema:
        return f"string; today {', '.join(f'`{value}`' for value in schema['x-open-enum'])}"
    return str(schema.get("format", "decimal string" if schema.get("pattern", "").startswith("^-?[0-9]") else kind))


def _link(name: str) -> str:
    """A type: those with fields have a table on the page, the others say in a word what they are."""
    return _WORDS.get(name, f"[{name}](#{name.lower()})")


_WORDS: Final = {
    "Id": "id, 1 to 64 characters",
    "DocumentNumber": "id, of a sales payment longer",
    "SenderName": "name, 1 to 48 letters A to Z, digits, `-` and `_`",
    "Source": "CloudEvents source, 1 to 512 characters",
    "Text": "text, at most 500 characters",
    "ReferenceText": "text, at most 140 characters",
    "LineText": "text, at most 200 characters",
    "Currency": "ISO 4217 code",
    "PositiveAmount": "decimal string, positive",
    "AmountOnEitherSide": "decimal string, not zero",
    "AmountOrZero": "decimal string, 0 or more",
    "Rate": "decimal string, positive, at most 28 significant digits and 18 decimals",
    "Percent": "decimal string, more than 0, at most 100",
    "Date": "date, YYYY-MM-DD",
    "OneOrMoreIds": "id or list of ids",
    "EventRef": "list of source and id",
}


# Examples


def _examples(name: str) -> Iterator[str]:
    own = [each for each in examples() if each.name == name]
    for number, each in enumerate(own):
        title = each.case.replace("-", " ") or "plain"
        yield f"### {title[0].upper()}{title[1:]}\n\n[{each.file}](../examples/{each.file})\n"
        yield f"```json\n{_pretty(each.event)}\n```\n"
        if number == 0:
            yield f"The same as a binary record:\n\n```text\n{_binary(each)}\n```\n"


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _binary(example: Example) -> str:
    event: Event = example.event
    attributes = [f"ce_{name}: {value}" for name, value in event.items() if name not in {"data", "datacontenttype"}]
    data = json.dumps(event["data"], ensure_ascii=False, separators=(",", ":"))
    return "\n".join(["content-type: application/json", *attributes, "", data])
