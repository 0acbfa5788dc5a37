"""`/waiting/mend` and `/waiting/discard`: what is missing is defined, and what waits for it resumes; or it is given up.

The address says what is missing (`for`, and its key); the form says what is to be defined, and shows which events resume.

Invariant: nothing is defined that nothing waits for, and no version is replaced that the form has not shown.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.web.console import event_fields, formats, mends
from services.web.console.api import AskedInVainError
from services.web.console.forms import Form, carry_out
from services.web.console.pages.became import became, states
from services.web.console.pages.named import NEW, Named, named
from services.web.console.reader import url
from services.web.models import MOST_CHARACTERS
from services.web.problems import Code, ProblemError
from services.web.work_models import in_one_line

if TYPE_CHECKING:
    from services.web.console.mends import Mend
    from services.web.console.reader import Reader

Row = dict[str, Any]

KEY: Final = "key_"
"""What the names of the address begin with that say which thing is missing."""
SEEN: Final = "seen"
"""The field with the version that the form has shown."""
_MOST: Final = 500


def address(reason: str, key: Row) -> str | None:
    """Where something that is missing is defined; None: not in reference data."""
    named = {f"{KEY}{name}": value for name, value in key.items()}
    return None if mends.mend_of(reason, key) is None else url("/waiting/mend", for_=reason, **named)


async def mend(reader: Reader) -> Row:
    """The form that defines what is missing; once it is sent: what the events that waited for it became."""
    reason = reader.parameter("for") or ""
    key = {name.removeprefix(KEY): value for name, value in reader.request.query_params.items() if name.startswith(KEY)}
    found = mends.mend_of(reason, key, _closed(reader, key))
    if found is None:
        raise ProblemError(Code.NOT_FOUND, "no-record", what="mend")
    held, is_more = await _held(reader, reason, key)
    form = Form({each.name: each.value for each in found.fields} | {"reason": ""})
    events: list[Row] = []
    taken: list[Named] = []
    present = None
    if reader.sent is not None and held:
        _fill_in(form, found, reader)
        taken = await _names(form, found, reader)
        before = await states(reader, ((each["event"]["source"], each["event"]["id"]) for each in held))
        present = await _define(reader, reason, form)
        events = await became(reader, before) if form.done else []
    elif held and reason not in mends.ADDED_TO:
        present = await _present(reader, mends.key_of(reason, form.values))
    parties = (await reader.ask("/v1/parties", limit=_MOST))["data"] if reason == "account" else []
    return {
        "title": reader.t(found.title),
        "mend": found,
        "missing": (reason, key),
        "form": form,
        "held": held,
        "resume": f"{len(held)}+" if is_more else str(len(held)),
        "present": present,
        "parties": parties,
        "events": events,
        "taken": [each for each in taken if each.called or each.wrong],
        "lacks": "master" if reader.lacks("master") else None,
    }


def _fill_in(form: Form, found: Mend, reader: Reader) -> None:
    """The values that were sent; what is fixed stays as what is missing says it."""
    for each in found.fields:
        if not each.fixed:
            form.values[each.name] = (reader.sent.get(each.name) if reader.sent else None) or ""
            if each.needed and not form.values[each.name]:
                form.wrong[f"/{each.name}"] = reader.t("This has to be filled in.")
            elif each.kind == "decimal" and formats.number(reader.language, form.values[each.name]) is None:
                form.wrong[f"/{each.name}"] = reader.no_number(form.values[each.name])
            elif each.kind == "date" and form.values[each.name]:
                form.fill_day(reader, each.name)
    form.values["reason"] = reader.filled_in("reason") or ""


async def _names(form: Form, found: Mend, reader: Reader) -> list[Named]:
    """What the fields name, by the names that the books have of it; what is not there is wrong unless it is said to be new."""
    said_new = reader.sent.all(NEW) if reader.sent else []
    taken = []
    for each in found.fields:
        if each.names and form.values[each.name]:
            meant = await named(reader, each.names, form.values[each.name], form.values)
            if meant.wrong and not (meant.may_be_new and meant.value in said_new):
                form.wrong[f"/{each.name}"] = meant.wrong
            form.values[each.name] = meant.value
            taken.append(meant)
    return taken


class Present(NamedTuple):
    """What is in force under the key of what a form defines, or what was there last: `seen` says which version, `data` by their places."""

    seen: str
    position: int
    given: Row | None
    data: list[tuple[str, str]]


async def _define(reader: Reader, reason: str, form: Form) -> Present | None:
    """Sends the definition over the version that the form has shown. What is in force, where that is another one: nothing is sent then."""
    if form.wrong or reader.sent is None:
        return None
    values = {**form.values, **({"rate": formats.plain(reader.language, form.values["rate"])} if "rate" in form.values else {})}
    key = mends.key_of(reason, values)
    present = await _present(reader, key)
    if reason not in mends.ADDED_TO and present.data and reader.sent.get(SEEN) != present.seen:
        form.wrong["/"] = reader.t("This is defined already; what is in force is shown here. Nothing was saved: save again to replace it.")
        return present
    definition = mends.definition_of(reason, values, present.given)
    body = {"type": definition.type, "data": definition.data, "reason": form.value("reason")}
    order = partial(reader.api.put, "/v1/reference/entity", body, position=present.position, key=key)
    if (
        not await carry_out(reader, form, lambda under: order(under=under))
        and form.problem
        and form.problem["code"] == Code.VERSION_CHANGED
    ):
        return await _present(reader, key)
    return present if reason not in mends.ADDED_TO else None


async def _present(reader: Reader, key: str) -> Present:
    """The last version of an entity; position 0 where there is none, no data where it was withdrawn."""
    try:
        last = (await reader.ask("/v1/reference/entity", key=key))["data"]["versions"][-1]
    except AskedInVainError as refused:
        if not refused.is_missing:
            raise
        return Present(f"{key}@0", 0, None, [])
    data = None if last["type"] == "reference.withdrawn" else last["data"]
    return Present(f"{key}@{last['position']}", last["position"], data, event_fields.flat(data))


async def _held(reader: Reader, reason: str, key: Row) -> tuple[list[Row], bool]:
    """The events that wait for this one thing, so many at most as are shown at once; and whether there are more."""
    named = in_one_line(key)
    wanted = named if len(named) <= MOST_CHARACTERS else None
    said = await reader.ask("/v1/waiting", **{"for": reason}, key=wanted, limit=_MOST)
    return [each for each in said["data"] if each["key"] == key], said.get("next") is not None


def _closed(reader: Reader, key: Row) -> tuple[str, str] | None:
    """The closed period that a date is in."""
    periods = [each["periods"] for each in reader.companies if each["company"] == key.get("company")]
    last = [each for each in (periods[0] if periods else []) if each["from"] <= key.get("date", "") <= each["to"]]
    return (last[-1]["from"], last[-1]["to"]) if last and last[-1]["state"] == "closed" else None


async def discard(reader: Reader) -> Row:
    """The form that gives up what an event has waiting; once it is sent: what became of it."""
    source, event = reader.parameter("source") or "", reader.parameter("event") or ""
    before = await states(reader, [(source, event)])
    form = Form({"reason": reader.filled_in("reason") or ""})
    events: list[Row] = []
    if reader.sent is not None:
        body = {"source": source, "id": event, "reason": form.value("reason")}
        done = await carry_out(reader, form, lambda under: reader.order("/v1/waiting/discard", body, under))
        events = await became(reader, before) if done and form.done["state"] == "done" else []
    title = reader.t("Discard what waits")
    lacks = "operator" if reader.lacks("operator") else None
    return {"title": title, "event": before[0], "form": form, "events": events, "lacks": lacks}
