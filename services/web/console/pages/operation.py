"""`/flow`, `/checks`, `/actions`: how the services stand, whether their books agree, and what people did."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.web.console import formats

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]


async def flow(reader: Reader) -> Row:
    """Each service with its rate, what it has still to read, what waits and what was refused."""
    said = await reader.ask("/v1/flow")
    at = said["read_to"]["time"]
    rows = [{**row, **{f"{name}_age": _age(reader, row[name], at) for name in ("waiting_since", "outbox_since")}} for row in said["data"]]
    return {"title": reader.t("Flow"), "rows": rows}


async def checks(reader: Reader) -> Row:
    """The last comparison of the services' books."""
    return {"title": reader.t("Checks"), "last": (await reader.ask("/v1/checks"))["data"]}


async def actions(reader: Reader) -> Row:
    """What people did, the newest first, with who, when and why."""
    said = await reader.ask("/v1/actions", limit=100, cursor=reader.parameter("cursor"))
    return {"title": reader.t("Actions"), "rows": said["data"], "next": said["next"]}


def _age(reader: Reader, since: str | None, now: str | None) -> str | None:
    """For how long, in words."""
    if since is None or now is None:
        return None
    unit, number = formats.span((datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds())
    return f"{number} {reader.t(unit)}"
