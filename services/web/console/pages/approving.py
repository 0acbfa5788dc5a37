"""`/approvals` and what is decided there: journals that are created, and proposals with what they would change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from services.web.console import event_fields
from services.web.console.forms import Form, carry_out
from services.web.console.pages import deciding
from services.web.console.pages.acted import targets
from services.web.console.pages.became import became, of_action, states
from services.web.models import AN_ID
from services.web.problems import Code, ProblemError

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_AN_ID: Final = re.compile(AN_ID)
PROPOSALS: Final = "proposals"
"""The parameter with the page of the proposals, which stand beneath the journals."""


async def approvals(reader: Reader) -> Row:
    """Sales payment journals that are created and not posted, and what somebody has proposed."""
    journals = await reader.ask("/v1/journals", company=reader.company, status="created", limit=100, cursor=reader.parameter("cursor"))
    proposed = await reader.ask("/v1/actions", state="proposed", limit=100, cursor=reader.parameter(PROPOSALS))
    rows = [{**each, "own": _is_own(reader, each), "about": deciding.about(each)} for each in proposed["data"]]
    view = {"title": reader.t("Approvals"), "journals": journals["data"], "next": journals["next"]}
    return {**view, "proposed": rows, "next_proposals": proposed["next"]}


async def journal(reader: Reader) -> Row:
    """The form that approves a journal; once it is sent: what became of it."""
    names = {name: reader.parameter(name) for name in ("company", "document")}
    found = await _journal(reader, names)
    form = Form({"reason": reader.filled_in("reason") or ""})
    events: list[Row] = []
    if reader.sent is not None:
        body = {**names, "reason": form.value("reason")}
        if await carry_out(reader, form, lambda under: reader.order("/v1/journals/approve", body, under)):
            events = await became(reader, [of_action(form.done["action"])])
    lacks = "approver" if reader.lacks("approver") else None
    title = f"{names['company']} {names['document']}"
    tried = await deciding.approval(reader, found) if found is not None and found["status"] == "created" and not form.done else None
    return {"title": title, "journal": found, "names": names, "form": form, "events": events, "lacks": lacks, "tried": tried}


async def proposal(reader: Reader) -> Row:
    """A proposal with what it would change; approved or declined by somebody else than who made it."""
    found = await _proposal(reader, reader.parameter("id") or "")
    form = Form({"reason": reader.filled_in("reason") or ""})
    events: list[Row] = []
    decision = (reader.sent.get("do") if reader.sent else None) or ""
    if decision in {"approve", "decline"}:
        before = await states(reader, _events(found))
        path = f"/v1/actions/{found['id']}/{decision}"
        body = {"reason": form.value("reason")}
        if await carry_out(reader, form, lambda under: reader.order(path, body, under)) and decision == "approve":
            events = await became(reader, before or [of_action(found["id"])])
    lacks = "approver" if reader.lacks("approver") else None
    return {
        "title": reader.name(found["verb"]),
        "action": found,
        "targets": targets(reader, found),
        **await _shown(reader, found),
        "own": _is_own(reader, found),
        "form": form,
        "events": events,
        "decided": decision if form.done else None,
        "lacks": lacks,
    }


async def _shown(reader: Reader, action: Row) -> Row:
    """What the proposal would do; of what nothing better is known, what differs between before and after."""
    view = await deciding.shown(reader, action)
    refusable = view.pop("form")
    if view["changes"] is None:
        view["changes"] = [] if view["about"] else event_fields.changes(action["before"], action["after"])
    return {**view, "refusable": refusable}


def _is_own(reader: Reader, action: Row) -> bool:
    return reader.actor is not None and reader.way.kind != "none" and action["actor"] == reader.actor.name


def _events(action: Row) -> list[tuple[str, str]]:
    """The events that an action sends again or gives up; what it sends by itself has its id."""
    target = action["target"]
    named = [*target.get("events", ()), *([target["event"]] if isinstance(target.get("event"), dict) else ())]
    return [(each["source"], each["id"]) for each in named] if target.get("scope") != "settlement" else []


async def _journal(reader: Reader, names: Row) -> Row | None:
    """The journal of this number."""
    if names["document"] is None:
        return None
    found = (await reader.ask("/v1/journals", **names, limit=1))["data"]
    return next(iter(found), None)


async def _proposal(reader: Reader, id_: str) -> Row:
    """The action with this id."""
    found: list[Row] = (await reader.ask("/v1/actions", id=id_, limit=1))["data"] if _AN_ID.fullmatch(id_) else []
    if not found:
        raise ProblemError(Code.NOT_FOUND, "no-record", what="action")
    return found[0]
