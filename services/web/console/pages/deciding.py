"""What somebody decides about: of which documents and amounts a proposal is, what was posted of it, and what carrying it out would post.

Invariant: what would be posted is what the API's simulation says of the very order; what is out of the reader's scope is not said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.web.console.api import AskedInVainError
from services.web.console.forms import Form
from services.web.console.pages import refusals, reversal

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_REVERSALS: Final = {"reverse-settlement": "settlement", "reverse-payment": "payment"}
_VOUCHERS: Final = 20


def about(action: Row) -> list[Row]:
    """What an action is about, a row for each amount: the document, the one that it settled (None: none), the amount and currency."""
    before, target = action["before"] or {}, action["target"]
    if action["verb"] == "reverse-settlement":
        records = before.get("records", ()) if isinstance(before, dict) else ()
        return [_row(each["payment"], each, settled=each["invoice"]) for each in records if "payment" in each]
    if action["verb"] == "reverse-payment":
        return [_row(target["payment"], before)]
    if action["verb"] == "resend" and isinstance(before, dict):
        return [_row(before, before)] if before.get("document") else []
    return []


def _row(document: Row, amounts: Row, settled: Row | None = None) -> Row:
    names = {name: document.get(name) for name in ("company", "document")}
    said = {name: None if amounts.get(name) is None else str(amounts[name]) for name in ("amount", "currency")}
    return {**names, "settled": settled, **said}


async def shown(reader: Reader, action: Row) -> Row:
    """What a proposal's page shows of it: what it is about, its vouchers and parties, what would change, and what it would post."""
    view: Row = {"about": about(action), "vouchers": [], "parties": [], "changes": None, "tried": None, "form": Form()}
    is_open = action["state"] == "proposed"
    if action["verb"] in _REVERSALS:
        view |= await _posted(reader, action)
        if is_open:
            view["tried"] = await reversal.preview(reader, _REVERSALS[action["verb"]], _order(action), view["form"])
    elif action["verb"] == "resend":
        found = await _refusal(reader, action["target"]["refusal"])
        if found is not None and action["after"] is not None:
            view["changes"] = refusals.compared(found, action)
            if is_open:
                view["tried"] = await refusals.preview(reader, found, action["after"], view["form"])
    return view


def _order(action: Row) -> Row:
    """What is asked for, as the form of the reversal has it."""
    target, after = action["target"], action["after"] or {}
    date = {"date": after["date"]} if after.get("date") else {}
    if action["verb"] == "reverse-payment":
        return {"ledger": target["ledger"], **target["payment"], **date}
    if "payment" in target:
        return {"ledger": target["ledger"], "payment": target["payment"], **date}
    return {"ledger": target["ledger"], "settlement": {"source": target["settlement_source"], "id": target["settlement"]}, **date}


async def _posted(reader: Reader, action: Row) -> Row:
    """The vouchers that would be reversed, and whose they are."""
    target = action["target"]
    payment = {name: target["payment"][name] for name in ("company", "document")} if "payment" in target else {}
    try:
        found = (await reader.ask("/v1/vouchers", settlement=target.get("settlement"), **payment, limit=_VOUCHERS))["data"]
    except AskedInVainError:
        found = []
    parties = dict.fromkeys(line["party"] for voucher in found for line in voucher["lines"] if line["party"])
    return {"vouchers": found, "parties": list(parties)}


async def _refusal(reader: Reader, id_: str) -> Row | None:
    try:
        found: Row = (await reader.ask("/v1/refusal", id=id_))["data"]
    except AskedInVainError:
        return None
    return found


async def approval(reader: Reader, journal: Row) -> Row | None:
    """What approving a sales payment journal would post and settle."""
    data = {"company": journal["company"], "journal": journal["journal"], "document": journal["document"]}
    event = {
        "specversion": "1.0",
        "id": "approval",
        "source": "console",
        "type": "intercompany.journal-approval.requested.v1",
        "data": {name: value for name, value in data.items() if value is not None},
    }
    try:
        said: Row = await reader.order("/v1/simulate", {"events": [event]})
    except AskedInVainError:
        return None
    return said
