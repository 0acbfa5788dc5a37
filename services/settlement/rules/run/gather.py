"""Step 1: the documents of an instruction become the open items of a run."""

from __future__ import annotations

from decimal import Decimal

from services.settlement.rules.incoming import SettlementInstruction
from services.settlement.rules.run.conversion import worth
from services.settlement.rules.run.state import Claim, Run, claim
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import CREDIT_NOTE, Document, DocumentKey
from shared.events.inbound import Mark


def gather(turn: Turn, instruction: SettlementInstruction) -> Run:
    """The run of an instruction whose documents are there and which nothing contradicts."""
    claims = [
        open_item(turn, document, mark, place + 1)
        for place, (mark, document) in enumerate(zip(instruction.marks, instruction.documents, strict=True))
    ]
    own = [] if instruction.own_document is None else [open_item(turn, instruction.own_document, None, 0)]
    everything = [*own, *claims]
    latest = max(document.date for document in instruction.all_documents)
    run = Run(
        instruction.ledger,
        turn.books.reference,
        latest if instruction.date is None else instruction.date,
        raising=[entry for entry in everything if not entry.document.lowers],
        lowering=[entry for entry in everything if entry.document.lowers],
        payment=instruction.own_document,
        discount_date=instruction.discount_date,
    )
    for entry in run.lowering:
        entry.limit = _own_limit(run, entry)
    if instruction.primary is not None:
        run.primary = next(entry for entry in everything if entry.document.key == instruction.primary)
    return run


def _own_limit(run: Run, lowering: Claim) -> Decimal | None:
    """A payment's marks are in its currency: what one lets a lowering document give is converted at the payment's date (step 2)."""
    if lowering.limit is None or run.payment is None:
        return lowering.limit
    return worth(run.reference, run.payment, lowering.document, lowering.limit)


def open_item(turn: Turn, document: Document, mark: Mark | None, place: int) -> Claim:
    """A document as it enters a run, with the terms that count for it."""
    credited = credited_key(turn, document)
    return claim(document, mark, place, turn.books.documents.get(credited) if credited is not None else None)


def credited_key(turn: Turn, document: Document) -> DocumentKey | None:
    """The document whose terms count for a credit note (C16); None with the parameter off: its terms do not matter."""
    if document.kind != CREDIT_NOTE or document.credits is None:
        return None
    if not turn.books.reference.parameters(document.company, document.ledger).cash_discounts_for_credit_notes:
        return None
    return DocumentKey(document.ledger, document.company, document.credits)
