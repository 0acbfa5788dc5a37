"""What is said where text stands in a YAML file without quotes: `0042`, `NO` and `2026:03` are numbers and booleans to YAML.

Invariant: quotes are advised only where they help: the event is read once more with the text as it stands in the file.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from services.scenarios.yaml_files import unquoted
from shared.events.codec import decode
from shared.events.envelope import Unreadable
from shared.events.producing import PartyBook, record_of

if TYPE_CHECKING:
    from pathlib import Path

_ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


def quotes_advice(path: Path, place: str, type_: str | None, data: dict[str, Any], field: str) -> str:
    """`; line 7 has 0042 without quotes: …` for an event at a place of the file whose field (JSON pointer) is refused; or nothing."""
    found = unquoted(path, place + field.replace("/", ".")) if field and path.is_file() else None
    if found is None or _refused_at(type_, _replaced(data, field.split("/")[1:], found.text)) == field:
        return ""
    return f'; line {found.line} has {found.text} without quotes: put it in quotes ("{found.text}")'


def _refused_at(type_: str | None, data: dict[str, Any]) -> str | None:
    try:
        read = decode(record_of("check", "check", type_, data, _ANY_TIME, PartyBook()))
    except (TypeError, ValueError):
        return None
    return read.field if isinstance(read, Unreadable) else None


def _replaced(value: Any, steps: list[str], text: str) -> Any:
    """A copy with the text at a place."""
    if not steps:
        return text
    step, *rest = steps
    if isinstance(value, list):
        return [_replaced(each, rest, text) if str(number) == step else each for number, each in enumerate(value)]
    return {**value, step: _replaced(value.get(step), rest, text)} if isinstance(value, dict) else value
