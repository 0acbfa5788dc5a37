"""`/`: what a controller looks at first: what needs somebody, what the companies owe each other, what was posted lately."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from services.web.console.pages.ages import age
from services.web.console.pages.hour import hour
from services.web.console.pages.intercompany import matrices

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_MOST: Final = 500


async def view(reader: Reader) -> Row:
    """Four counts of what needs somebody, the matrix, the last hour, the last comparison of the books, and the last vouchers."""
    waiting, refused, journals, proposed, flow, minutes, checks = await asyncio.gather(
        reader.ask("/v1/waiting", company=reader.company, limit=1, count="true"),
        reader.ask("/v1/refusals", company=reader.company, state="open", group_by="missing", limit=_MOST),
        reader.ask("/v1/journals", company=reader.company, status="created", limit=_MOST),
        reader.ask("/v1/actions", state="proposed", limit=_MOST),
        reader.ask("/v1/flow"),
        reader.ask("/v1/flow/minutes", company=reader.company),
        reader.ask("/v1/checks", begin="false"),
    )
    now = flow["read_to"]["time"]
    to_approve = [*(each["changed_at"] for each in journals["data"]), *(each["at"] for each in proposed["data"])]
    aside = [each for each in flow["data"] if each["failed"]]
    tiles = [
        _tile("Waiting", "/waiting", waiting["count"], age(reader, *(each["age_seconds"] for each in waiting["data"]))),
        _tile("Refused", "/refused", _sum(refused), age(reader, *(each["age_seconds"] for each in refused["data"]))),
        _tile(
            "to be approved",
            "/approvals",
            _at_least(len(to_approve), journals, proposed),
            age(reader, *(_seconds(each, now) for each in to_approve)),
        ),
        _tile(
            "put aside",
            "/flow",
            sum(each["failed"] for each in aside),
            age(reader, *(_seconds(each["failed_since"], now) for each in aside)),
        ),
    ]
    cells = await reader.ask("/v1/intercompany", as_of=reader.day, company=reader.company)
    return {
        "title": reader.t("Overview"),
        "tiles": tiles,
        "matrices": matrices(cells["data"]),
        "hour": hour(minutes["data"]),
        "checks": checks["data"],
        "posted": minutes["latest"],
    }


def _tile(name: str, path: str, count: int | str, oldest: str | None) -> Row:
    return {"name": name, "path": path, "count": str(count), "oldest": oldest}


def _sum(groups: Row) -> str:
    return _at_least(sum(group["events"] for group in groups["data"]), groups)


def _at_least(number: int, *lists: Row) -> str:
    """A number of what is on the first pages of lists: `500+` where one of them has more."""
    return f"{number}+" if any(each["next"] for each in lists) else str(number)


def _seconds(since: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
