"""How long an event took until everything that came of it was posted, people's waiting for an approval aside.

Invariant: pure; of a trace in which something is not posted yet nothing is said.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.web.console import formats

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_APPROVAL: Final = "journal-approval.requested"
_UNFINISHED: Final = frozenset({"created", "under way", "received", "waiting", "refused"})
_SECOND: Final = 1000
_MINUTE: Final = 60


class TimeTaken(NamedTuple):
    """Milliseconds; whether an approval was waited for, which is not in them; whether some of it has been reversed since."""

    milliseconds: int
    was_approved: bool
    is_reversed: bool


def taken(nodes: list[Row], start: str) -> TimeTaken | None:
    """From the event's arrival to its last voucher, in a trace's nodes; None where that is not known, or not all is posted."""
    arrived = _received(node for node in nodes if node["kind"] == "event" and node["event"]["id"] == start)
    posted = [
        datetime.fromisoformat(node["posted_at"])
        for node in nodes
        if node["kind"] == "voucher" and node["caused_by"] and node["caused_by"]["id"] == start
    ]
    if not arrived or not posted or any(node["state"] in _UNFINISHED for node in nodes):
        return None
    first = arrived[0]
    approved = sorted(each for each in _received(node for node in nodes if _is_approval(node)) if each > first)
    begins = [first, *approved]
    seconds = 0.0
    for begin, end in zip(begins, [*approved, None], strict=True):
        within = [each for each in posted if each >= begin and (end is None or each < end)]
        seconds += (max(within) - begin).total_seconds() if within else 0.0
    return TimeTaken(round(seconds * _SECOND), bool(approved), any(node["state"] == "reversed" for node in nodes))


def in_words(reader: Reader, milliseconds: int) -> str:
    """Milliseconds as somebody would say them: 353 ms, 4.2 s, 7 min."""
    if milliseconds < _SECOND:
        return f"{milliseconds} ms"
    seconds = milliseconds / _SECOND
    if seconds < _MINUTE:
        return f"{reader.seconds(round(seconds, 1))} {reader.t('s')}"
    unit, number = formats.span(seconds)
    return f"{number} {reader.t(unit)}"


def _received(nodes: Any) -> list[datetime]:
    return [datetime.fromisoformat(node["received_at"]) for node in nodes if node["received_at"]]


def _is_approval(node: Row) -> bool:
    return node["kind"] == "event" and _APPROVAL in str(node["type"])
