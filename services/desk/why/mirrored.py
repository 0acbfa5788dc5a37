"""Which vendor payment and which of the buyer's invoices a mirrored discount is of.

Invariant: pure; where one of the two is not known nothing is said of either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.desk.why.facts import Bought
from shared.events.settlements import Why

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.settlement.rules.values import Document, RecordInForce


def is_mirrored(record: RecordInForce) -> bool:
    """Whether the record's discount is the one that a vendor payment took."""
    return (record.why or Why()).get("discount", {}).get("how") == "mirrored"


def bought_of(payment: Document | None, settled: Iterable[Document], record: RecordInForce) -> Bought | None:
    """The vendor payment, and of what it settled the invoice that names the record's as the seller's."""
    seller, number = record.raising.company, record.raising.document
    invoice = next((each for each in settled if (each.intercompany_company, each.intercompany_document) == (seller, number)), None)
    return None if payment is None or invoice is None else Bought(payment, invoice)
