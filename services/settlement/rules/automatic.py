"""Automatic settlement (step 8, F-B11, C45)."""

from __future__ import annotations

import datetime as dt

from services.settlement.rules.run.carry_out import carry_out, next_number
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.gather import credited_key, open_item
from services.settlement.rules.run.state import Run
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Document, DocumentKey
from shared.events.envelope import EventRef


def settle_automatically(turn: Turn, key: DocumentKey, cause: dt.date, ref: EventRef) -> None:
    """Step 8 (F-B11, C45): over all that is open of the document's party, company, ledger and currency, if switched on.

    It never waits: what a period or a rate holds back is tried again at the next posting.
    """
    document = turn.books.documents.get(key)
    if document is None or not turn.books.reference.parameters(key.company, key.ledger).automatic_settlement or not document.open:
        return
    group = (document.ledger, document.company, document.party, document.currency)
    found = [entry for entry in turn.books.documents.find("open", group) if _may_settle(turn, entry)]
    found.sort(key=lambda entry: entry.document)
    claims = [open_item(turn, entry, None, place) for place, entry in enumerate(found)]
    run = Run(
        document.ledger,
        turn.books.reference,
        cause,
        raising=[entry for entry in claims if not entry.document.lowers],
        lowering=[entry for entry in claims if entry.document.lowers],
        automatic=True,
    )
    if not run.raising or not run.lowering:
        return
    try:
        documents, recorded = compute(run, next_number(turn, ref, document.ledger))
    except WaitForError:
        return
    carry_out(turn, run, ref, documents, recorded)


def _may_settle(turn: Turn, document: Document) -> bool:
    """Leaves out what is reserved, and a credit note where a run would wait for the document it credits."""
    if turn.books.waiting.find("reserves", document.key) or turn.books.journals.find("reserves", document.key):
        return False
    credited = credited_key(turn, document)
    return credited is None or turn.books.documents.get(credited) is not None
