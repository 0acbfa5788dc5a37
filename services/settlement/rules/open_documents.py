"""The open documents of an account in the order in which they settle automatically (step 8), taken one by one.

Invariant: whoever takes them gets the same documents in the same order, whether they are all in memory or come from the
database a page at a time; what is reserved is left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from services.settlement.rules.books import Books
from services.settlement.rules.run.cash_discount import credited_key
from services.settlement.rules.run.gather import open_item
from services.settlement.rules.run.order import PriorityEntry, automatic_rank, priority_of
from services.settlement.rules.run.state import OpenItem
from services.settlement.rules.values import Document, OpenPlace
from shared.events.reference import SettlementParametersDefined


class SettlingOrder(NamedTuple):
    """In which order the documents of a place settle: what the company has set that counts there, and the date of the run.

    `priority` is empty for the default order (C13). `for_credit_notes`: a credit note has a discount of its own.
    """

    on: dt.date
    priority: tuple[PriorityEntry, ...]
    is_gross: bool
    for_credit_notes: bool


def settling_order(settings: SettlementParametersDefined, on: dt.date) -> SettlingOrder:
    """The order of a run of this date in a company with these parameters."""
    is_gross, for_credit_notes = settings.cash_discount_base == "gross", settings.cash_discounts_for_credit_notes
    return SettlingOrder(on, priority_of(settings), is_gross, for_credit_notes)


def open_items(books: Books, place: OpenPlace, on: dt.date) -> Iterator[OpenItem]:
    """The open documents of a place that a run of this date may settle, in order; NotLoadedError where the next is not loaded."""
    order = settling_order(books.reference.parameters(place.company, place.ledger), on)
    rank = automatic_rank(order.priority, on)

    def item(document: Document) -> OpenItem:
        return open_item(books.reference, document, None, 0, books.documents.get)

    documents = books.documents.in_order("open", place, order, lambda document: rank(item(document)))
    return (item(document) for document in documents if _may_settle(books, document))


def _may_settle(books: Books, document: Document) -> bool:
    """Leaves out what is reserved, and a credit note where a run would wait for the document it credits."""
    if books.is_reserved(document.key) or books.journals.find("reserves", document.key):
        return False
    credited = credited_key(document, books.reference.parameters(document.company, document.ledger))
    return credited is None or books.documents.get(credited) is not None
