"""`/simulate`: settle open documents as Dynamics' *Settle transactions* does: mark, enter, see every company's vouchers, then send.

What is shown is what the API's simulation says of the very event that would be sent: sums, rest and vouchers are its own.

Invariant: nothing is sent but what was previewed: the button carries a digest of the previewed event and of what it would
post and leave open; where either is another by then, it is shown again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse, Response

from services.web.console import formats
from services.web.console.api import AskedInVainError
from services.web.console.pages.marking import MOST_LISTED, Lost, documents_of, together
from services.web.console.pages.named import parties_named
from services.web.console.pages.settling import (
    Entered,
    Settling,
    by_company,
    digest,
    event_of,
    figures,
    holders,
    is_same_event,
    key_of,
    wrong_fields,
)
from services.web.console.reader import url
from services.web.problems import STATUS, Code

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

SOURCE: Final = "console"
"""The source of what is sent here, unless the sender may use others alone."""
_OF_A_PICK: Final = frozenset({"ledger", "company", "document"})
_MOST_PARTIES: Final = 500
_WAITS: Final = 10


class _Tried(NamedTuple):
    """What is entered, and what its event would do; no event where something is wrong, or a mark cannot be used."""

    settling: Settling
    lost: list[Lost]
    wrong: dict[str, str]
    event: Row | None
    simulated: Row | None
    trouble: Any

    @property
    def digest(self) -> str | None:
        """Of what would be sent and what would come of it; None: nothing would be sent."""
        return None if self.event is None or self.simulated is None else digest(self.event, self.simulated)


async def view(reader: Reader) -> Row | Response:
    """The fields, the party's open documents, and what would be posted; a sender's POST sends it and leads to its trace."""
    pairs = reader.request.query_params.multi_items() if reader.sent is None else reader.sent.pairs
    if any(name == "pick" for name, _ in pairs):
        return await _picked(reader, [value for name, value in pairs if name == "pick"])
    entered, taken = Entered.of(pairs, reader), None
    party = await _party(reader, entered.party)
    entered = entered if party is None else replace(entered, party=party["party"])
    wrong = wrong_fields(pairs, reader)
    tried = await _tried(reader, entered, party, wrong)
    of = None if reader.sent is None else reader.sent.get("previewed")
    if _is_taken(tried):
        taken = url("/trace", event=entered.id, source=_source(reader))
        tried = await _tried(reader, entered.anew(), party, wrong)
    elif of is not None and (sent := await _sent(reader, tried, of)) is not None:
        if isinstance(sent, Response):
            return sent
        tried = tried._replace(trouble=sent)
    return {
        **await _shown(reader, tried),
        "left": dict(pairs).get("left"),
        "changed": of is not None and tried.digest not in {None, of},
        "taken": taken,
    }


async def _shown(reader: Reader, tried: _Tried) -> Row:
    """What the page shows of it."""
    settling, simulated = tried.settling, tried.simulated
    return {
        "title": reader.t("Simulate a settlement"),
        "s": settling,
        "parties": (await reader.ask("/v1/parties", limit=_MOST_PARTIES))["data"],
        "event": tried.event,
        "simulated": simulated,
        "trouble": tried.trouble,
        "wrong": tried.wrong,
        "lost": tried.lost,
        "figures": None if simulated is None else figures(settling, simulated),
        "companies": [] if simulated is None else by_company(simulated["vouchers"]),
        "waits": [] if simulated is None else holders(settling, simulated),
        "lacks": "sender" if reader.lacks("sender") else None,
        "can_send": not reader.lacks("sender") and _is_clean(simulated),
        "digest": tried.digest,
        "is_truncated": len(settling.documents) >= MOST_LISTED,
    }


async def _tried(reader: Reader, entered: Entered, party: Row | None, wrong: dict[str, str]) -> _Tried:
    """What is entered, over the documents as they are now."""
    documents, lost = await documents_of(reader, entered) if party else ([], [])
    settling = Settling(entered, party, documents, [each["company"] for each in reader.companies])
    event = None if wrong or lost else event_of(settling, _source(reader))
    return _Tried(settling, lost, wrong, event, *await _simulated(reader, event))


async def _sent(reader: Reader, tried: _Tried, of: str) -> Response | Any:
    """Sends what was previewed and leads to its trace; what stands in the way of it; None where something else was previewed."""
    event = tried.event
    if event is None or not _is_clean(tried.simulated):
        return None
    there = RedirectResponse(url("/trace", event=event["id"], source=event["source"], sent=1), status_code=303)
    if of != tried.digest:
        was_sent = is_same_event(of, tried.digest or "") and await _is_known(reader, event)
        return there if was_sent else None
    try:
        await reader.api.order("/v1/events", event, reason=reader.t("sent manually, as simulated"))
        await reader.ask("/v1/event", source=event["source"], id=event["id"], wait=_WAITS)
    except AskedInVainError as refused:
        return refused.problem
    return there


async def _is_known(reader: Reader, event: Row) -> bool:
    """Whether the very event was sent already: the form was sent twice."""
    return bool((await reader.ask("/v1/event", source=event["source"], id=event["id"]))["state"] != "unknown")


def _is_taken(tried: _Tried) -> bool:
    """Whether the id of the page belongs to an event already that says something else: it was sent, and then more was marked."""
    rejected = [] if tried.simulated is None else tried.simulated["rejected"]
    return any((each["code"], each["field"]) == (Code.CONFLICTING_DUPLICATE, "/id") for each in rejected)


async def _picked(reader: Reader, picks: list[str]) -> Response:
    """Leads to the page with these documents marked: those of the first one's party and ledger, which one payment can settle."""
    if len(picks) > MOST_LISTED:
        title = reader.t("At most {most} documents can be marked at once.", most=MOST_LISTED)
        raise AskedInVainError(STATUS[Code.PARAMETER_INVALID], {"title": title, "code": Code.PARAMETER_INVALID})
    day = formats.plain_day(reader.language, reader.parameter("date") or "") or reader.day
    names = [dict(parse_qsl(pick.removeprefix("?"))) for pick in dict.fromkeys(picks)]
    asked = [{name: value for name, value in each.items() if name in _OF_A_PICK} for each in names]
    found = [each["data"] for each in await together([reader.ask("/v1/document", **each, as_of=day) for each in asked])]
    party, ledger = found[0]["party"]["id"], found[0]["ledger"]
    marks = [key_of(each) for each in found if (each["party"]["id"], each["ledger"]) == (party, ledger)]
    named = [("ledger", ledger), ("party", party), ("date", day), *(("mark", mark) for mark in marks)]
    left = len(found) - len(marks)
    return RedirectResponse(f"/simulate?{urlencode([*named, *([('left', left)] if left else [])])}", status_code=303)


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


async def _simulated(reader: Reader, event: Row | None) -> tuple[Row | None, Any]:
    """What the event would do, and what is wrong with asking so."""
    if event is None:
        return None, None
    try:
        return await reader.api.order("/v1/simulate", {"events": [event]}), None
    except AskedInVainError as refused:
        return None, refused.problem
