"""Wishes: what an event wants done, which is done, waits, or is refused (events.md, "Facts, requests, waiting, refusal").

Invariant: a wish that waits stands in `waiting` once; it is looked at again only when what it waits for has come or a
reversal has changed one of its documents.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tests.oracle.documents import Key
from tests.oracle.reference import Row
from tests.oracle.sales import Journal

# The table of events.md, in its order: what a document, a settlement, a sales payment journal waits for.
_TABLE = [("document", name) for name in ("company", "account", "exchange-rate", "period")]
_TABLE += [("wish", name) for name in ("document", "reservation", "account", "intercompany-accounting", "exchange-rate")]
_TABLE += [("wish", name) for name in ("posting-profile", "method-of-payment", "period")]
_TABLE += [("journal", "trading-relation"), ("journal", "payment-journal")]


class WaitError(Exception):
    """Something is not there yet."""

    def __init__(self, what: str, key: Row) -> None:
        super().__init__(what)
        self.what, self.key = what, key


class RefusedError(Exception):
    """Something contradicts."""

    def __init__(self, code: str, field_: str | None, scope: str) -> None:
        super().__init__(code)
        self.code, self.field, self.scope = code, field_, scope


def wait(what: str, **key: Any) -> NoReturn:
    """It waits."""
    raise WaitError(what, key)


def refuse(code: str, field_: str | None = None, scope: str = "settlement") -> NoReturn:
    """It is refused."""
    raise RefusedError(code, field_, scope)


@dataclass
class Wish:
    """Something to be done: a document to post, a run, a reversal, an approval, a sales payment journal."""

    kind: str  # document, run, reversal, approval, journal
    event: str
    order: int
    go: "Callable[[Wish], None]"
    documents: list[Key] = field(default_factory=list)
    document: Key | None = None  # the payment whose marks these are, the document to be posted
    request: bool = False
    journal: Journal | None = None
    touches: list[Key] = field(default_factory=list)  # what a reversal would change
    waits: WaitError | None = None
    ready: bool = False


class Waiting:
    """The wishes that wait, and what was refused."""

    def __init__(self) -> None:
        self.waiting: list[Wish] = []
        self.rejected: list[Row] = []
        self.clock = 0

    def wish(self, kind: str, event: str, go: Callable[[Wish], None], documents: list[Key] | None = None, **more: Any) -> Wish:
        """A new wish, the last in order."""
        self.clock += 1
        return Wish(kind, event, self.clock, go, documents or [], **more)

    def start(self, wish: Wish) -> None:
        """Does it, or lets it wait, or refuses it."""
        try:
            wish.go(wish)
        except WaitError as error:
            wish.waits = error
            self.waiting += [] if wish in self.waiting else [wish]
            return
        except RefusedError as refusal:
            self.drop(wish)
            self.reject(wish.event, refusal)
            self.refused(wish, refusal)
        self.drop(wish)
        self.happened("reservation")
        self.happened("document", settlement=wish.event)
        self.changed([wish.document] if wish.document else [])

    def refused(self, wish: Wish, refusal: RefusedError) -> None:
        """What else a refusal means."""

    def drop(self, wish: Wish) -> None:
        """It waits no longer."""
        self.waiting = [each for each in self.waiting if each is not wish]

    def happened(self, what: str, **key: Any) -> None:
        """Marks what waited for this."""
        for wish in self.waiting:
            if wish.waits and wish.waits.what == what and (not key or wish.waits.key == key):
                wish.ready = True

    def changed(self, keys: list[Key]) -> None:
        """Marks what waits over documents that have changed."""
        for wish in self.waiting:
            wish.ready |= any(key in wish.documents or key in wish.touches for key in keys)

    def release(self) -> None:
        """What waited goes on, in order of arrival."""
        while ready := [wish for wish in self.waiting if wish.ready]:
            first = min(ready, key=lambda wish: wish.order)
            first.ready = False
            self.start(first)

    def reject(self, event: str, refusal: RefusedError) -> None:
        """An entry in `rejected`."""
        self.rejected.append({"event": event, "scope": refusal.scope, "code": refusal.code, "field": refusal.field})

    def rows(self) -> list[Row]:
        """Each event once, with the first thing in the table's order that it waits for."""
        first: dict[str, tuple[int, WaitError]] = {}
        for wish in self.waiting:
            assert wish.waits is not None
            what, row = wish.waits.what, wish.kind if wish.kind in {"document", "journal"} else "wish"
            rank = _TABLE.index((row if (row, what) in _TABLE else "document", what))
            first[wish.event] = min(first.get(wish.event, (rank, wish.waits)), (rank, wish.waits), key=lambda pair: pair[0])
        return [{"event": event, "for": error.what, "key": error.key} for event, (_, error) in first.items()]
