"""Whether a version of the contract only adds to an earlier one: a structural comparison of their JSON Schemas.

Invariant: whoever sends by the earlier schema is still taken, and whoever reads by it can still read. So of what comes in no field
goes, none becomes required, no limit becomes tighter, no type or default changes; of what goes out no field goes, none may be left
out or null that was not, no type, format or value changes, but for values that are marked as open (`x-open-enum`). Topics that are
internal are not promised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = dict[str, Any]
Schemas = Mapping[str, Schema]

_UPPER: Final = ("maxLength", "maxItems", "maxProperties", "maximum")
_LOWER: Final = ("minLength", "minItems", "minProperties", "minimum")
_FIXED: Final = ("pattern", "format", "const")
_OF_VALUES: Final = (*_UPPER, *_LOWER, *_FIXED, "enum")
_NULL: Final = {"type": "null"}
_INNER: Final = ("items", "additionalProperties", "propertyNames")


def breaks(old: Schemas, new: Schemas) -> list[str]:
    """What breaks somebody who relies on the old schemas (by file name or type), in words; empty: only additions."""
    found: list[str] = []
    for name, schema in sorted(old.items()):
        if schema.get("x-audience") == "internal":
            continue
        if name not in new:
            found.append(f"{name}: the event is gone")
        else:
            found += [f"{name}{place}: {problem}" for place, problem in _event(schema, new[name])]
    return found


Problem = tuple[str, str]


def _event(old: Schema, new: Schema) -> Iterator[Problem]:
    for attribute in ("x-topic", "x-direction", "x-audience"):
        if old.get(attribute) != new.get(attribute):
            yield "", f"{attribute} was {old.get(attribute)}, is {new.get(attribute)}"
    comparison = _Inbound(old, new) if old.get("x-direction") == "inbound" else _Outbound(old, new)
    yield from comparison.compare(old, new, "")


class _Comparison(ABC):
    """What both directions have in common; each schema resolves its own references."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def compare(self, old: Schema, new: Schema, place: str) -> Iterator[Problem]:
        """The problems at a place (`/lines/*/amount`), and within it."""
        (was, was_nullable), (now, now_nullable) = _plain(self._old, old), _plain(self._new, new)
        yield from ((place, problem) for problem in self.null(was=was_nullable, now=now_nullable))
        yield from ((place, problem) for problem in self.default(old, new))
        branches, later = was.get("anyOf", [was]), now.get("anyOf", [now])
        if len(branches) != len(later):
            yield place, f"was one of {len(branches)} forms, is one of {len(later)}"
            return
        for one, other in zip(branches, later, strict=True):
            yield from self._value(_plain(self._old, one)[0], _plain(self._new, other)[0], place)

    def _value(self, old: Schema, new: Schema, place: str) -> Iterator[Problem]:
        if old.get("type") != new.get("type"):
            yield place, f"type was {old.get('type')}, is {new.get('type')}"
            return
        yield from ((place, problem) for problem in self.limits(old, new))
        yield from self._fields(old, new, place)
        for key in _INNER:
            yield from self._inner(key, old.get(key), new.get(key), place)
        for number, pair in enumerate(zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=False)):
            yield from self.compare(*pair, f"{place}/{number}")

    def _fields(self, old: Schema, new: Schema, place: str) -> Iterator[Problem]:
        fields, later = old.get("properties", {}), new.get("properties", {})
        was, now = set(old.get("required", ())), set(new.get("required", ()))
        for name, field in fields.items():
            if name not in later:
                yield f"{place}/{name}", "the field is gone"
            else:
                yield from self.compare(field, later[name], f"{place}/{name}")
        yield from ((f"{place}/{name}", problem) for name, problem in self.required(was, now, fields.keys() & later.keys()))

    def _inner(self, key: str, old: Any, new: Any, place: str) -> Iterator[Problem]:
        if isinstance(old, dict) and isinstance(new, dict):
            yield from self.compare(old, new, f"{place}/*")
        elif key == "additionalProperties":
            yield from ((place, problem) for problem in self.closed(was=old, now=new))
        elif old != new:
            yield place, f"{key} changed"

    # What each direction says otherwise

    @abstractmethod
    def null(self, *, was: bool, now: bool) -> Iterator[str]:
        """A value that may be null, or no longer."""

    @abstractmethod
    def default(self, old: Schema, new: Schema) -> Iterator[str]:
        """A default that changed."""

    @abstractmethod
    def limits(self, old: Schema, new: Schema) -> Iterator[str]:
        """Values that are allowed, or no longer."""

    @abstractmethod
    def required(self, was: set[str], now: set[str], both: set[str]) -> Iterator[Problem]:
        """Fields that must be there, or no longer; `both`: those that are in both."""

    @abstractmethod
    def closed(self, *, was: Any, now: Any) -> Iterator[str]:
        """Whether fields that are not listed are taken."""


