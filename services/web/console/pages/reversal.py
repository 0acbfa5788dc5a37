"""`/reverse`: what an event or a payment settled is reversed, or a payment itself; with what would be posted beside the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.web.console.api import AskedInVainError
from services.web.console.forms import Form, carry_out, held_back, note_wrong
from services.web.console.pages.became import became, of_action
from services.web.console.pages.settling import digest

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_TITLES: Final = {"settlement": "Reverse the settlement", "payment": "Reverse the payment"}


async def view(reader: Reader) -> Row:
    """The form, with what the reversal would post today; once it is sent: what became of it."""
    names = {name: reader.parameter(name) for name in ("ledger", "settlement", "source", "company", "document")}
    what = "payment" if reader.parameter("what") == "payment" else "settlement"
    form = Form({"date": reader.filled_in("date") or "", "reason": reader.filled_in("reason") or ""})
    if form.value("date"):
        form.fill_day(reader, "date")
    body = _body(what, names, form)
    tried = None if form.wrong else await preview(reader, what, body, form)
    seen = None if tried is None or form.wrong else digest(body, tried)
    view: Row = {"events": [], "digest": seen, "is_new": False}
    held = held_back(reader, seen)
    view |= await _sent(reader, what, body, form) if held is None else held
    return {
        "title": reader.t(_TITLES[what]),
        "what": what,
        "names": names,
        "form": form,
        "tried": None if form.done else tried,
        "lacks": "operator" if reader.lacks("operator") else None,
        **view,
    }


async def _sent(reader: Reader, what: str, body: Row, form: Form) -> Row:
    """Orders it, and says what became of it."""
    order = {**body, "reason": form.value("reason")}
    path = "/v1/payments/reverse" if what == "payment" else "/v1/settlements/reverse"
    if await carry_out(reader, form, lambda under: reader.order(path, order, under)) and form.done["state"] == "done":
        return {"events": await became(reader, [of_action(form.done["action"])])}
    return {}


def _body(what: str, names: Row, form: Form) -> Row:
    """What is asked for, the reason aside."""
    date = {"date": form.value("date")} if form.value("date") else {}
    if what == "payment":
        return {"ledger": names["ledger"], "company": names["company"], "document": names["document"], **date}
    if names["settlement"]:
        return {"ledger": names["ledger"], "settlement": {"source": names["source"], "id": names["settlement"]}, **date}
    return {"ledger": names["ledger"], "payment": {"company": names["company"], "document": names["document"]}, **date}


async def preview(reader: Reader, what: str, body: Row, form: Form) -> Row | None:
    """What the reversal of a `settlement` or `payment` would post, in every company; what would be refused stands in the form."""
    data = {name: value for name, value in body.items() if name in {"ledger", "date", "payment"}}
    if what == "payment":
        data["payment"] = {"company": body["company"], "document": body["document"]}
    if "settlement" in body:
        data |= {"settlement": body["settlement"]["id"], "settlement_source": body["settlement"]["source"]}
    event = {
        "specversion": "1.0",
        "id": "reversal",
        "source": "console",
        "type": f"intercompany.{what}-reversal.requested.v1",
        "data": data,
    }
    try:
        said: Row = await reader.order("/v1/simulate", {"events": [event]})
    except AskedInVainError as refused:
        note_wrong(form, refused)
        return None
    for fault in [*said["unreadable"], *({"pointer": each["field"], "message": each["message"]} for each in said["rejected"])]:
        form.wrong.setdefault(str(fault["pointer"]).removeprefix("/events/0").removeprefix("/data") or "/", fault["message"])
    return said
