"""Automatic settlement (step 8, F-B11, C45).

Invariant: it never waits and never refuses: what it leaves out, or cannot settle yet, is tried again at the next posting.
Nothing is looked at beyond what the money reaches, and what is more than one run takes, or one message tells of a run that must
be told in one, is taken up by further ones, each in a transaction of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import chain

from services.settlement.rules.open_documents import open_items
from services.settlement.rules.run.carry_out import carry_out, next_number, settlement_of
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.messages import is_too_large
from services.settlement.rules.run.state import Run
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import NOTHING_YET, DocumentKey, OpenPlace, Parked, open_place
from services.settlement.rules.waiting import for_further_run, further_run
from shared.events.envelope import EventRef


def settle_automatically(turn: Turn, keys: Iterable[DocumentKey], cause: dt.date, event: EventRef) -> None:
    """Step 8 (F-B11, C45): over all that is open of each document's account (so company and ledger) and currency, if on.

    `cause` is the date of what caused it, `event` its id. What a period or a rate holds back stays open. Documents of one
    account and currency have it once: what the first of them leaves, none of the others could settle.
    """
    books = turn.books
    settled: set[OpenPlace] = set()
    for key in keys:
        if not books.reference.parameters(key.company, key.ledger).automatic_settlement:
            continue
        document = books.documents.get(key)
        if document is None or not document.open:
            continue
        place = open_place(document, lowers=document.lowers)
        if not settled & {place, place.other_side}:
            settled.add(place)
            _settle(turn, place, cause, event)


def resume_automatically(turn: Turn, parked: Parked) -> None:
    """What an automatic run has left for a further one (`for_further_run` says where, and because of what)."""
    place, cause, event = further_run(parked.need.wake_key)
    if turn.books.reference.parameters(place.company, place.ledger).automatic_settlement:
        _settle(turn, place, cause, event)
    turn.release(parked)


def _settle(turn: Turn, place: OpenPlace, cause: dt.date, event: EventRef) -> None:
    """A run that must be told in one message, and would not fit, is done again with fewer matches: the rest is a further run's."""
    number, most = next_number(turn, event, place.ledger), None
    while (run := _run_over(turn, place, cause, event)) is not None:
        run.most = most
        try:
            records = compute(run, number)
        except WaitForError:
            return
        if len(records) > 1 and is_too_large(settlement_of(run, records)):
            most = len(run.matches) // 2
            continue
        carry_out(turn, run, records)
        if run.continues:
            need = for_further_run(place, cause, event)
            turn.park(Parked(turn.books.next_sequence(), "automatic", event, turn.message, NOTHING_YET), need)
            turn.books.release_later(need.wake_key)
        return


def _run_over(turn: Turn, place: OpenPlace, cause: dt.date, event: EventRef) -> Run | None:
    """The other side is looked at first: mostly there is nothing (None), and then nothing more is loaded."""
    there = open_items(turn.books, place.other_side, cause)
    here = open_items(turn.books, place, cause)
    first_there = next(there, None)
    first_here = next(here, None) if first_there is not None else None
    if first_there is None or first_here is None:
        return None
    raising, lowering = chain((first_here,), here), chain((first_there,), there)
    if place.lowers:
        raising, lowering = lowering, raising
    run = Run(event, place.ledger, turn.books.reference, cause, raising=[], lowering=[], automatic=True)
    run.further_raising, run.further_lowering = raising, lowering
    return run
