"""`/trace`: one payment through all its companies, as a picture of companies by steps."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from services.web.console.pages.mend import address
from services.web.console.picture import picture

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_NAMES: Final = ("event", "source", "document", "company", "ledger", "voucher", "settlement")
_STARTS: Final = ("event", "document", "voucher", "settlement")


async def view(reader: Reader) -> Row:
    """The picture of what is joined to what the address names; trouble comes first."""
    names = {name: reader.parameter(name) for name in _NAMES}
    names["company"] = names["company"] if names["document"] or names["voucher"] else None
    said = (await reader.ask("/v1/trace", **names))["data"]
    start = next((names[name] for name in _STARTS if names[name]), None) or ""
    events = [node for node in said["nodes"] if node["kind"] == "event"]
    troubles = [_with_mends(node) for node in events if node["waits"] or node["refusals"]]
    return {
        "title": start,
        "picture": picture(said, {row["company"]: row["name"] for row in reader.companies}),
        "head": _head(said["nodes"], names, start),
        "milliseconds": None if troubles else _taken(said["nodes"], start),
        "troubles": troubles,
        "truncated": said["truncated"],
    }


def _with_mends(node: Row) -> Row:
    """The event with the address where each thing that it waits for is defined."""
    return {**node, "waits": [{**wait, "mend": address(wait["for"], wait["key"])} for wait in node["waits"]]}


def _head(nodes: list[Row], names: Row, start: str) -> Row | None:
    """The document that the picture is about: the one asked for, or the one that the event posted."""
    for node in nodes:
        if node["kind"] == "document" and start in {node["document"], node["event"]["id"]}:
            wanted = (names["company"], names["ledger"])
            if all(value in {None, node[name]} for name, value in zip(("company", "ledger"), wanted, strict=True)):
                return node
    return None


def _taken(nodes: list[Row], start: str) -> int | None:
    """Milliseconds from the event's arrival until the last voucher that came of it was posted."""
    arrived = [node["received_at"] for node in nodes if node["kind"] == "event" and node["event"]["id"] == start and node["received_at"]]
    posted = [node["posted_at"] for node in nodes if node["kind"] == "voucher" and node["caused_by"] and node["caused_by"]["id"] == start]
    if not arrived or not posted:
        return None
    return round((datetime.fromisoformat(max(posted)) - datetime.fromisoformat(arrived[0])).total_seconds() * 1000)
