"""Step 1: the documents of an instruction become the open items of a run, with their settings and the terms that count.

Invariant: everything that a run asks of the reference data by document is asked here, once.
"""

from __future__ import annotations

from collections.abc import Callable

from services.settlement.rules.incoming import SettlementInstruction
from services.settlement.rules.run.cash_discount import credited_key, terms_of
from services.settlement.rules.run.state import OpenItem, Run
from services.settlement.rules.values import CREDIT_NOTE, Document, DocumentKey
from shared.events.inbound import Mark
from shared.reference import Reference

Find = Callable[[DocumentKey], Document | None]


def gather(reference: Reference, instruction: SettlementInstruction, find: Find) -> Run:
    """The run of an instruction whose documents are there and which nothing contradicts; `find` knows credited documents."""
    payment = instruction.own_document
    own = [] if payment is None else [open_item(reference, payment, None, 0, find)]
    marked = zip(instruction.documents, instruction.marks, strict=True)
    items = [*own, *[open_item(reference, document, mark, place, find) for place, (document, mark) in enumerate(marked, start=1)]]
    raising: list[OpenItem] = []
    lowering: list[OpenItem] = []
    for item in items:
        (lowering if item.document.lowers else raising).append(item)
    for item, rule in zip(items[len(own) :], instruction.discount_rules, strict=False):
        item.entered_discount_rule = rule
    return Run(
        instruction.run,
        instruction.ledger,
        reference,
        instruction.date or max([item.document.date for item in items]),
        raising=raising,
        lowering=lowering,
        payment=own[0] if own else None,
        primary=next((item for item in items if item.key == instruction.primary), None) if instruction.primary else None,
        discount_date=instruction.discount_date,
    )


def open_item(reference: Reference, document: Document, mark: Mark | None, place: int, find: Find) -> OpenItem:
    """A document in a run: with the settings of its company, and the terms that count for it."""
    settings = reference.parameters(document.company, document.ledger)
    credited = credited_key(document, settings) if document.kind == CREDIT_NOTE else None
    terms = terms_of(document, settings, find(credited) if credited is not None else None)
    return OpenItem(document, document.key, settings, mark, place, terms, document.open)
