"""Instances of a JSON Schema, for Hypothesis: of the words that the published schemas use, and no others.

(hypothesis-jsonschema 0.23.1, the last there is, does not run with the Hypothesis that is locked here.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from hypothesis import strategies as st

Schema = dict[str, Any]

_LETTERS: Final = st.characters(codec="utf-8")
_KNOWN: Final = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties", "items", "minItems"),
        *("maxItems", "anyOf", "allOf", "enum", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "$ref", "$defs"),
        *("default", "description", "$schema", "$id", "x-topic", "x-audience", "x-direction"),
    }
)


def instances(schema: Schema, root: Schema | None = None) -> st.SearchStrategy[Any]:
    """What a schema lets through. ValueError for a word that is not known here."""
    whole = schema if root is None else root
    unknown = schema.keys() - _KNOWN
    if unknown:
        msg = f"schemas have words of which no instances are made: {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    if "$ref" in schema:
        return instances(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "allOf" in schema:
        (only,) = schema["allOf"]
        return instances(only, whole)
    if "anyOf" in schema:
        return st.one_of(*(instances(each, whole) for each in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _OF_TYPE[schema["type"]](schema, whole)


def _object(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        names, values = instances(schema["propertyNames"], root), instances(schema["additionalProperties"], root)
        return st.dictionaries(names, values, max_size=3)
    fields = {name: instances(each, root) for name, each in schema["properties"].items()}
    if "maxProperties" in schema:
        return st.one_of(*(st.fixed_dictionaries({name: each}) for name, each in fields.items()))
    required = set(schema.get("required", ()))
    optional = {name: each for name, each in fields.items() if name not in required}
    return st.fixed_dictionaries({name: each for name, each in fields.items() if name in required}, optional=optional)


def _array(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    return st.lists(instances(schema["items"], root), min_size=schema.get("minItems", 0), max_size=3)


def _string(schema: Schema, _root: Schema) -> st.SearchStrategy[str]:
    if schema.get("format") == "date":
        return st.dates().map(date.isoformat)
    pattern = re.compile(schema["pattern"][1:-1])
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 500)
    drawn = st.from_regex(pattern, fullmatch=True, alphabet=_LETTERS).filter(lambda text: shortest <= len(text) <= longest)
    at_the_limit = [each * longest for each in ("x", "9", "é") if pattern.fullmatch(each * longest)]
    return drawn | st.sampled_from(at_the_limit) if at_the_limit else drawn


def _integer(schema: Schema, _root: Schema) -> st.SearchStrategy[int]:
    return st.integers(schema["minimum"], schema["maximum"])


_OF_TYPE: Final[dict[str, Callable[[Schema, Schema], st.SearchStrategy[Any]]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "boolean": lambda _schema, _root: st.booleans(),
    "null": lambda _schema, _root: st.none(),
}
