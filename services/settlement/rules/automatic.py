"""Automatic settlement (step 8, F-B11, C45).

Invariant: it never waits and never refuses: what it leaves out, or cannot settle yet, is tried again at the next posting.
Nothing is looked at beyond what the money reaches.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import chain

from services.settlement.rules.open_documents import open_items
from services.settlement.rules.run.carry_out import carry_out, next_number
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.state import Run
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Document, DocumentKey, OpenPlace, open_place
from shared.events.envelope import EventRef


def settle_automatically(turn: Turn, keys: Iterable[DocumentKey], cause: dt.date, event: EventRef) -> None:
    """Step 8 (F-B11, C45): over all that is open of each document's account (so company and ledger) and currency, if on.

    `cause` is the date of what caused it, `event` its id. What a period or a rate holds back stays open. Documents of one
    account and currency have it once: what the first of them leaves, none of the others could settle.
    """
    books = turn.books
    settled: set[OpenPlace] = set()
    for key in keys:
        document = books.documents.get(key)
        if document is None or not document.open or not books.reference.parameters(key.company, key.ledger).automatic_settlement:
            continue
        place = open_place(document, lowers=True)
        if place not in settled:
            settled.add(place)
            _settle(turn, document, cause, event)


def _settle(turn: Turn, document: Document, cause: dt.date, event: EventRef) -> None:
    """The other side is looked at first: mostly there is nothing, and then nothing more is loaded."""
    there = open_items(turn.books, open_place(document, lowers=not document.lowers), cause)
    here = open_items(turn.books, open_place(document, lowers=document.lowers), cause)
    first_there = next(there, None)
    first_here = next(here, None) if first_there is not None else None
    if first_there is None or first_here is None:
        return
    raising, lowering = chain((first_here,), here), chain((first_there,), there)
    if document.lowers:
        raising, lowering = lowering, raising
    run = Run(event, document.ledger, turn.books.reference, cause, raising=[], lowering=[], automatic=True)
    run.further_raising, run.further_lowering = raising, lowering
    try:
        records = compute(run, next_number(turn, event, document.ledger))
    except WaitForError:
        return
    carry_out(turn, run, records)
