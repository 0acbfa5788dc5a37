"""Lists: their pages, orders and filters, whatever is posted in between."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.balances import BalanceSelection, balances
from services.inquiry.queries.documents import DocumentName, DocumentSelection, document, documents
from services.inquiry.queries.feed import feed, is_place
from services.inquiry.queries.intercompany import MatrixSelection, PairSelection, matrix, pair
from services.inquiry.queries.lines import LineSelection, lines
from services.inquiry.queries.pages import PageWanted
from services.inquiry.queries.settlements import SettlementSelection, settlement, settlements
from services.inquiry.queries.vouchers import VoucherSelection, voucher, vouchers
from tests.builders.inquiry import Listening, listening
from tests.live.inquiry.asking import ALL, Asked, drawn
from tests.live.inquiry.recomputed import Books, summed

pytestmark = pytest.mark.embedded

Row = dict[str, Any]

LISTS = [
    *[
        (documents, DocumentSelection(state=state, sort=sort))
        for state in (None, "open", "closed", "reversed")
        for sort in ("due_date", "-date")
    ],
    *[(documents, DocumentSelection(party="P", sort=sort)) for sort in ("-due_date", "date")],
    *[(vouchers, VoucherSelection(sort=sort)) for sort in ("date", "-date")],
    *[(vouchers, VoucherSelection(party="P", sort=sort)) for sort in ("date", "-date")],
    (vouchers, VoucherSelection(account="accounts_receivable")),
    *[(vouchers, VoucherSelection(sort=sort, imported="no")) for sort in ("date", "-date")],
    (lines, LineSelection()),
    (lines, LineSelection(account="due_from")),
    (lines, LineSelection(companies=("A",), account="cash", currency="USD")),
    (lines, LineSelection(partner="A")),
    (lines, LineSelection(party="P")),
    (balances, BalanceSelection()),
    (balances, BalanceSelection(by="day")),
    (settlements, SettlementSelection()),
    (pair, PairSelection("A", "B")),
]


@pytest.fixture(scope="module")
def known(books: Asked) -> Books:
    """A stream with much in it, and the same books in Python."""
    simulation = max((listening(drawn(Random(seed))) for seed in range(40)), key=settled)  # noqa: S311 - no secret
    return Books(books.fill(simulation.records))


def settled(simulation: Listening) -> int:
    """How much is between A and B in a stream, if A has paid something and something is closed."""
    posted = [(voucher.company, line) for voucher in simulation.books.posting.vouchers for line in voucher.lines]
    has_cash = any(company == "A" and line.account == "cash" and line.currency == "USD" for company, line in posted)
    has_closed = any(not document.open for document in simulation.books.settlement.documents)
    return has_cash * has_closed * sum({company, line.partner} == {"A", "B"} for company, line in posted)


@pytest.mark.parametrize(("ask", "selection"), LISTS, ids=lambda each: getattr(each, "__name__", ""))
def test_the_pages_of_a_list_are_the_list(books: Asked, known: Books, ask: Any, selection: Any) -> None:
    assert known.tables
    everything = books.all(ask, selection)
    assert books.pages(ask, selection, 1) == everything
    assert books.pages(ask, selection, 3) == everything


def test_vouchers_are_selected_by_each_filter(books: Asked, known: Books) -> None:
    everything = books.all(vouchers, VoucherSelection())
    amounts = {row["company"] + row["voucher"]: debit(row) for row in everything}
    middle = sorted(amounts.values())[len(amounts) // 2]
    day = everything[len(everything) // 2]["date"]
    times = known.times()
    by_run = next(row["settlement"] for row in everything if row["settlement"])
    for selection, holds in (
        (VoucherSelection(companies=("B",)), lambda row: row["company"] == "B"),
        (VoucherSelection(ledger="payable"), lambda row: row["ledger"] == "payable"),
        (VoucherSelection(kind="settlement"), lambda row: row["kind"] == "settlement"),
        (VoucherSelection(document=everything[0]["document"]), lambda row: row["document"] == everything[0]["document"]),
        (VoucherSelection(settlement=by_run["id"]), lambda row: row["settlement"] == by_run),
        (VoucherSelection(settlement=by_run["id"], settlement_source="else"), lambda _: False),
        (VoucherSelection(from_=dt.date.fromisoformat(day)), lambda row: row["date"] >= day),
        (VoucherSelection(to=dt.date.fromisoformat(day)), lambda row: row["date"] <= day),
        (VoucherSelection(account="due_to"), lambda row: any(line["account"] == "due_to" for line in row["lines"])),
        (VoucherSelection(party="nobody"), lambda _: False),
        (VoucherSelection(party="P", kind="payment"), lambda row: row["kind"] == "payment"),
        (VoucherSelection(minimum=middle), lambda row: debit(row) >= middle),
        (VoucherSelection(maximum=middle), lambda row: debit(row) <= middle),
        (VoucherSelection(known_at=times[3]), lambda row: row["posted_at"] <= times[3].isoformat().replace("+00:00", "Z")),
    ):
        assert books.all(vouchers, selection) == [row for row in everything if holds(row)], selection


def debit(row: Row) -> Decimal:
    return sum((Decimal(line["accounting_debit"]) for line in row["lines"]), Decimal(0))


def test_a_voucher_names_its_sisters_and_is_found_by_its_number(books: Asked, known: Books) -> None:
    everything = {(row["company"], row["voucher"]): row for row in books.all(vouchers, VoucherSelection())}
    assert any(row["sisters"] for row in everything.values())
    for (company, name), row in everything.items():
        for sister in row["sisters"]:
            other = everything[sister["company"], sister["voucher"]]
            assert (other["settlement"], other["record"], other["kind"]) == (row["settlement"], row["record"], row["kind"])
            assert {"company": company, "voucher": name} in other["sisters"]
    company, name = next(iter(everything))
    assert books.run(voucher(books.connection, company, name)) == everything[company, name]
    for wrong in ("", name + "0", "nothing", "AR-INV-", f"AR-INV-{2**70}"):
        assert books.run(voucher(books.connection, company, wrong)) is None
    assert known.times()


def test_documents_are_selected_by_each_filter(books: Asked, known: Books) -> None:
    as_of = AsOf(known.dates()[-1])
    everything = books.all(documents, DocumentSelection(as_of=as_of))
    due = sorted(row["due_date"] for row in everything)[len(everything) // 2]
    for selection, holds in (
        ({"companies": ("B", "C")}, lambda row: row["company"] in "BC"),
        ({"ledger": "payable"}, lambda row: row["ledger"] == "payable"),
        ({"party": "P", "account": "100"}, lambda row: row["account"] == "100"),
        ({"kind": "credit_note"}, lambda row: row["kind"] == "credit_note"),
        ({"document": everything[0]["document"]}, lambda row: row["document"] == everything[0]["document"]),
        ({"state": "closed"}, lambda row: row["state"] == "closed"),
        ({"state": "reversed"}, lambda row: row["state"] == "reversed"),
        ({"due_to": dt.date.fromisoformat(due)}, lambda row: row["due_date"] <= due),
        ({"currency": "EUR"}, lambda row: row["currency"] == "EUR"),
        ({"minimum": Decimal(100)}, lambda row: Decimal(row["amount"]) >= 100),
        ({"minimum": Decimal(100), "state": "open"}, lambda row: Decimal(row["open"]) >= 100),
    ):
        shown = books.all(documents, DocumentSelection(as_of=as_of, **selection))
        assert shown == [row for row in everything if holds(row)], selection
    assert {row["state"] for row in everything} >= {"open", "closed"}
    for row in everything:
        is_due = as_of.date is not None and row["state"] == "open" and row["kind"] not in {"payment", "credit_note"}
        assert row["age_days"] == ((as_of.date - dt.date.fromisoformat(row["due_date"])).days if as_of.date and is_due else None)


def test_a_document_has_what_was_taken_from_it_and_its_vouchers(books: Asked, known: Books) -> None:
    for row in books.all(documents, DocumentSelection()):
        key = DocumentName(row["ledger"], row["company"], row["document"])
        whole = books.run(document(books.connection, key))
        assert whole is not None
        assert {name: whole[name] for name in row} == row
        left = Decimal(0 if row["state"] == "reversed" else row["amount"])
        left -= sum(Decimal(take["amount"]) for take in whole["takes"] if take["reversed_on"] is None)
        assert str(left) == row["open"]
        records = {
            (each["settlement"], each["record"]): each for each in books.all(settlements, SettlementSelection(document=key.document))
        }
        for take in whole["takes"]:
            parts = {name: Decimal(take[name]) for name in ("paid", "cash_discount", "credit_note_discount", "difference")}
            assert sum(parts.values()) == Decimal(take["amount"])
            record = records[take["settlement"]["id"], take["record"]]
            kept = {Decimal(record[name]) for name in ("overpayment", "underpayment", "penny_difference")}
            assert abs(parts["difference"]) in kept | {Decimal(0)}
            assert parts["cash_discount"] in {Decimal(record["cash_discount"]), Decimal(0)}
        runs = {(take["settlement"]["id"], take["record"]) for take in whole["takes"]}
        of_runs = [each for each in whole["vouchers"] if "settlement" in each["kind"]]
        across = [take for take in whole["takes"] if take["other"]["company"] != row["company"]]
        assert len(of_runs) >= len(across)
        assert runs or not of_runs
        assert len(whole["vouchers"]) - len(of_runs) == (2 if row["reversed_on"] else 1)
    assert books.run(document(books.connection, DocumentName("receivable", "A", "nothing"))) is None
    first = known.dates()[0] - dt.timedelta(days=1)
    assert books.run(document(books.connection, key, AsOf(first))) is None


def test_a_statement_runs_from_its_opening_to_its_closing_balance(books: Asked, known: Books) -> None:
    for as_of in (AsOf(), AsOf(known.dates()[-3]), AsOf(None, known.times()[len(known.times()) // 2])):
        for from_ in (None, known.dates()[2]):
            for account in books.all(balances, BalanceSelection(companies=("A",), from_=from_, as_of=as_of)):
                key = {name: account[name] for name in ("account", "posting_type", "currency")}
                if account["partner"] is not None:
                    continue
                selection = LineSelection(("A",), **key, from_=from_, as_of=as_of)
                rows = books.all(lines, selection)
                balance = Decimal(account["opening"])
                for row in rows:
                    balance += Decimal(row["debit"]) - Decimal(row["credit"])
                    assert row["running"] == str(balance)
                assert str(balance) == account["closing"]
                if rows:
                    assert rows[-1]["accounting_running"] == account["accounting_closing"]
                assert books.pages(lines, selection, 2) == rows
    assert "running" not in books.all(lines, LineSelection(("A",), account="cash"))[0]


def test_the_balances_of_days_add_up_to_those_of_accounts(books: Asked, known: Books) -> None:
    days = books.all(balances, BalanceSelection(by="day"))
    key = ("company", "account", "posting_type", "partner", "currency")
    for side in ("debit", "credit", "accounting_debit", "accounting_credit"):
        assert summed(days, *key, amount=side) == summed(books.all(balances, BalanceSelection()), *key, amount=side)
    assert books.all(balances, BalanceSelection(("A",), "cash", currency="USD")) == [
        row for row in books.all(balances, BalanceSelection()) if (row["company"], row["account"], row["currency"]) == ("A", "cash", "USD")
    ]
    assert {row["date"] for row in days} == {row["date"].isoformat() for row in known.tables["vouchers"]}


def test_a_pair_shows_both_sides_of_each_record_and_adds_up_to_its_cell(books: Asked, known: Books) -> None:
    cells = books.run(matrix(books.connection, MatrixSelection()))
    assert cells
    for cell in cells:
        selection = PairSelection(cell["company"], cell["partner"], cell["currency"])
        rows = books.all(pair, selection)
        assert all(row["difference"] in {"0.00", "0"} for row in rows)
        for side, prefix in (("company", ""), ("partner", "partner_")):
            for amount in ("due_from", "due_to", "accounting_due_from", "accounting_due_to"):
                assert sum(Decimal(row[side][amount]) for row in rows if row[side]) == Decimal(cell[prefix + amount])
        names = {(row["settlement"]["id"], row["record"], row["kind"]) for row in rows}
        assert len(names) == len(rows)
    day = known.dates()[4]
    early = books.all(pair, PairSelection("A", "B", as_of=AsOf(day)))
    late = books.all(pair, PairSelection("A", "B", from_=day + dt.timedelta(days=1)))
    assert [*early, *late] == books.all(pair, PairSelection("A", "B"))


def test_a_side_that_the_partner_does_not_have_is_a_difference(books: Asked, known: Books) -> None:
    row = next(each for each in books.all(pair, PairSelection("A", "B")) if each["company"] and each["partner"])
    series, _, number = row["partner"]["voucher"].rpartition("-")
    kept = books.run(
        books.connection.fetch("delete from lines where company = 'B' and series = $1 and number = $2 returning *", series, int(number))
    )
    try:
        found = next(
            each
            for each in books.all(pair, PairSelection("A", "B"))
            if each["settlement"] == row["settlement"] and each["record"] == row["record"] and each["kind"] == row["kind"]
        )
        assert found["partner"] is None
        assert Decimal(found["difference"]) != 0
    finally:
        books.run(books.connection.copy_records_to_table("lines", records=[tuple(line) for line in kept]))
    assert known.times()


def test_records_are_selected_and_a_run_has_its_records_and_vouchers(books: Asked, known: Books) -> None:
    everything = books.all(settlements, SettlementSelection())
    assert len(everything) == len(known.tables["records"])
    one = everything[len(everything) // 2]
    day = dt.date.fromisoformat(one["date"])
    for selection, holds in (
        (SettlementSelection(companies=("C",)), lambda row: "C" in {row["debit_company"], row["credit_company"]}),
        (SettlementSelection(party="nobody"), lambda _: False),
        (
            SettlementSelection(document=one["debit_document"]),
            lambda row: one["debit_document"] in {row["debit_document"], row["credit_document"]},
        ),
        (SettlementSelection(from_=day), lambda row: row["date"] >= one["date"]),
        (SettlementSelection(to=day), lambda row: row["date"] <= one["date"]),
        (SettlementSelection(state="in_force"), lambda row: row["reversed_on"] is None),
        (SettlementSelection(state="reversed"), lambda row: row["reversed_on"] is not None),
    ):
        assert books.all(settlements, selection) == [row for row in everything if holds(row)], selection
        assert books.pages(settlements, selection, 2) == books.all(settlements, selection)
    (run,) = books.run(settlement(books.connection, one["settlement"]))
    assert one in run["records"]
    assert {each["voucher"] for each in run["vouchers"]} == {
        row["voucher"] for row in books.all(vouchers, VoucherSelection(settlement=one["settlement"]))
    }
    assert books.run(settlement(books.connection, "nothing")) == []
    assert books.run(settlement(books.connection, one["settlement"], "else")) == []


def test_the_feed_gives_every_voucher_once_in_the_order_of_posting(books: Asked, known: Books) -> None:
    taken: list[Row] = []
    after = 0
    while (found := books.run(feed(books.connection, None, after, 4))).rows:
        taken += found.rows
        after = found.after
    assert found.after == after
    posted = {(row["company"], row["voucher"]) for row in books.all(vouchers, VoucherSelection())}
    assert len(taken) == len(posted)
    assert {(row["company"], row["voucher"]) for row in taken} == posted
    assert [row["position"] for row in taken] == sorted(row["position"] for row in taken)
    of_one = books.run(feed(books.connection, ("B",), 0, 1000)).rows
    assert of_one == [row for row in taken if row["company"] == "B"]
    places = {0, *(row["position"] for row in taken)}
    asked = {each + step for each in places for step in (-1, 0, 1)}
    assert {each for each in asked if books.run(is_place(books.connection, each))} == places
    assert known.times()


def test_a_place_of_another_list_is_refused(books: Asked) -> None:
    with pytest.raises(ValueError, match="4 parts, not 1"):
        books.run(vouchers(books.connection, VoucherSelection(), PageWanted(("2026-01-01",))))
    assert ALL.after is None
