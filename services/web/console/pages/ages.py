"""How long something has been there, in the reader's words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from services.web.console import formats

if TYPE_CHECKING:
    from services.web.console.reader import Reader


def age(reader: Reader, *seconds: float) -> str | None:
    """The longest of these spans, in its largest whole unit: 3 h; None where there is none."""
    if not seconds:
        return None
    unit, number = formats.span(max(seconds))
    return f"{number} {reader.t(unit)}"


def age_since(reader: Reader, since: str | None, now: str | None) -> str | None:
    """How long ago a time was."""
    if since is None or now is None:
        return None
    return age(reader, (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds())
