"""What the read side answers about a scenario is what its simulation has, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.desk.intercompany import matrix_of
from services.desk.rows import journal_rows, open_rows, settlement_rows, voucher_rows
from services.inquiry.queries.documents import DocumentSelection, documents
from services.inquiry.queries.intercompany import MatrixSelection, matrix
from services.inquiry.queries.journals import JournalSelection, journals
from services.inquiry.queries.settlements import SettlementSelection, settlements
from services.inquiry.queries.vouchers import VoucherSelection, vouchers
from tests.live.inquiry.asking import Asked
from tests.scenario_files import EXAMPLES, FILES

pytestmark = pytest.mark.embedded

Row = dict[str, Any]

CHOSEN = sorted({*EXAMPLES.glob("*.yaml"), *FILES[::9]})


def only(names: Row, row: Row) -> Row:
    """Of a row the fields that another one has."""
    return {name: row[name] for name in names}


def _unnumbered(row: Row) -> Row:
    """A voucher's lines without their numbers, which are their places."""
    if "lines" not in row:
        return row
    assert [line["line"] for line in row["lines"]] == list(range(1, len(row["lines"]) + 1))
    return {**row, "lines": [{name: value for name, value in line.items() if name != "line"} for line in row["lines"]]}


def alike(shown: list[Row], expected: list[Row]) -> bool:
    """Whether these are the same rows, further fields, the numbers of lines and the order aside."""
    as_expected = [only(expected[0], _unnumbered(row)) for row in shown] if expected else shown
    return sorted(as_expected, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("file", CHOSEN, ids=lambda file: file.stem)
def test_the_read_side_says_what_the_simulation_has(books: Asked, file: Path) -> None:
    simulation = books.listen(file)
    payment, settlement, posting = simulation.books
    assert alike(books.all(documents, DocumentSelection()), open_rows(settlement))
    open_ = [row for row in open_rows(settlement) if float(row["balance"])]
    assert alike(books.all(documents, DocumentSelection(state="open")), open_)
    posted = voucher_rows(posting)
    assert alike(books.all(vouchers, VoucherSelection()), posted)
    assert alike(books.all(settlements, SettlementSelection(state="in_force")), settlement_rows(settlement))
    assert alike(books.all(journals, JournalSelection()), journal_rows(payment, settlement))
    assert books.run(matrix(books.connection, MatrixSelection())) == matrix_of(posted)
