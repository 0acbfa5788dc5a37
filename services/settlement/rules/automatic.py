"""Automatic settlement (step 8, F-B11, C45).

Invariant: it never waits and never refuses: what it leaves out, or cannot settle yet, is tried again at the next posting.
"""

from __future__ import annotations

import datetime as dt

from services.settlement.rules.run.carry_out import carry_out, next_number
from services.settlement.rules.run.cash_discount import credited_key
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.conversion import WaitForError
from services.settlement.rules.run.gather import gather_automatically
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Document, DocumentKey
from shared.events.envelope import EventRef


def settle_automatically(turn: Turn, key: DocumentKey, cause: dt.date, event: EventRef) -> None:
    """Step 8 (F-B11, C45): over all that is open of the document's account (so company and ledger) and currency, if on.

    `cause` is the date of what caused it, `event` its id. What a period or a rate holds back stays open.
    """
    books = turn.books
    document = books.documents.get(key)
    if document is None or not books.reference.parameters(key.company, key.ledger).automatic_settlement or not document.open:
        return
    group = (document.ledger, document.company, document.account, document.currency)
    found = [entry for entry in books.documents.find("open", group) if _may_settle(turn, entry)]
    if len({entry.lowers for entry in found}) == 1 or not found:
        return
    found.sort(key=lambda entry: entry.document)
    run = gather_automatically(books.reference, found, cause, event, books.documents.get)
    try:
        records = compute(run, next_number(turn, event, document.ledger))
    except WaitForError:
        return
    carry_out(turn, run, records)


def _may_settle(turn: Turn, document: Document) -> bool:
    """Leaves out what is reserved, and a credit note where a run would wait for the document it credits."""
    books = turn.books
    if books.waiting.find("reserves", document.key) or books.journals.find("reserves", document.key):
        return False
    credited = credited_key(document, books.reference.parameters(document.company, document.ledger))
    return credited is None or books.documents.get(credited) is not None
