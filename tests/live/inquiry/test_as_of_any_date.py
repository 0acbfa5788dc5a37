"""What holds for any stream, any date and any time of knowing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.inquiry.queries.aging import AgingSelection, aging
from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.balances import BalanceSelection, balances
from services.inquiry.queries.documents import DocumentSelection, documents
from services.inquiry.queries.intercompany import MatrixSelection, matrix
from tests.live.inquiry.asking import Asked, drawn
from tests.live.inquiry.recomputed import EVER, NOW, Books, Row, summed

pytestmark = pytest.mark.embedded

RANDOM = st.randoms(use_true_random=False)
FEW = settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""An example takes the database a while; made smaller it would take minutes."""
CONTROL = {"receivable": "accounts_receivable", "payable": "accounts_payable"}
KEY = ("ledger", "company", "document")


def moments(books: Asked, random: Random) -> Iterator[tuple[Books, AsOf]]:
    """The books of a drawn stream, and some dates and times to ask for."""
    simulation = books.listen(drawn(random))
    known = Books(books.fill(simulation.records))
    days = [day + dt.timedelta(days=random.choice([-1, 0])) for day in known.dates()] or [dt.date(2026, 1, 1)]
    times = known.times() or [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)]
    yield known, AsOf()
    for _ in range(2):
        yield known, AsOf(random.choice(days))
    yield known, AsOf(None, random.choice(times))
    for _ in range(2):
        yield known, AsOf(random.choice(days), random.choice(times))


@FEW
@given(random=RANDOM)
def test_open_as_of_is_recomputed_from_what_was_posted(books: Asked, random: Random) -> None:
    for known, as_of in moments(books, random):
        expected = known.open_then(as_of.date or EVER, as_of.known_at or NOW)
        rows = books.all(documents, DocumentSelection(state="open", as_of=as_of))
        shown = {tuple(row[name] for name in KEY): (row["open"], row["open_accounting"]) for row in rows}
        assert shown == {key: tuple(map(str, amounts)) for key, amounts in expected.items() if amounts[0]}
        everything = books.all(documents, DocumentSelection(sort="-date", as_of=as_of))
        assert {tuple(row[name] for name in KEY): row["open"] for row in everything} == {
            key: str(amount) for key, (amount, _) in expected.items()
        }


@FEW
@given(random=RANDOM)
def test_open_accounting_amounts_are_the_receivable_and_payable_accounts(books: Asked, random: Random) -> None:
    for _, as_of in moments(books, random):
        if as_of.known_at is not None:
            continue  # a document and its voucher are two messages
        open_ = books.run(aging(books.connection, AgingSelection(as_of=as_of, on=dt.date(2026, 1, 1)))).sums
        accounts = books.all(balances, BalanceSelection(as_of=as_of))
        for ledger, posting_type in CONTROL.items():
            booked = [row for row in accounts if row["posting_type"] == posting_type]
            assert summed([row for row in open_ if row["ledger"] == ledger], "company", amount="total") == summed(
                booked, "company", amount="accounting_closing"
            )


@FEW
@given(random=RANDOM)
def test_due_from_is_due_to_and_debit_is_credit(books: Asked, random: Random) -> None:
    for known, as_of in moments(books, random):
        cells = books.run(matrix(books.connection, MatrixSelection(as_of=as_of)))
        if as_of.known_at is None:  # the two sides of a record are two messages
            assert all(cell["mirrored"] for cell in cells)
        lines = known.lines(as_of.date or EVER, as_of.known_at or NOW)
        due = {name: [line for line in lines if line["posting_type"] == name] for name in ("due_from", "due_to")}
        key = ("company", "partner", "currency")
        assert summed(cells, *key, amount="due_from") == summed(due["due_from"], *key)
        assert summed(cells, *key, amount="due_to") == {place: -amount for place, amount in summed(due["due_to"], *key).items()}
        accounts = books.all(balances, BalanceSelection(as_of=as_of))
        assert summed(accounts, "company", "account", "partner", "currency", amount="closing") == summed(
            lines, "company", "account", "partner", "currency"
        )
        assert not summed(accounts, "company", "currency", amount="closing")
        assert not summed(accounts, "company", amount="accounting_closing")


@FEW
@given(random=RANDOM)
def test_the_ages_of_what_is_open_add_up_to_what_is_open(books: Asked, random: Random) -> None:
    for _, as_of in moments(books, random):
        rows = books.all(documents, DocumentSelection(state="open", as_of=as_of))
        on = as_of.date or dt.date(2026, 2, 1)
        for by in ("company", "party"):
            found = books.run(aging(books.connection, AgingSelection(by=by, buckets=(10, 20), as_of=as_of, on=on)))
            assert found.buckets == ["not_due", "1-10", "11-20", "over_20", "unapplied"]
            assert sum(row["documents"] for row in found.rows) == len(rows)
            assert summed(found.rows, "ledger", "currency", amount="total") == summed(rows, "ledger", "currency", amount="balance")
            for number, bucket in enumerate(found.buckets):
                expected = [row for row in rows if bucket_of(row, on) == number]
                amounts = [{**row, "bucket": row["amounts"][bucket]} for row in found.rows]
                assert summed(amounts, "ledger", "currency", amount="bucket") == summed(expected, "ledger", "currency", amount="balance")


@FEW
@given(random=RANDOM)
def test_of_the_ages_only_the_largest_totals_are_given_and_how_many_more_there_are(books: Asked, random: Random) -> None:
    for _, as_of in moments(books, random):
        wanted = AgingSelection(by="party", as_of=as_of, on=as_of.date or dt.date(2026, 2, 1))
        whole = books.run(aging(books.connection, wanted))
        some = books.run(aging(books.connection, replace(wanted, top=2)))
        largest = sorted((abs(Decimal(row["total"])) for row in whole.rows), reverse=True)
        assert sorted((abs(Decimal(row["total"])) for row in some.rows), reverse=True) == largest[:2]
        assert (whole.left_out, some.left_out) == (0, len(largest[2:]))
        assert some.sums == whole.sums


def bucket_of(row: Row, on: dt.date) -> int:
    """Of the buckets that begin 1, 11 and 21 days after the due date; the last one is of payments and credit notes."""
    if row["kind"] in {"payment", "credit_note"}:
        return 4
    late = (on - dt.date.fromisoformat(row["due_date"])).days
    return sum(late >= first for first in (1, 11, 21))
