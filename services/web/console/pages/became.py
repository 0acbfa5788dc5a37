"""What became of events that somebody has acted on, in words: posted, waiting for what, refused again and why, or still on their way.

Invariant: an event is called what the API calls it after the order, not before: it is asked until that differs, or the time is over.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from shared.events.reference import WEB

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.web.console.reader import Reader

Row = dict[str, Any]

MOST: Final = 20
"""Events that are followed; of more it is said that there are."""
_TIMES: Final = 24
_PAUSE: Final = 0.5
_ON_ITS_WAY: Final = "received"


async def states(reader: Reader, events: Iterable[tuple[str, str]]) -> list[Row]:
    """How far events (source, id) are now, in their order."""
    wanted = list(dict.fromkeys(events))[:MOST]
    return list(await asyncio.gather(*(reader.ask("/v1/event", source=source, id=id_) for source, id_ in wanted)))


def of_action(action: str) -> Row:
    """How far an event was that nobody knew before: the one that has an action's id."""
    return {"source": WEB, "id": action, "state": "unknown", "waits": [], "refusals": [], "vouchers": []}


async def became(reader: Reader, before: list[Row]) -> list[Row]:
    """How far events are after what was ordered; `before`: how far they were."""
    found = before
    for _ in range(_TIMES):
        found = await states(reader, ((each["source"], each["id"]) for each in before))
        if all(_has_moved(old, new) for old, new in zip(before, found, strict=True)):
            break
        await asyncio.sleep(_PAUSE)
    return [_said(old, new) for old, new in zip(before, found, strict=True)]


def _has_moved(old: Row, new: Row) -> bool:
    return new["state"] != _ON_ITS_WAY and _place(old) != _place(new)


def _said(old: Row, new: Row) -> Row:
    """The state with what it says: the last refusal, or the first thing that is waited for; nothing new is on its way."""
    is_known = _has_moved(old, new) or new["state"] == "waiting"
    return told(new if is_known else {**new, "state": _ON_ITS_WAY})


def told(state: Row) -> Row:
    """A state with the last refusal."""
    return {**state, "refusal": max(state["refusals"], key=_when, default=None)}


def _when(refusal: Row) -> str:
    return str(refusal.get("again_at") or refusal.get("rejected_at") or "")


def _place(state: Row) -> tuple[Any, ...]:
    """What makes a state another one. Of one that waits only the waits: its vouchers may be there a moment before it has stopped."""
    if state["state"] == "waiting":
        return state["state"], [(each["for"], sorted(each["key"].items())) for each in state["waits"]]
    if state["state"] == "refused":
        return state["state"], len(state["refusals"]), max(map(_when, state["refusals"]), default="")
    return state["state"], len(state["vouchers"])
