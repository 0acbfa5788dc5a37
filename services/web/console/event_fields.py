"""An event's data as the fields of a form, and the fields as data again.

A field's name is the JSON pointer of what stands in it, as refusals name it, so that what was wrong is said at its field.

Invariant: fields that are sent back as they were shown give the same data; a field that is empty, or was null, is left out.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from services.web.console.formats import place

Row = dict[str, Any]

DEEPEST: Final = 100
"""So many levels of objects and lists are fields of their own; what is deeper is one value."""
_FIGURES: Final = frozenset({"amount_to_settle", "cash_discount_to_take"})
_FIGURES_END: Final = ("amount", "rate", "percent")


def flat(data: Any) -> list[tuple[str, str]]:
    """Every value of the data by its pointer, in their order; an empty object or list is a value too."""
    return [(pointer, _text(value)) for pointer, value in _leaves(data) if pointer]


def whole(fields: list[tuple[str, str]], shown: Any) -> Row:
    """The data that the fields say; a value is of the kind that it was when it was `shown`, a new one is text."""
    kinds = dict(_leaves(shown))
    made: Row = {}
    for pointer, text in fields:
        if text and pointer.startswith("/"):
            _put(made, pointer[1:].split("/"), _value(text, kinds.get(pointer)))
    return {name: _with_lists(value, shown.get(name) if isinstance(shown, dict) else None) for name, value in made.items()}


def is_too_deep(data: Any) -> bool:
    """Whether there are objects or lists in it beyond the deepest level."""
    level = [data]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inner(each)]
    return any(isinstance(each, dict | list) for each in level)


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def is_figure(pointer: str) -> bool:
    """Whether an amount, a rate or a percentage stands there, by its name."""
    name = pointer.rpartition("/")[2]
    return name in _FIGURES or name.endswith(_FIGURES_END)


def is_day(pointer: str) -> bool:
    """Whether a date stands there, by its name."""
    return pointer.rpartition("/")[2].endswith("date")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _leaves(data: Any, pointer: str = "", level: int = 0) -> list[tuple[str, Any]]:
    if isinstance(data, dict) and data and level < DEEPEST:
        return [each for name, value in data.items() for each in _leaves(value, f"{pointer}/{_escaped(str(name))}", level + 1)]
    if isinstance(data, list) and data and level < DEEPEST:
        return [each for number, value in enumerate(data) for each in _leaves(value, f"{pointer}/{number}", level + 1)]
    return [(pointer, data)]


def _value(text: str, was: Any) -> Any:
    """What a text says where something of this kind stood; what does not say it stays a text, which the services refuse."""
    if was is None or isinstance(was, str):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _put(made: Row, names: list[str], value: Any) -> None:
    for name in names[:-1]:
        inner = made.setdefault(_plain(name), {})
        if not isinstance(inner, dict):
            return
        made = inner
    made[_plain(names[-1])] = value


def _with_lists(value: Any, shown: Any) -> Any:
    """Objects whose names are all places are lists where a list was shown, or nothing."""
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(each, _of(shown, name)) for name, each in value.items()}
    places = {name: place(name) for name in inner}
    is_list = (shown is None or isinstance(shown, list)) and None not in places.values()
    return [inner[name] for name in sorted(inner, key=lambda name: places[name] or 0)] if is_list else inner


def _of(shown: Any, name: str) -> Any:
    if isinstance(shown, dict):
        return shown.get(name)
    number = place(name)
    return shown[number] if isinstance(shown, list) and number is not None and number < len(shown) else None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _plain(name: str) -> str:
    return name.replace("~1", "/").replace("~0", "~")


def changes(before: Any, after: Any) -> list[dict[str, Any]]:
    """What differs, by its place: what was there and what would be."""
    old, new = dict(flat(before)), dict(flat(after))
    places = list(dict.fromkeys([*old, *new]))
    return [{"place": each, "before": old.get(each), "after": new.get(each)} for each in places if old.get(each) != new.get(each)]
