"""What is wrong with an event of the contract, as a code, a JSON pointer and a message that says what would be right.

Invariant: of several things that are wrong, the first in the order of the document is reported; neither pointer
nor message holds control characters, and both are short, whatever was sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from shared.events.values import printable, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError
    from pydantic_core import ErrorDetails

MALFORMED: Final = "malformed"
UNKNOWN_TYPE: Final = "unknown-type"
INVALID: Final = "invalid"

_LONGEST_STEP: Final = 80
_MOST_ERRORS: Final = 10_000
Location = tuple[str | int, ...]


class RefusedError(Exception):
    """An event is refused: `code` of events.md, `field` (JSON pointer) and `message`."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message


def pointer(location: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a place; control characters are shown escaped, long names cut."""
    return "".join(f"/{_step(part)}" for part in location)


def _step(part: str | int) -> str:
    text = printable(str(part)).replace("~", "~0").replace("/", "~1")
    return text if len(text) <= _LONGEST_STEP else f"{text[:_LONGEST_STEP]}…"


def invalid(error: ValidationError, raw: Any, adapter: TypeAdapter[Any]) -> RefusedError:
    """The refusal of data that an adapter did not take; `raw` is the data as it stands in the JSON document."""
    if error.error_count() > _MOST_ERRORS:
        return RefusedError(INVALID, "", f"{error.error_count()} fields are wrong, too many to name")
    errors = error.errors(include_url=False, include_input=False)
    places = _Places(raw)
    first = min(errors, key=lambda detail: places.of(_location(detail)))
    if first["type"] == "json_invalid":
        return RefusedError(MALFORMED, "", f"the data cannot be read: {first['msg']}")
    location = _location(first)
    return RefusedError(INVALID, pointer(location), _message(first, _value(raw, location), _fields(adapter, location)))


def contradicting(problems: list[tuple[str, str]], raw: Any) -> RefusedError:
    """The refusal of data whose fields are each right but contradict each other."""
    places = _Places(raw)
    field, message = min(problems, key=lambda problem: places.of(_steps(problem[0])))
    return RefusedError(INVALID, field, message)


class _Places:
    """The order in which the places of a JSON document stand in it; what is missing stands at the end of its object."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._orders: dict[int, dict[str, int]] = {}

    def of(self, location: Location) -> tuple[int, ...]:
        """Sorts as the document does."""
        value, place = self._raw, []
        for step in location:
            if isinstance(value, dict):
                order = self._orders.setdefault(id(value), {}) or self._numbered(value)
                place.append(order.get(str(step), len(order)))
                value = value.get(str(step))
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                place.append(step)
                value = value[step]
        return tuple(place)

    def _numbered(self, value: dict[str, Any]) -> dict[str, int]:
        order = self._orders[id(value)] = {key: number for number, key in enumerate(value)}
        return order


def _location(detail: ErrorDetails) -> Location:
    return tuple(step for step in detail["loc"] if step != "[key]")


def _steps(field: str) -> Location:
    return tuple(int(step) if step.isdigit() else step for step in field.split("/")[1:])


def _value(raw: Any, location: Location) -> Any:
    for step in location:
        if isinstance(raw, dict):
            raw = raw.get(str(step))
        elif isinstance(raw, list) and isinstance(step, int) and step < len(raw):
            raw = raw[step]
    return raw


def _fields(adapter: TypeAdapter[Any], location: Location) -> list[str]:
    """The fields that the object around a location may have, by the JSON Schema of the class."""
    schema = whole = adapter.json_schema()
    for step in location[:-1]:
        schema = _inner(whole, schema, step)
    return list(_resolved(whole, schema).get("properties", ()))


def _inner(whole: dict[str, Any], schema: dict[str, Any], step: str | int) -> dict[str, Any]:
    here = _resolved(whole, schema)
    inner = here.get("items") if isinstance(step, int) else here.get("properties", {}).get(step)
    return inner if isinstance(inner, dict) else {}


def _resolved(whole: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = schema["anyOf"][0]
        else:
            return schema


def _message(detail: ErrorDetails, value: Any, fields: list[str]) -> str:
    kind = detail["type"]
    if kind == "unexpected_keyword_argument":
        return _unknown(str(detail["loc"][-1]), fields)
    if kind == "string_too_long":
        limit = detail["ctx"]["max_length"]
        return f"{shown(value)} has {len(str(value).strip())} characters: at most {limit} are allowed"
    wording = _WORDINGS.get(kind)
    if wording is not None:
        return wording.format(value=shown(value))
    return detail["msg"] if kind == "contract" else f"{shown(value)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _unknown(name: str, fields: list[str]) -> str:
    close = get_close_matches(name[:_LONGEST_STEP], fields, n=1)
    right = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(fields)}"
    return f"there is no field {shown(name)}: {right}"


_WORDINGS: Final = {
    "missing": "the field is missing",
    "string_type": "{value} is not text: a JSON string is needed",
    "string_too_short": "{value} is empty",
    "string_pattern_mismatch": "{value} has control characters: they are not allowed",
    "bool_type": "{value} is neither true nor false",
    "int_type": "{value} is not a whole number",
    "list_type": "{value} is not a list: a JSON array is needed",
    "dict_type": "{value} is not a mapping: a JSON object is needed",
    "dataclass_type": "{value} is not a JSON object",
}
