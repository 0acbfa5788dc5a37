"""What a discount can take of a document: nothing at least, at most all that is open, whatever its lines and terms."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.builders.settlement import asked, invoice, mark, note, paid, told

AMOUNT = Decimal("100.00")


def _lines(tax: Decimal) -> list[dict[str, Any]]:
    return [{"account": "sales", "amount": str(AMOUNT - tax)}, {"account": "sales_tax", "amount": str(tax)}]


@pytest.mark.parametrize("seed", range(60))
def test_no_document_has_more_open_than_its_amount_and_no_discount_is_negative(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a drawn test, no secret
    parameters = {
        "cash_discounts_for_partial_payments": random.random() < 0.5,
        "cash_discounts_for_credit_notes": True,
        "cash_discount_administration": random.choice(["specific", "unspecific"]),
        "automatic_settlement": random.random() < 0.5,
    }
    tax = [Decimal(random.choice(["-90.00", "-20.00", "20.00", "120.00", "300.00"])) for _ in range(2)]
    terms = [{"percent": random.choice(["30", "60", "83", "90", "100"]), "days": 30}]
    events = [
        invoice("I", str(AMOUNT), lines=_lines(tax[0]), cash_discounts=terms),
        note("N", str(AMOUNT), lines=_lines(tax[1]), cash_discounts=terms),
        asked("S", mark("I"), mark("N")),
        paid("P", random.choice(["10.00", "100.00", "250.00"]), mark("I")),
    ]
    books = told(*events, settlement_parameters={"FAB": {"receivable": parameters}}).books.settlement
    assert all(0 <= document.open <= document.amount for document in books.documents)
    assert all(0 <= part <= AMOUNT for record in books.records for part in (record.cash_discount, record.credit_note_discount))
