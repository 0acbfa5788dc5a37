"""`/waiting` and `/refused`: what is still to be done, grouped by what would mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.web.console import formats
from services.web.console.pages.mend import address

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

GROUPS: Final = "groups"
"""The parameter with the page of the groups, which stand above the rows."""
_WAITING: Final = ("for", "source", "older_than")
_REFUSED: Final = ("code", "scope", "source", "state")


async def waiting(reader: Reader) -> Row:
    """What waits, by what is missing, the longest first; then each event."""
    filters = {name: reader.parameter(name) for name in _WAITING}
    groups = await reader.ask(
        "/v1/waiting", company=reader.company, group_by="missing", limit=100, cursor=reader.parameter(GROUPS), **filters
    )
    said = await reader.ask("/v1/waiting", company=reader.company, limit=100, cursor=reader.parameter("cursor"), **filters)
    rows = [_with_mend(_aged(row, reader)) for row in said["data"]]
    mended = [_with_mend(group) for group in groups["data"]]
    more = {"next": said["next"], "next_groups": groups["next"]}
    return {"title": reader.t("Waiting"), "groups": mended, "rows": rows, **more, "filters": filters}


async def refused(reader: Reader) -> Row:
    """What was refused, by code and company; then each refusal, the newest first."""
    filters = {name: reader.parameter(name) for name in _REFUSED}
    groups = await reader.ask(
        "/v1/refusals", company=reader.company, group_by="missing", limit=100, cursor=reader.parameter(GROUPS), **filters
    )
    said = await reader.ask("/v1/refusals", company=reader.company, limit=100, cursor=reader.parameter("cursor"), **filters)
    rows = [_aged(row, reader) for row in said["data"]]
    more = {"next": said["next"], "next_groups": groups["next"]}
    return {"title": reader.t("Refused"), "groups": groups["data"], "rows": rows, **more, "filters": filters}


def _with_mend(row: Row) -> Row:
    """The row with the address where what is missing is defined."""
    return {**row, "mend": address(row["for"], row["key"])}


def _aged(row: Row, reader: Reader) -> Row:
    """The row with its age in words: 3 h."""
    unit, number = formats.span(row["age_seconds"])
    return {**row, "age": f"{number} {reader.t(unit)}"}
