"""`/trace`: one payment through all its companies, as a picture of companies by steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.web.console.api import AskedInVainError
from services.web.console.pages.mend import address
from services.web.console.picture import picture
from services.web.console.taken import in_words, taken

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_NAMES: Final = ("event", "source", "document", "company", "ledger", "voucher", "settlement")
_STARTS: Final = ("event", "document", "voucher", "settlement")


async def view(reader: Reader) -> Row:
    """The picture of what is joined to what the address names; trouble comes first."""
    names = {name: reader.parameter(name) for name in _NAMES}
    names["company"] = names["company"] if names["document"] or names["voucher"] else None
    was_sent = bool(reader.parameter("sent") and names["event"])
    said = await _traced(reader, names, was_sent=was_sent)
    start = next((names[name] for name in _STARTS if names[name]), None) or ""
    events = [node for node in said["nodes"] if node["kind"] == "event"]
    troubles = [_with_mends(node) for node in events if node["waits"] or node["refusals"]]
    return {
        "title": start,
        "picture": picture(said, {row["company"]: row["name"] for row in reader.companies}),
        "head": _head(said["nodes"], names, start),
        "was_sent": was_sent,
        "taken": _how_long(reader, said["nodes"], start),
        "to_approve": [node for node in said["nodes"] if node["kind"] == "journal" and node["state"] == "created" and node["journal"]],
        "troubles": troubles,
        "truncated": said["truncated"],
    }


async def _traced(reader: Reader, names: Row, *, was_sent: bool) -> Row:
    """The trace; of an event that was sent a moment ago nothing, while nobody knows it yet."""
    try:
        found: Row = (await reader.ask("/v1/trace", **names))["data"]
    except AskedInVainError as refused:
        if not was_sent or not refused.is_missing:
            raise
        return {"nodes": [], "edges": [], "truncated": False}
    return found


def _how_long(reader: Reader, nodes: list[Row], start: str) -> str | None:
    """How long it took until everything was posted, in a sentence; None while it is not."""
    found = taken(nodes, start)
    if found is None:
        return None
    time = in_words(reader, found.milliseconds)
    approved = reader.t("everything posted in {time}, not counting the wait for approval", time=time)
    said = approved if found.was_approved else reader.t("everything posted in {time}", time=time)
    return f"{said}; {reader.t('some of it has been reversed since')}" if found.is_reversed else said


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
