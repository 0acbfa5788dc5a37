"""`/simulate`: settle open documents as Dynamics' *Settle transactions* does: mark, enter, see every company's vouchers, then send.

What is shown is what the API's simulation says of the very event that would be sent: sums, rest and vouchers are its own.

Invariant: nothing is sent but what was previewed: the button carries a digest of the previewed event, and another event is shown again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse

from services.web.console.api import AskedInVainError
from services.web.console.pages.named import parties_named
from services.web.console.pages.settling import Entered, Settling, by_company, digest, event_of, figures, holders, key_of, wrong_figures
from services.web.console.reader import url

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.console.reader import Reader

Row = dict[str, Any]

SOURCE: Final = "console"
"""The source of what is sent here, unless the sender may use others alone."""
_MOST_DOCUMENTS: Final = 100
_MOST_PARTIES: Final = 500
_WAITS: Final = 10


async def view(reader: Reader) -> Row | Response:
    """The fields, the party's open documents, and what would be posted; a sender's POST sends it and leads to its trace."""
    pairs = reader.request.query_params.multi_items() if reader.sent is None else reader.sent.pairs
    if any(name == "pick" for name, _ in pairs):
        return await _picked(reader, [value for name, value in pairs if name == "pick"])
    entered = Entered.of(pairs, reader)
    party = await _party(reader, entered.party)
    entered = entered if party is None else replace(entered, party=party["party"])
    documents = await _documents(reader, entered) if party else []
    settling = Settling(entered, party, documents, [each["company"] for each in reader.companies])
    wrong = {name: reader.no_number(value) for name, value in wrong_figures(pairs, reader).items()}
    event = None if wrong else event_of(settling, _source(reader))
    simulated, trouble = await _simulated(reader, event)
    of = None if reader.sent is None else reader.sent.get("previewed")
    if event is not None and of == digest(event) and _is_clean(simulated):
        try:
            await reader.api.order("/v1/events", event, reason=reader.t("sent manually, as simulated"))
            await reader.ask("/v1/event", source=event["source"], id=event["id"], wait=_WAITS)
            return RedirectResponse(url("/trace", event=event["id"], source=event["source"], sent=1), status_code=303)
        except AskedInVainError as refused:
            trouble = refused.problem
    return {
        "title": reader.t("Simulate a settlement"),
        "s": settling,
        "parties": (await reader.ask("/v1/parties", limit=_MOST_PARTIES))["data"],
        "event": event,
        "simulated": simulated,
        "trouble": trouble,
        "wrong": wrong,
        "left": dict(pairs).get("left"),
        "changed": of is not None and event is not None and of != digest(event),
        "figures": None if simulated is None else figures(settling, simulated),
        "companies": [] if simulated is None else by_company(simulated["vouchers"]),
        "waits": [] if simulated is None else holders(settling, simulated),
        "lacks": "sender" if reader.lacks("sender") else None,
        "can_send": not reader.lacks("sender") and _is_clean(simulated),
        "digest": None if event is None else digest(event),
        "is_truncated": len(documents) == _MOST_DOCUMENTS,
    }


async def _picked(reader: Reader, picks: list[str]) -> Response:
    """Leads to the page with these documents marked: those of the first one's party and ledger, which one payment can settle."""
    day = reader.parameter("date") or reader.day
    found = [(await reader.ask("/v1/document", **dict(parse_qsl(pick.removeprefix("?"))), as_of=day))["data"] for pick in picks]
    party, ledger = found[0]["party"]["id"], found[0]["ledger"]
    marks = [key_of(each) for each in found if (each["party"]["id"], each["ledger"]) == (party, ledger)]
    names = [("ledger", ledger), ("party", party), ("date", day), *(("mark", mark) for mark in marks)]
    left = len(found) - len(marks)
    return RedirectResponse(f"/simulate?{urlencode([*names, *([('left', left)] if left else [])])}", status_code=303)


def _source(reader: Reader) -> str:
    sources = None if reader.actor is None else reader.actor.sources
    return SOURCE if sources is None else next(iter(sources), SOURCE)


def _is_clean(simulated: Row | None) -> bool:
    """Whether everything would be posted."""
    return simulated is not None and not (simulated["rejected"] or simulated["unreadable"] or simulated["waiting"])


async def _party(reader: Reader, wanted: str | None) -> Row | None:
    """The party with its accounts in each company, by its code, or by its name where that is one alone."""
    found = [] if wanted is None else await parties_named(reader, wanted)
    return found[0] if len(found) == 1 else None


async def _documents(reader: Reader, entered: Entered) -> list[Row]:
    """The party's open documents on the day of the payment, in every company in scope."""
    return list(
        (
            await reader.ask(
                "/v1/documents",
                party=entered.party,
                ledger=entered.ledger,
                state="open",
                as_of=entered.date,
                sort="due_date",
                limit=_MOST_DOCUMENTS,
            )
        )["data"]
    )


async def _simulated(reader: Reader, event: Row | None) -> tuple[Row | None, Any]:
    """What the event would do, and what is wrong with asking so."""
    if event is None:
        return None, None
    try:
        return await reader.api.order("/v1/simulate", {"events": [event]}), None
    except AskedInVainError as refused:
        return None, refused.problem
