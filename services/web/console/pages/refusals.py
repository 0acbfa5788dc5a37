"""`/refused/event`: a refused event, mended, tried and sent again; `/refused/replay` and `/refused/dismiss`: many as they are.

Of a payment whose marks alone were refused the document is posted and its id taken: what is mended then is a request to settle.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.web.console import event_fields, formats
from services.web.console.api import AskedInVainError
from services.web.console.forms import Form, carry_out, held_back, note_wrong
from services.web.console.pages.became import became, of_action, states, told
from services.web.console.pages.settling import digest
from shared.events.bindings import parsed
from shared.events.refusal import RefusedError

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_MOST: Final = 500
MOST_FIELDS: Final = 200
"""What has more fields than this is mended as JSON: a form of a thousand lines is neither read nor sent by anybody."""
MOST_BYTES: Final = 256 * 1024
"""What is larger than this is not mended here: a form that has it would not be taken (forms.py)."""
_OF_SETTLEMENT: Final = "settlement"
_IN_SIMULATION: Final = "/events/0/data"
"""Where the data of the event stand that is tried."""
_JSON: Final = "json"
_POINTER: Final = "f:"
"""What the names of the form's fields begin with that are pointers into the event's data."""


async def event(reader: Reader) -> Row:
    """The refused event beside what was wrong with it; what was filled in is tried, or sent again once it was seen tried."""
    found = (await reader.ask("/v1/refusal", id=reader.parameter("id")))["data"]
    shown = _to_mend(found)
    fields = event_fields.flat(shown)
    is_long = len(fields) > MOST_FIELDS
    as_json = is_long or reader.filled_in("as") == _JSON
    form = Form(({} if as_json else dict(fields)) | {"reason": reader.filled_in("reason") or ""})
    text = _as_text(shown, is_long=is_long)
    view: Row = {"tried": None, "events": [], "digest": None, "is_new": False}
    if reader.sent is None:
        form.wrong[_at_field(found)] = found["message"]
    else:
        data = _sent_data(reader, shown, form)
        if data is not None:
            view |= await _mended(reader, found, data, form)
    view["json"] = text if reader.sent is None else reader.sent.get(_JSON) or text
    title = f"{found['event']['id']}: {found['code']}"
    lacks = "operator" if reader.lacks("operator") else None
    sizes = {"is_long": is_long, "is_too_large": len(text.encode()) > MOST_BYTES, "number": len(fields)}
    view |= _placed(form) | sizes
    return {**view, "title": title, "refusal": found, "form": form, "as_json": as_json, "lacks": lacks, "prefix": _POINTER}


def _placed(form: Form) -> Row:
    """What was wrong with more than one field, above the first of them; and what has no place among the fields."""
    above: dict[str, list[str]] = {}
    unplaced: list[str] = []
    for pointer, text in form.wrong.items():
        if pointer in form.values or pointer == "/reason":
            continue
        first = next((each for each in form.values if each.startswith(f"{pointer.rstrip('/')}/") and pointer != "/"), None)
        if first is None:
            unplaced.append(pointer)
        else:
            above.setdefault(first, []).append(text)
    return {"above": above, "unplaced": unplaced}


def _to_mend(found: Row) -> Row:
    """The data that are mended: the event's, or those of a request to settle what its marks named."""
    data = found["original"].get("data")
    data = data if isinstance(data, dict) else {}
    if found["scope"] != _OF_SETTLEMENT or "settlement.requested" in str(found["type"]):
        return data
    ledger = "receivable" if "customer" in str(found["type"]) else "payable"
    payment = {"company": data.get("company"), "document": data.get("document")}
    marks = [each for each in data.get("settle", ()) if isinstance(each, dict)]
    primary = {"primary": payment} if data.get("primary") else {}
    return {"ledger": ledger, "settle": [payment, *marks], **primary}


def _at_field(found: Row) -> str:
    """The field that the refusal names, as it is called in what is mended: a request's marks come after the payment's own."""
    field = str(found["field"])
    if found["scope"] == _OF_SETTLEMENT and "settlement.requested" not in str(found["type"]) and field.startswith("/settle/"):
        text, slash, rest = field.removeprefix("/settle/").partition("/")
        number = formats.place(text)
        return field if number is None else f"/settle/{number + 1}{slash}{rest}"
    return field


def _sent_data(reader: Reader, shown: Row, form: Form) -> Row | None:
    """The data that were filled in; None where they cannot be read."""
    sent = reader.sent
    if sent is None:
        return None
    if sent.get("as") == _JSON:
        try:
            data = parsed((sent.get(_JSON) or "").encode())  # as the API reads it: nothing is taken that it would refuse
        except RefusedError as error:
            form.wrong["/"] = reader.t("This is not JSON: {reason}", reason=error.message)
            return None
        if event_fields.is_too_deep(data):
            form.wrong["/"] = _too_deep(reader)
            return None
        if not isinstance(data, dict):
            form.wrong["/"] = reader.t("An event's data are an object: {braces}", braces="{ … }")
            return None
        return data
    fields = [(name.removeprefix(_POINTER), value.strip()) for name, value in sent.pairs if name.startswith(_POINTER)]
    more = sent.get("more_name")
    if more:
        fields.append((f"/{more.lstrip('/')}", sent.get("more_value") or ""))
    form.values |= dict(fields)
    form.wrong |= {pointer: _too_deep(reader) for pointer, _ in fields if pointer.count("/") > event_fields.DEEPEST}
    as_shown = dict(event_fields.flat(shown))
    read = [(pointer, value if as_shown.get(pointer) == value else _read(reader, pointer, value, form)) for pointer, value in fields]
    return None if form.wrong else event_fields.whole(read, shown)


