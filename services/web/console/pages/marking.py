"""The documents of `/simulate`: the party's open ones, and those that are marked, wherever they stand in the list.

Invariant: no mark is left out without a word: one that cannot be used is named, with why.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.web.console.api import AskedInVainError
from services.web.console.pages.settling import key_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from services.web.console.pages.settling import Entered
    from services.web.console.reader import Reader

Row = dict[str, Any]

MOST_LISTED: Final = 100
"""So many documents are listed, those due first; and so many more can be marked."""
_AT_ONCE: Final = 8


class Lost(NamedTuple):
    """A mark that cannot be used, and why."""

    key: str
    why: str


async def documents_of(reader: Reader, entered: Entered) -> tuple[list[Row], list[Lost]]:
    """The party's open documents on the day of the payment, in every company in scope: the first ones, and all that are marked."""
    wanted = {"party": entered.party, "ledger": entered.ledger, "state": "open", "as_of": entered.date}
    documents = (await reader.ask("/v1/documents", **wanted, sort="due_date", limit=MOST_LISTED))["data"]
    listed = {key_of(each) for each in documents}
    others = [key for key in entered.marks if key not in listed]
    too_many = reader.t("At most {most} documents can be marked at once.", most=MOST_LISTED)
    lost = [Lost(key, too_many) for key in others[MOST_LISTED:]]
    found = await together([_marked(reader, entered, key) for key in others[:MOST_LISTED]])
    lost = [*(each for each in found if isinstance(each, Lost)), *lost]
    return [*documents, *(each for each in found if not isinstance(each, Lost))], lost


async def _marked(reader: Reader, entered: Entered, key: str) -> Row | Lost:
    """A marked document that is not among the first ones; why it cannot be settled."""
    company, _, number = key.partition("/")
    try:
        said = await reader.ask("/v1/document", ledger=entered.ledger, company=company, document=number, as_of=entered.date)
    except AskedInVainError as refused:
        if refused.status >= _OURS:
            raise
        return Lost(key, reader.t("There is no such document on this day."))
    document: Row = said["data"]
    if document["party"]["id"] != entered.party:
        return Lost(key, reader.t("It is of another party."))
    if document["state"] != "open":
        return Lost(key, reader.t("It is not open on this day."))
    return document


_OURS: Final = 500


async def together(asked: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """What is asked for, a few at a time, in its order."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(each: Coroutine[Any, Any, Any]) -> Any:
        async with gate:
            return await each

    return list(await asyncio.gather(*map(one, asked)))
