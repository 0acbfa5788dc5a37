"""A primary that another payment enlarged: its accounting amount grows with it, and closing it takes all that is left."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.builders.settlement import asked, invoice, mark, paid, told

EURO: dict[str, Any] = {"currency": "EUR", "exchange_rate": "1.1111"}


def test_a_primary_that_was_enlarged_closes_with_all_of_its_accounting_amount() -> None:
    """10.05 at 1.1111 are 11.17, 1.00 are 1.11; of the 12.28 the invoices take 3.72, 3.72 and, closing, 4.84 (4.83 at the rate)."""
    invoices = [invoice(f"I{number}", amount, **EURO) for number, amount in enumerate(("3.35", "3.35", "4.35"))]
    marks = [mark("P1"), mark("P2"), *(mark(each["document"]) for each in invoices)]
    money = [paid("P1", "10.05", **EURO), paid("P2", "1.00", **EURO)]
    books = told(*money, *invoices, asked("S", *marks, primary={"company": "FAB", "document": "P1"})).books.settlement
    assert {document.open for document in books.documents} == {Decimal(0)}
    assert {document.open_accounting_amount for document in books.documents} == {Decimal(0)}
    taken = [record.accounting_amount_from_lowering for record in sorted(books.records, key=lambda record: record.number)]
    assert [str(amount) for amount in taken] == ["-1.11", "3.72", "3.72", "4.84"]


def test_a_primary_enlarged_twice_keeps_what_its_invoices_leave() -> None:
    """3.00 and twice 1.00; the invoice takes 4.50, and 0.50 of the last payment stays where it was."""
    money = [paid("P1", "3.00", **EURO), paid("P2", "1.00", **EURO), paid("P3", "1.00", **EURO)]
    marks = [mark("P1"), mark("P2"), mark("P3"), mark("I")]
    request = asked("S", *marks, primary={"company": "FAB", "document": "P1"})
    books = told(*money, invoice("I", "4.50", **EURO), request).books.settlement
    left = {document.document: (str(document.open), str(document.open_accounting_amount)) for document in books.documents}
    assert left == {"P1": ("0.00", "0.00"), "P2": ("0.00", "0.00"), "P3": ("0.50", "0.55"), "I": ("0.00", "0.00")}