def _read(reader: Reader, pointer: str, value: str, form: Form) -> str:
    """A field as the services write it: a plain decimal, or a date as ISO has it; what is none is wrong at its field."""
    if value and event_fields.is_day(pointer):
        day = formats.plain_day(reader.language, value)
        if day is None:
            form.wrong[pointer] = reader.no_day(value)
        return day or value
    if not value or not event_fields.is_figure(pointer):
        return value
    found = formats.number(reader.language, value)
    if found is None:
        form.wrong[pointer] = reader.no_number(value)
    return found or value


def _too_deep(reader: Reader) -> str:
    return reader.t("This has more than {most} levels.", most=event_fields.DEEPEST)


async def _mended(reader: Reader, found: Row, data: Row, form: Form) -> Row:
    """What the mended data would do; where they are to be sent, and are what the reader has seen tried: what became of the event."""
    tried = await preview(reader, found, data, form)
    seen = None if tried is None or form.wrong else digest({"data": data}, tried)
    view: Row = {"tried": tried, "digest": seen}
    held = held_back(reader, seen)
    if held is not None:
        return {**view, **held}
    before = await states(reader, [(found["event"]["source"], found["event"]["id"])])
    body = {"id": found["id"], "data": data, "reason": form.value("reason")}
    if not await carry_out(reader, form, lambda under: reader.order("/v1/refusals/resend", body, under)):
        return view
    done = form.done["state"] == "done"
    return {**view, "events": await _outcome(reader, found, form.done["action"], before) if done else []}


async def _outcome(reader: Reader, found: Row, action: str, before: list[Row]) -> list[Row]:
    """What became of what was sent: of a request to settle, which has the action's id, or of the event itself."""
    if found["scope"] == _OF_SETTLEMENT:
        return await became(reader, [of_action(action)])
    return await became(reader, before)


async def preview(reader: Reader, found: Row, data: Row, form: Form) -> Row | None:
    """What the mended event would do (`/v1/simulate`); what would be refused stands at its field."""
    is_request = found["scope"] == _OF_SETTLEMENT
    original = {name: value for name, value in found["original"].items() if name in {"specversion", "time"}}
    type_ = "intercompany.settlement.requested.v1" if is_request else found["original"].get("type")
    ids = {**found["event"], **({"id": f"{found['event']['id']}-mended"} if is_request else {}), "type": type_}
    try:
        said = await reader.order("/v1/simulate", {"events": [{"specversion": "1.0", **original, **ids, "data": data}]})
    except AskedInVainError as refused:
        note_wrong(form, refused)
        return None
    for fault in said["unreadable"]:
        form.wrong.setdefault(str(fault["pointer"]).removeprefix(_IN_SIMULATION) or "/", fault["message"])
    for refusal in said["rejected"]:
        form.wrong.setdefault(refusal["field"] or "/", refusal["message"])
    tried: Row = said
    return tried


def compared(found: Row, action: Row) -> list[Row]:
    """What mended data change: those of the event; where its marks alone were refused, the request to settle that these would be."""
    is_request = found["scope"] == _OF_SETTLEMENT
    return event_fields.changes(_to_mend(found) if is_request else action["before"], action["after"])


def _as_text(data: Row, *, is_long: bool) -> str:
    """The data as JSON to be read; of what is long each entry of a list is one line."""
    if not is_long:
        return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    return "{\n" + ",\n".join(f"  {_line(name)}: {_in_lines(value)}" for name, value in data.items()) + "\n}"


def _in_lines(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return _line(value)
    return "[\n    " + ",\n    ".join(_line(each) for each in value) + "\n  ]"


def _line(value: Any) -> str:
    return orjson.dumps(value).decode()


async def replay(reader: Reader) -> Row:
    """The form that sends refused events again as they are; once it is sent: what became of each."""
    view = await _many(reader)
    form: Form = view["form"]
    if reader.sent is not None and reader.sent.get("do"):
        body = {"ids": view["ids"], "reason": form.value("reason")}
        if await carry_out(reader, form, lambda under: reader.order("/v1/refusals/replay", body, under)):
            view |= {"replayed": form.done["events"], "left_out": form.done["problems"]}
            view["states"] = [told(each) for each in await states(reader, ((each["source"], each["id"]) for each in form.done["events"]))]
    return {"title": reader.t("Send again as they are"), "do": "replay", **view}


async def dismiss(reader: Reader) -> Row:
    """The form that takes refusals off the work list."""
    view = await _many(reader)
    form: Form = view["form"]
    if reader.sent is not None and reader.sent.get("do"):
        body = {"ids": view["ids"], "reason": form.value("reason")}
        await carry_out(reader, form, lambda under: reader.order("/v1/refusals/dismiss", body, under))
    return {"title": reader.t("Take off the work list"), "do": "dismiss", **view}


async def _many(reader: Reader) -> Row:
    """The refusals that were chosen."""
    given = reader.request.query_params.getlist("id") if reader.sent is None else reader.sent.all("id")
    ids = list(dict.fromkeys(given))[:_MOST]
    found = await asyncio.gather(*(reader.ask("/v1/refusal", id=each) for each in ids))
    form = Form({"reason": reader.filled_in("reason") or ""})
    lacks = "operator" if reader.lacks("operator") else None
    return {
        "ids": ids,
        "chosen": [each["data"] for each in found],
        "form": form,
        "replayed": None,
        "left_out": [],
        "states": [],
        "lacks": lacks,
    }
