"""Whose books a refusal tells of: the place that it points at is of a company, and its message may say what that company has there.

Invariant: nothing that a refused event holds makes a failure here; where it cannot be told whose books they are, None says so, and
whoever asks for one company's reader shows no message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_OF_OTHERS: Final = frozenset({"other-party", "marked-elsewhere", "date-too-early", "still-settled", "discarded"})
"""Codes whose messages compare what they point at with something else that the event names."""
_MARK: Final = re.compile(r"/settle/([0-9]{1,6})(?:/|$)")
_OF_ALL: Final = frozenset({"", "settle", "date"})
"""The first step of pointers that are about all that an event names."""
_NAMED: Final = ("document", "payment", "primary")
"""Where an event names a document that it does not post itself."""
_OWN: Final = ("company", "buyer", "seller")
_WHOLE_EVENT: Final = "event"


def told_of(scope: str, code: str, field: str, original: Mapping[str, Any]) -> frozenset[str] | None:
    """The companies of whose books a refusal's message may tell; None: that cannot be told.

    `original` is the refused event as one document, `field` the JSON pointer into its data. A refusal of the whole event says what the
    event itself says, so it is told of its own company; one of what it asks to be settled, of the company of the document pointed at.
    """
    data = original.get("data")
    if not isinstance(data, Mapping):
        return None
    own, marks = _texts(data.get(name) for name in _OWN), _marks(data)
    named = {name: data[name].get("company") for name in _NAMED if isinstance(data.get(name), Mapping)}
    everything = own | _texts([*named.values(), *(mark.get("company") for mark in marks if isinstance(mark, Mapping))])
    if scope == _WHOLE_EVENT and code not in _OF_OTHERS:
        return own or everything or None
    found = _MARK.match(field)
    if found is not None and code not in _OF_OTHERS:
        place = int(found[1])
        mark = marks[place] if place < len(marks) else None
        return _texts([mark.get("company")]) or None if isinstance(mark, Mapping) else None
    step = field.split("/")[1] if "/" in field else ""
    if step in _OF_ALL or code in _OF_OTHERS:
        return everything or None
    return (_texts([named[step]]) if step in named else own) or None


def _marks(data: Mapping[str, Any]) -> list[Any]:
    """The marks of an event, or of the payment that it has within."""
    payment = data.get("payment")
    holder = payment if "settle" not in data and isinstance(payment, Mapping) else data
    marks = holder.get("settle")
    return marks if isinstance(marks, list) else []


def _texts(values: Iterable[Any]) -> frozenset[str]:
    return frozenset(value for value in values if isinstance(value, str) and value)
