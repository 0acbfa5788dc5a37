"""Whatever is shown has one form, however an amount was written and whoever shows it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.desk.rows import (
    document_row,
    journal_row,
    money,
    open_rows,
    rejected_rows,
    settlement_rows,
    voucher_order,
    voucher_row,
    voucher_rows,
)
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from services.settlement.rules.values import DocumentKey
from shared.events.envelope import EventRef
from shared.events.kinds import DOCUMENT_KINDS
from shared.events.vouchers import rejection
from tests.scenario_files import IC_4

SCENARIO = """
group:
  companies: {FAB: {currency: USD}, FABJ: {currency: JPY}}
  parties: {NW: {customers: {FAB: "4000", FABJ: "4000"}}}
events:
- {id: I1, type: customer-invoice.posted, company: FAB, account: "4000", document: I1, date: 2026-01-10, currency: USD, amount: "%s"}
- {id: J1, type: customer-invoice.posted, company: FABJ, account: "4000", document: J1, date: 2026-01-10, currency: JPY, amount: "700.00"}
- {id: P1, type: customer-payment.posted, company: FAB, account: "4000", document: P1, date: 2026-01-12, currency: USD, amount: "%s",
   settle: [{company: FAB, document: I1}]}
"""


def _simulated(folder: Path, invoice: str, payment: str) -> Simulation:
    path = folder / "written.yaml"
    path.write_text(SCENARIO % (invoice, payment))
    simulation = Simulation()
    for arrival in arrivals(load_scenario(path)):
        simulation.send(arrival.record)
    return simulation


def _amounts(row: Any) -> set[str]:
    if isinstance(row, dict):
        return {text for name, value in row.items() for text in ({value} if _is_amount(name) else _amounts(value))}
    return {text for value in row for text in _amounts(value)} if isinstance(row, list) else set()


def _is_amount(name: str) -> bool:
    return name.removeprefix("accounting_") in {"debit", "credit", "amount", "balance", "cash_discount", "realized_gain"}


@pytest.mark.parametrize(("invoice", "payment"), [("600", "100"), ("600.00", "100.00"), ("600.0000", "100.0")])
def test_an_amount_is_shown_in_the_digits_of_its_currency_however_it_was_written(tmp_path: Path, invoice: str, payment: str) -> None:
    books = _simulated(tmp_path, invoice, payment).books
    documents = {each.document: each for each in books.settlement.documents}
    assert {document_row(documents["I1"])["balance"], document_row(documents["P1"])["balance"]} <= {"500.00", "0.00"}
    assert _amounts(settlement_rows(books.settlement)) == {"100.00", "0.00"}
    assert _amounts([row for row in voucher_rows(books.posting) if row["company"] == "FAB"]) == {"600.00", "100.00", "0.00"}
    assert [row["balance"] for row in open_rows(books.settlement) if row["company"] == "FABJ"] == ["700"]


def test_a_voucher_has_one_row_whether_it_is_one_of_all_or_selected(tmp_path: Path) -> None:
    posting = _simulated(tmp_path, "600", "100").books.posting
    selected = [voucher_row(voucher) for voucher in posting.vouchers]
    assert sorted(selected, key=voucher_order) == voucher_rows(posting)


@pytest.mark.parametrize(("amount", "currency", "shown"), [("-0.001", "USD", "0.00"), ("1E+3", "JPY", "1000"), ("2.5", "JPY", "3")])
def test_money_has_no_exponent_no_negative_zero_and_the_digits_of_the_currency(amount: str, currency: str, shown: str) -> None:
    assert money(Decimal(amount), currency) == shown


def test_a_journal_whose_document_is_not_in_the_books_is_only_created() -> None:
    example = load_scenario(IC_4)
    simulation = Simulation()
    for arrival in arrivals(example):
        simulation.send(arrival.record)
    (journal,) = simulation.books.payment.journals
    assert simulation.books.settlement.documents.get(DocumentKey("receivable", *journal.key)) is not None
    assert (journal_row(journal, booked=True)["status"], journal_row(journal, booked=False)["status"]) == ("posted", "created")


def test_the_kinds_of_vouchers_are_listed_documents_first_then_settlements_then_reversals() -> None:
    kinds = ["payment_reversal", "settlement", *reversed(DOCUMENT_KINDS)]
    rows = [{"company": "A", "date": "2026-01-01", "kind": kind, "voucher": "X-1"} for kind in kinds]
    assert [row["kind"] for row in sorted(rows, key=voucher_order)] == [*DOCUMENT_KINDS, "settlement", "payment_reversal"]


def test_an_event_that_came_without_an_id_is_listed_without_one() -> None:
    named = rejection(EventRef("s", "E"), "event", "invalid", "/x", "wrong", {"id": "E"})
    unnamed = rejection(EventRef("s", "topic/0/7"), "event", "malformed", "", "wrong", {})
    assert sorted(row["event"] for row in rejected_rows([named, unnamed], {})) == ["", "E"]
