"""A run that is carried out: its records add up to what its documents lose, else nothing is posted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from msgspec.structs import replace

from services.settlement.rules.incoming import SettlementInstruction
from services.settlement.rules.run.carry_out import carry_out
from services.settlement.rules.run.compute import compute
from services.settlement.rules.run.gather import gather
from services.settlement.rules.run.records import MadeRecord
from services.settlement.rules.values import DocumentKey, RecordInForce, SettlementDefectError
from shared.events.envelope import EventRef
from shared.events.inbound import Mark
from tests.builders.settlement import invoice, paid, told

if TYPE_CHECKING:
    from services.settlement.rules.books import Books
    from services.settlement.rules.run.state import Run
    from services.settlement.rules.turn import Turn

PAYMENT, INVOICE = DocumentKey("receivable", "FAB", "P"), DocumentKey("receivable", "FAB", "I")


def _turn() -> Turn:
    books = told(invoice("I", "10.00"), paid("P", "6.00")).books.settlement
    return cast("Turn", SimpleNamespace(books=books, emit=lambda *_: None))


def _computed(books: Books) -> tuple[Run, list[MadeRecord]]:
    payment, billed = books.documents.get(PAYMENT), books.documents.get(INVOICE)
    assert payment is not None
    assert billed is not None
    marks = [Mark("FAB", "I")]
    event = EventRef("erp", "S")
    instruction = SettlementInstruction("receivable", marks, PAYMENT, None, None, None, event, (PAYMENT, INVOICE), 1, payment, (billed,))
    run = gather(books.reference, instruction, books.documents.get)
    return run, compute(run, 1)


def test_records_that_add_up_are_kept_and_taken_from_their_documents() -> None:
    turn = _turn()
    carry_out(turn, *_computed(turn.books))
    left = [document.open for document in (turn.books.documents.get(PAYMENT), turn.books.documents.get(INVOICE)) if document is not None]
    assert left == [0, Decimal("4.00")]
    assert len(turn.books.records.find("run", (EventRef("erp", "S"), "receivable"))) == 1


WRONG: list[dict[str, Any]] = [
    {"taken_from_raising": Decimal("5.99"), "accounting_amount_from_raising": Decimal("5.99")},
    {"taken_from_raising": Decimal("10.01"), "accounting_amount_from_raising": Decimal("10.01")},
    {"accounting_amount_from_lowering": Decimal("5.99")},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_records_that_do_not_add_up_to_what_the_documents_lost_are_a_defect(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettlementDefectError):
        _carried_out(lambda record: replace(record, **wrong))


def test_a_record_of_a_document_that_is_not_in_the_books_is_a_defect() -> None:
    turn = _turn()
    run, records = _computed(turn.books)
    turn.books.documents.put(INVOICE, None)
    with pytest.raises(SettlementDefectError, match="not in the books"):
        carry_out(turn, run, records)


def _carried_out(change: Callable[[RecordInForce], RecordInForce]) -> None:
    turn = _turn()
    run, (made,) = _computed(turn.books)
    carry_out(turn, run, [replace(made, in_force=change(made.in_force))])
