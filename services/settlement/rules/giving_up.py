"""What waits and is given up: by an operator (`waiting discard`) or because WAIT_AT_MOST has run out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from services.settlement.rules.books import Books
from services.settlement.rules.fold import RESUME
from services.settlement.rules.instructions import leave_open
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Waiting
from shared.events.envelope import EventRef, Outgoing
from shared.events.journals import PaymentJournal


def discard(books: Books, events: Sequence[EventRef], now: dt.datetime) -> list[Outgoing]:
    """An operator gives up what waits for these events: it is refused as `discarded`, and others go on."""
    del now
    given_up = frozenset(events)
    return _give_up(books, lambda waiting: waiting.event in given_up)


def expire(books: Books, older_than: dt.datetime, now: dt.datetime) -> list[Outgoing]:
    """Gives up what has waited since before `older_than` (WAIT_AT_MOST)."""
    del now
    return _give_up(books, lambda waiting: waiting.message.time < older_than)


def _give_up(books: Books, chosen: Callable[[Waiting], bool]) -> list[Outgoing]:
    waits = sorted((waiting for waiting in books.waiting if chosen(waiting)), key=lambda waiting: waiting.sequence)
    outgoing: list[Outgoing] = []
    for waiting in waits:
        turn = Turn(books, waiting.message)
        what = ", ".join(f"{name} {value}" for name, value in waiting.need.key.items())
        frees = waiting.stage == "document" or not isinstance(waiting.message.data, PaymentJournal)
        scope = "event" if waiting.stage == "document" else "settlement"
        turn.refuse("discarded", "", f"discarded while it waited for {waiting.need.reason}: {what}", scope=scope, frees=frees)
        if waiting.stage == "run":
            leave_open(turn, waiting)
        turn.release(waiting)
        turn.go_on(RESUME)
        outgoing += turn.outgoing
    return outgoing
