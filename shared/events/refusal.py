"""What is wrong with an event of the contract, as a code, a JSON pointer and a message that says what would be right.

Invariant: of several things that are wrong, the first in the order of the document is the refusal's, and the others are beside it
(of very many, the first that is found at little cost stands alone); neither pointer nor message holds control characters, and both
are short, whatever was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from shared.events.contract import adapter
from shared.events.values import forbidden_character, printable, shown

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MALFORMED: Final = "malformed"
UNKNOWN_TYPE: Final = "unknown-type"
INVALID: Final = "invalid"

_LONGEST_STEP: Final = 80
MOST_ERRORS: Final = 100
_ALIKE: Final = 0.8
Location = tuple[str | int, ...]


class RefusedError(Exception):
    """An event is refused: `code` of events.md, `field` (JSON pointer) and `message`.

    `others`: what else is wrong, in the order of the document; `in_data`: whether the pointers are into the event's data.
    """

    def __init__(self, code: str, field: str, message: str, others: Iterable[tuple[str, str]] = (), *, in_data: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
        self.message = message
        self.others = tuple(others)
        self.in_data = in_data


def pointer(location: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a place; control characters are shown escaped, long names cut."""
    return "".join(f"/{_step(part)}" for part in location)


def _step(part: str | int) -> str:
    text = printable(str(part)).replace("~", "~0").replace("/", "~1")
    return text if len(text) <= _LONGEST_STEP else f"{text[:_LONGEST_STEP]}…"


def invalid(error: ValidationError, raw: Any, data: type) -> RefusedError:
    """The refusal of data that is none of the class `data`; `raw` is the data as it stands in the JSON document."""
    if error.error_count() > MOST_ERRORS:
        return _too_much(error.error_count(), raw, data)
    errors = error.errors(include_url=False, include_input=False)
    places = _Places(raw)
    errors.sort(key=lambda detail: places.of(_location(detail, raw)))
    if errors[0]["type"] == "json_invalid":
        return RefusedError(MALFORMED, "", f"the data cannot be read: {errors[0]['msg']}")
    said: dict[str, str] = {}
    for each in errors:  # of several ways to read one value the first counts
        location = _location(each, raw)
        said.setdefault(pointer(location), _message(each, _value(raw, location), _fields(data, location)))
    (field, message), *others = said.items()
    return RefusedError(INVALID, field, message, others)


def refuse_too_many_fields(raw: Any, data: type) -> None:
    """Refuses data with far more fields than the class has, before each of them is looked at (RefusedError, invalid).

    It raises by itself: an error that its caller held in a variable would be in a cycle with the caller's frame, and the whole
    document would stay in memory until the collector comes.
    """
    if not isinstance(raw, dict) or len(raw) <= MOST_ERRORS:
        return
    surplus = len(raw) - len(_fields(data, ("",)))
    if surplus > MOST_ERRORS:
        raise _too_much(surplus, raw, data)


def _too_much(count: int, raw: Any, data: type) -> RefusedError:
    """The refusal of data with very many errors: naming and sorting them all would cost more than it tells."""
    fields = _fields(data, ("",))
    unknown = next((name for name in raw if name not in fields), None) if isinstance(raw, dict) else None
    rest = f"{count} things are wrong, too many to name them all"
    if unknown is None:
        return RefusedError(INVALID, "", rest)
    return RefusedError(INVALID, pointer((unknown,)), f"{_unknown(unknown, fields)}; {rest}")


def without_nulls(raw: Any, data: type) -> Any:
    """Data without the fields of the contract that are null: null is left out. Entries of maps and lists stay as they are."""
    schema = _schema(data)
    return _without_nulls(schema, schema, raw)


def _without_nulls(whole: dict[str, Any], schema: dict[str, Any], value: Any) -> Any:
    here = _resolved(whole, schema)
    if isinstance(value, list):
        items = here.get("items")
        return [_without_nulls(whole, items, entry) for entry in value] if isinstance(items, dict) else value
    if not isinstance(value, dict):
        return value
    fields: dict[str, Any] = here.get("properties", {})
    return {
        name: _without_nulls(whole, fields[name], entry) if name in fields else entry
        for name, entry in value.items()
        if entry is not None or name not in fields
    }