class _Inbound(_Comparison):
    """What comes in: who sends by the old schema is still taken."""

    def null(self, *, was: bool, now: bool) -> Iterator[str]:
        """Null that was taken."""
        if was and not now:
            yield "null is no longer taken"

    def default(self, old: Schema, new: Schema) -> Iterator[str]:
        """What an event that leaves the field out means."""
        if "default" in old and old["default"] != new.get("default"):
            yield f"the default was {old['default']!r}, is {new.get('default')!r}"

    def limits(self, old: Schema, new: Schema) -> Iterator[str]:
        """Values that were taken and are no longer."""
        for keys, tighter in ((_UPPER, _is_less), (_LOWER, _is_more)):
            yield from (f"{key} was {old.get(key)}, is {new[key]}" for key in keys if key in new and tighter(new[key], old.get(key)))
        yield from (f"{key} was {old.get(key)}, is {new[key]}" for key in _FIXED if key in new and old.get(key) != new[key])
        if "enum" in new and "enum" not in old:
            yield "only some values are taken now"
        was: list[Any] = old.get("enum", [])
        now: list[Any] = new.get("enum", was)
        gone = [value for value in was if value not in now]
        if gone:
            yield f"no longer taken: {', '.join(map(str, gone))}"

    def required(self, was: set[str], now: set[str], both: set[str]) -> Iterator[Problem]:
        """Fields that an old sender may leave out; new ones too."""
        del both
        yield from ((name, "is required now") for name in sorted(now - was))

    def closed(self, *, was: Any, now: Any) -> Iterator[str]:
        """An object that took other fields."""
        if now is False and was is not False:
            yield "other fields are no longer taken"


class _Outbound(_Comparison):
    """What goes out: who reads by the old schema can still read."""

    def null(self, *, was: bool, now: bool) -> Iterator[str]:
        """Null where there was none."""
        if now and not was:
            yield "may be null now"

    def default(self, old: Schema, new: Schema) -> Iterator[str]:
        """What goes out has no defaults."""
        del old, new
        return iter(())

    def limits(self, old: Schema, new: Schema) -> Iterator[str]:
        """Any other values; those that are marked as open may change."""
        yield from (f"{key} was {old.get(key)}, is {new.get(key)}" for key in _OF_VALUES if old.get(key) != new.get(key))
        if "x-open-enum" in new and "x-open-enum" not in old:
            yield "the values are open now"

    def required(self, was: set[str], now: set[str], both: set[str]) -> Iterator[Problem]:
        """Fields that were always there."""
        yield from ((name, "may be left out now") for name in sorted((was - now) & both))

    def closed(self, *, was: Any, now: Any) -> Iterator[str]:
        """A map that had values of a type."""
        if isinstance(was, dict) or isinstance(now, dict):
            yield "the values of the map changed"


def _is_less(new: float, old: float | None) -> bool:
    return old is None or new < old


def _is_more(new: float, old: float | None) -> bool:
    return new > (old or 0)


def _plain(root: Schema, schema: Schema) -> tuple[Schema, bool]:
    """A schema without references and without null, and whether it may be null."""
    nullable = False
    while True:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
        elif "allOf" in schema:
            schema = schema["allOf"][0]
        elif _NULL in schema.get("anyOf", ()):
            nullable = True
            branches = [each for each in schema["anyOf"] if each != _NULL]
            schema = branches[0] if len(branches) == 1 else {"anyOf": branches}
        else:
            return schema, nullable
