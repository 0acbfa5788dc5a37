"""What differs between the books of the services: nothing in any scenario, and each kind of difference by name."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from services.desk.differences import (
    SalesPaymentSides,
    document_judged,
    open_differs,
    record_judged,
    sales_payment_differs,
    settled_in,
    unbalanced,
    voucher_differs,
)
from services.desk.vouchers_due import has_vouchers
from services.payment.rules.values import JournalKey
from services.posting.queries import Found
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from services.settlement.queries import TakenFrom
from services.settlement.rules.values import DocumentKey
from shared.money import ZERO
from tests.scenario_files import EXAMPLES, FILES

if TYPE_CHECKING:
    from pathlib import Path

    from services.desk.rows import BooksOfAll
    from services.settlement.rules.values import Document, RecordInForce
    from shared.events.vouchers import Voucher

REVERSED = EXAMPLES / "der-rev-1.yaml"


class Books(NamedTuple):
    """The books of a scenario, found as the reconciler finds them."""

    of_all: BooksOfAll
    documents: dict[Any, Document]
    records: dict[Any, RecordInForce]
    vouchers: list[Voucher]

    def found(self, key: tuple[Any, ...]) -> list[Found]:
        """The vouchers of a document, or of a record."""
        of = [(each.ledger, each.company, each.document) if each.settlement is None else _record(each) for each in self.vouchers]
        return [Found(each.company, each.voucher, each.kind) for each, name in zip(self.vouchers, of, strict=True) if name == key]

    def sides(self, key: tuple[str, str]) -> SalesPaymentSides:
        """A sales payment on both sides."""
        made, known = self.of_all.payment.journals.get(JournalKey(*key)), self.of_all.settlement.journals.get(key)
        waits = any(each.stage == "document" for each in self.of_all.settlement.waiting)
        mirrored = self.documents.get(DocumentKey("payable", *made.data.mirrors)) if made else None
        return SalesPaymentSides(made, known, self.documents.get(DocumentKey("receivable", *key)), mirrored, waits)


def _record(voucher: Voucher) -> tuple[Any, ...]:
    assert voucher.settlement is not None
    return (voucher.settlement.ref, voucher.ledger, voucher.record)


@cache
def books_of(path: Path) -> Books:
    simulation = Simulation()
    for arrival in arrivals(load_scenario(path)):
        simulation.send(arrival.record)
    books = simulation.books
    documents = {each.key: each for each in books.settlement.documents}
    return Books(books, documents, {each.key: each for each in books.settlement.records}, list(books.posting.vouchers))


def taken(books: Books) -> dict[Any, TakenFrom]:
    sums: dict[Any, TakenFrom] = defaultdict(lambda: TakenFrom(ZERO, ZERO, 0))
    for each in books.records.values():
        for key, amount, value in (
            (each.lowering, each.taken_from_lowering, each.accounting_amount_from_lowering),
            (each.raising, each.taken_from_raising, each.accounting_amount_from_raising),
        ):
            if not each.is_reversed:
                before = sums[key]
                sums[key] = TakenFrom(before.amount + amount, before.accounting_amount + value, before.records + 1)
    return sums


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_books_of_a_scenario_do_not_differ(path: Path) -> None:
    books = books_of(path)
    of_records = taken(books)
    problems = [said for each in books.vouchers for said in (*unbalanced(each), *voucher_differs(each, books.documents, books.records))]
    for key, document in books.documents.items():
        judged = document_judged(document, books.found(key))
        problems += [*judged.missing, *judged.wrong, *open_differs(document, of_records[key])]
    for key, record in books.records.items():
        judged = record_judged(record, books.documents, books.found(key))
        problems += [*judged.missing, *judged.wrong]
        if not has_vouchers(record, books.documents):
            assert settled_in(record.lowering.company, record, books.documents) == 0
    for journal in books.of_all.payment.journals:
        problems += sales_payment_differs(books.sides(journal.key))
    assert problems == []


def _a_reversed(books: Books) -> RecordInForce:
    return next(each for each in books.records.values() if each.is_reversed and each.lowering.company != each.raising.company)


def test_a_record_with_a_voucher_of_one_company_and_a_mirror_of_the_other_lacks_both_others() -> None:
    books = books_of(REVERSED)
    record = _a_reversed(books)
    first, second = sorted({record.lowering.company, record.raising.company})
    found = [Found(first, "S-1", "settlement"), Found(second, "R-1", "settlement_reversal")]
    missing = record_judged(record, books.documents, found).missing
    assert [each.rpartition(" record 1 ")[2].partition(") ")[2] for each in missing] == [
        f"has no voucher in {second}",
        f"is reversed, and in {first} its voucher S-1 is not",
    ]
    in_force = msgspec.structs.replace(record, is_reversed=False)
    assert record_judged(in_force, books.documents, found).missing == missing[:1]


def test_a_record_that_is_posted_twice_in_a_company_is_wrong() -> None:
    books = books_of(REVERSED)
    record = _a_reversed(books)
    found = [*books.found(record.key), Found(record.lowering.company, "X-9", "settlement")]
    (wrong,) = record_judged(record, books.documents, found).wrong
    assert f"is posted twice in {record.lowering.company}: " in wrong
    assert wrong.endswith(", X-9")


def test_a_voucher_of_a_record_that_is_in_force_reverses_nothing() -> None:
    books = books_of(REVERSED)
    record = _a_reversed(books)
    mirror = next(each for each in books.vouchers if each.kind == "settlement_reversal" and _record(each) == record.key)
    in_force = {record.key: msgspec.structs.replace(record, is_reversed=False)}
    (said,) = voucher_differs(mirror, books.documents, in_force)
    assert said.startswith(f"{mirror.company} {mirror.voucher} reverses ")
    assert said.endswith(", which settlement has not reversed")


def test_amounts_differ_in_the_documents_currency_or_in_accounting_currency() -> None:
    books = books_of(next(path for path in FILES if path.stem == "cd-fx"))
    document = next(each for each in books.documents.values() if each.currency != each.accounting_currency)
    own = next(each for each in books.vouchers if each.settlement is None and each.document == document.document)
    for change, currency in (
        ({"amount": document.amount + 1}, document.currency),
        ({"accounting_amount": Decimal(7)}, document.accounting_currency),
    ):
        (said,) = voucher_differs(own, {document.key: msgspec.structs.replace(document, **change)}, {})
        assert f" {currency} is posted on the party's account, the document is " in said
    wrong = replace(own, lines=[replace(line, accounting_debit=line.accounting_debit + 1) for line in own.lines])
    assert [f"{document.accounting_currency} (accounting)" in each for each in unbalanced(wrong)] == [True]


def test_what_is_open_in_accounting_currency_and_the_number_of_records_are_looked_at_too() -> None:
    books = books_of(REVERSED)
    document = next(iter(books.documents.values()))
    of_records = taken(books)[document.key]
    cent = Decimal("0.01")
    assert [*open_differs(document, of_records)] == []
    for change in (of_records._replace(accounting_amount=of_records.accounting_amount + cent), of_records._replace(records=7)):
        assert len([*open_differs(document, change)]) == 1