def contradicting(problems: list[tuple[str, str]], raw: Any) -> RefusedError:
    """The refusal of data whose fields are each right but contradict each other."""
    places = _Places(raw)
    (field, message), *others = sorted(problems, key=lambda problem: places.of(_steps(problem[0])))
    return RefusedError(INVALID, field, message, others)


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


def _location(detail: ErrorDetails, raw: Any) -> Location:
    """The place of an error, as far as the document has it: a value that may stand for a list has no entries."""
    location: list[str | int] = []
    for step in detail["loc"]:
        if step == "[key]" or not isinstance(raw, dict | list):
            break
        location.append(step)
        raw = _value(raw, (step,))
    return tuple(location)


def _steps(field: str) -> Location:
    return tuple(int(step) if step.isdigit() else step for step in field.split("/")[1:])


def _value(raw: Any, location: Location) -> Any:
    for step in location:
        if isinstance(raw, dict):
            raw = raw.get(str(step))
        elif isinstance(raw, list) and isinstance(step, int) and step < len(raw):
            raw = raw[step]
    return raw


@cache
def _schema(data: type) -> dict[str, Any]:
    return adapter(data).json_schema()


def _fields(data: type, location: Location) -> list[str]:
    """The fields that the object around a location may have, by the JSON Schema of the class."""
    return _fields_in(data, tuple(0 if isinstance(step, int) else step for step in location[:-1]))


@lru_cache(maxsize=512)
def _fields_in(data: type, place: Location) -> list[str]:
    schema = whole = _schema(data)
    for step in place:
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
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "unexpected_keyword_argument":
        return _unknown(str(detail["loc"][-1]), fields)
    wording = _WORDINGS.get(kind)
    if wording is not None:
        return wording.format(value=shown(value), **_details(value, context))
    return detail["msg"] if kind == "contract" else f"{shown(value)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _details(value: Any, context: dict[str, Any]) -> dict[str, Any]:
    """What a wording may name beside the value: its length, a character that must not be there, the values there are."""
    text = str(value).strip()
    return {
        **context,
        "length": len(text),
        "character": forbidden_character(text) or "a character",
        "expected": str(context.get("expected", "")).replace("'", ""),
    }


def likely(said: str, known: Mapping[str, str], example: str) -> str:
    """What is meant by a type: one that is spelled much the same, by its name or whole (`known`: name to type); else an example."""
    close = get_close_matches(said[:_LONGEST_STEP], [*known, *known.values()], n=1, cutoff=_ALIKE)
    return f"did you mean {known.get(close[0], close[0])}?" if close else f"a type looks like {example}"


def _unknown(name: str, fields: list[str]) -> str:
    close = get_close_matches(name[:_LONGEST_STEP], fields, n=1, cutoff=_ALIKE)
    right = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(fields)}"
    return f"there is no field {shown(name)}: {right}"


_WORDINGS: Final = {
    "missing": "the field is missing",
    "string_type": "{value} is not text: a JSON string is needed",
    "string_too_short": "{value} is empty",
    "string_too_long": "{value} has {length} characters: at most {max_length} are allowed",
    "string_pattern_mismatch": "{value} has {character}, which is not allowed here",
    "literal_error": "{value} is not one of {expected}",
    "too_long": "there are {actual_length} entries: at most {max_length} are allowed",
    "too_short": "the list is empty: at least one entry is needed",
    "bool_type": "{value} is neither true nor false",
    "int_type": "{value} is not a whole number",
    "greater_than_equal": "{value} is less than {ge}",
    "less_than_equal": "{value} is more than {le}",
    "list_type": "{value} is not a list: a JSON array is needed",
    "dict_type": "{value} is not a mapping: a JSON object is needed",
    "dataclass_type": "{value} is not a JSON object",
}


def otherwise_none(read_value: Any) -> Any:
    """What a function gives; None where it refuses."""
    try:
        return read_value()
    except RefusedError:
        return None
