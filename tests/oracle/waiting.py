"""Wishes: what an event wants done, which is done, waits, or is refused (events.md, "Facts, requests, waiting, refusal").

Invariant: a wish that waits stands in `waiting` once; it is looked at again only when what it waits for is there or a reversal
has changed one of its documents.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

from tests.oracle.reference import Key, Row

# The table of events.md, in its order: what a document, a settlement, a sales payment journal waits for.
_DOCUMENT = ["company", "account", "exchange-rate", "period"]
_WISH = ["document", "reservation", "account", "intercompany-accounting", "exchange-rate", "posting-profile", "method-of-payment", "period"]
_TABLE = [("document", name) for name in _DOCUMENT] + [("wish", name) for name in [*_WISH, "trading-relation", "payment-journal"]]


class WaitError(Exception):
    """Something is not there yet; `lacks` says whether it still is not; `of`: two currencies, or companies with closed periods."""

    def __init__(self, what: str, lacks: Callable[[], bool], of: Iterable[str]) -> None:
        super().__init__(what)
        self.what, self.lacks, self.of = what, lacks, {*of}


class RefusedError(Exception):
    """Something contradicts."""

    def __init__(self, code: str, field_: str | None, scope: str) -> None:
        super().__init__(code)
        self.code, self.field, self.scope = code, field_, scope


def wait_while(lacks: Callable[..., bool], what: str, *arguments: Any, of: Iterable[str] = ()) -> None:
    """It waits, if and as long as this is so."""
    if lacks(*arguments):
        raise WaitError(what, partial(lacks, *arguments), of)


def refuse(code: str, field_: str | None = None, scope: str = "settlement") -> NoReturn:
    """It is refused."""
    raise RefusedError(code, field_, scope)


@dataclass(eq=False)
class Wish:
    """Something to be done: a document to post, a run, a reversal, an approval, a sales payment journal."""

    kind: str  # document, run, reversal, approval, journal
    event: str
    order: int
    go: "Callable[[Wish], None]"
    documents: list[Key] = field(default_factory=list)  # which it reserves or reverses
    document: Key | None = None  # the payment whose marks these are, the document to be posted
    request: bool = False
    journal: Any = None
    touches: list[Key] = field(default_factory=list)  # what a reversal would change
    waits: WaitError | None = None
    ready: bool = False


class Waiting:
    """The wishes that wait, and what was refused."""

    def __init__(self) -> None:
        self.waiting: list[Wish] = []
        self.rejected: list[Row] = []
        self.clock = 0

    def wish(self, kind: str, event: str, go: Callable[[Wish], None], documents: Iterable[Key] = (), **more: Any) -> Wish:
        """A new wish, the last in order."""
        self.clock += 1
        return Wish(kind, event, self.clock, go, list(documents), **more)

    def start(self, wish: Wish) -> None:
        """Does it, or lets it wait, or refuses it."""
        try:
            wish.go(wish)
        except WaitError as error:
            wish.waits = error
            self.waiting += [] if wish in self.waiting else [wish]
            return
        except RefusedError as refusal:
            self.reject(wish.event, refusal)
            self.refused(wish, refusal)
        self.drop(wish)

    def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """What else a refusal means."""

    def drop(self, wish: Wish) -> None:
        """It waits no longer."""
        self.waiting = [each for each in self.waiting if each is not wish]

    def changed(self, keys: Iterable[Key]) -> None:
        """A reversal has changed documents: what waits over them is looked at again."""
        for wish in self.waiting:
            wish.ready |= any(key in wish.documents or key in wish.touches for key in keys)

    def came(self, name: str, data: Row) -> None:
        """A rate between two currencies, a period of a company: what waits for one is looked at again, whatever its dates."""
        for wish in (each for each in self.waiting if each.waits):
            what, of = (wish.waits.what, wish.waits.of) if wish.waits else ("", set())
            wish.ready |= name == "exchange-rate.published" and what == "exchange-rate" and of == {data["from"], data["to"]}
            wish.ready |= name == "period.opened" and what == "period" and data["company"] in of
            wish.ready |= name == "company.defined" and what == "exchange-rate" and data["currency"] in of

    def release(self) -> None:
        """What waited goes on, in order of arrival."""
        while ready := [wish for wish in self.waiting if wish.ready or (wish.waits and not wish.waits.lacks())]:
            first = min(ready, key=lambda wish: wish.order)
            first.ready = False
            self.start(first)

    def reject(self, event: str, refusal: RefusedError) -> None:
        """An entry in `rejected`."""
        self.rejected.append({"event": event, "scope": refusal.scope, "code": refusal.code, "field": refusal.field})

    def rows(self) -> list[Row]:
        """Each event once, with the first thing in the table's order that it waits for."""
        first: dict[str, int] = {}
        for wish in self.waiting:
            places = [place for place, (row, name) in enumerate(_TABLE) if wish.waits and name == wish.waits.what]
            of_document = wish.kind in {"document", "journal"}
            rank = min(places) if of_document else max(places)
            first[wish.event] = min(first.get(wish.event, rank), rank)
        return [{"event": event, "for": _TABLE[rank][1], "key": {}} for event, rank in first.items()]
