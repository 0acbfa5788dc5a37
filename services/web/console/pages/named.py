"""Whether what a form names is there: a party by its code or name, a customer account, a payment journal.

A typing error would define another one, so what is not there is made only where the reader says of this very name that it is new.

Invariant: nothing is guessed: what is taken for another spelling is one alone, and it is said which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.web.console.api import AskedInVainError
from shared.events.reference import entity_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.web.console.reader import Reader

Row = dict[str, Any]

NEW: Final = "new"
"""The field of a form whose values are the names that the reader says are new."""


class Named(NamedTuple):
    """What a name was taken for: `value`, and what it is called; `wrong`: why it was taken for nothing; `may_be_new`: unless it is new."""

    value: str
    called: str | None = None
    wrong: str | None = None
    may_be_new: bool = False


def alike(entered: str, parties: Iterable[Row]) -> list[Row]:
    """The party of this very code; without one those whose code or whole name it is whatever the case."""
    found = list(parties)
    own = [each for each in found if each["party"] == entered]
    wanted = entered.casefold()
    return own or [each for each in found if wanted in {each["party"].casefold(), (each["name"] or "").casefold()}]


async def parties_named(reader: Reader, entered: str) -> list[Row]:
    """The parties that a reader may mean."""
    found = []
    async for each in reader.every("/v1/parties", q=entered):
        if each["party"] == entered:
            return [each]
        found += alike(entered, [each])
    return found


async def named(reader: Reader, kind: str, entered: str, values: Mapping[str, str]) -> Named:
    """What a field names of this kind (mends.Field.names); `values`: the other fields of the form."""
    match kind:
        case "party":
            return await _party(reader, entered)
        case "customer":
            hits = (await reader.ask("/v1/search", q=entered))["data"]
            own = [each for each in hits if (each["kind"], each["company"], each["ledger"]) == ("account", values["seller"], "receivable")]
            return _one(reader, entered, [(each["name"], each["title"]) for each in own], kind)
        case _:
            is_there = await _is_there(reader, entity_key("payment-journal", values["seller"], entered))
            return _one(reader, entered, [(entered, None)] if is_there else [], kind)


async def _party(reader: Reader, entered: str) -> Named:
    return _one(reader, entered, [(each["party"], each["name"]) for each in await parties_named(reader, entered)], "party")


def _one(reader: Reader, entered: str, found: list[tuple[str, str | None]], kind: str) -> Named:
    if len(found) == 1:
        return Named(*found[0])
    if found:
        names = ", ".join(f"{value} ({called})" if called else value for value, called in found)
        return Named(entered, wrong=reader.t("{value} may mean more than one: {names}. Give its code.", value=entered, names=names))
    return Named(entered, wrong=reader.t(_NOT_THERE[kind], value=entered), may_be_new=True)


_NOT_THERE: Final = {
    "party": "There is no party {value} yet.",
    "customer": "There is no customer account {value} yet.",
    "journal": "There is no payment journal {value} yet.",
}


async def _is_there(reader: Reader, key: str) -> bool:
    try:
        versions = (await reader.ask("/v1/reference/entity", key=key))["data"]["versions"]
    except AskedInVainError as refused:
        if not refused.is_missing:
            raise
        return False
    return bool(versions[-1]["type"] != "reference.withdrawn")
