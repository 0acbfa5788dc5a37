"""What waits and is given up: by an operator (`waiting discard`) or because WAIT_AT_MOST has run out.

Invariant: whatever is given up is said once, as a refusal of the event that waited, and leaves the wait list in the same
transaction; what is posted stays posted, and what waited for the thing given up resumes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from services.settlement.rules.books import Books
from services.settlement.rules.fold import STAGES
from services.settlement.rules.instructions import leave_open
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Parked
from shared.events.envelope import EventRef, Outgoing


def discard(books: Books, events: Sequence[EventRef]) -> list[Outgoing]:
    """An operator gives up what waits for these events: it is refused as `discarded`, and others resume."""
    given_up = frozenset(events)
    return _give_up(books, lambda parked: parked.event in given_up)


def expire(books: Books, older_than: dt.datetime) -> list[Outgoing]:
    """Gives up what has waited since before `older_than` (WAIT_AT_MOST)."""
    return _give_up(books, lambda parked: parked.message.arrival < older_than)


def _give_up(books: Books, chosen: Callable[[Parked], bool]) -> list[Outgoing]:
    """The oldest first; what an earlier one releases no longer waits and is not given up."""
    outgoing: list[Outgoing] = []
    for sequence in sorted(parked.sequence for parked in books.waiting if parked.stage != "automatic" and chosen(parked)):
        parked = books.waiting.get(sequence)
        if parked is not None:
            outgoing += _give_up_one(books, parked)
    return outgoing


def _give_up_one(books: Books, parked: Parked) -> list[Outgoing]:
    """A document is refused whole; of a payment's marks, whose id is taken by the payment, only the settlement."""
    turn = Turn(books, parked.message)
    is_document, instruction = parked.stage == "document", turn.incoming.instruction
    frees_id = is_document or instruction is None or instruction.payment is None
    what = ", ".join(f"{name} {value}" for name, value in parked.need.key.items())
    message = f"discarded while it waited for {parked.need.reason}: {what}"
    turn.refuse("discarded", "", message, scope="event" if is_document else "settlement", frees_id=frees_id)
    if parked.stage == "run":
        leave_open(turn)
    turn.release(parked)
    turn.resume(STAGES)
    return turn.outgoing
