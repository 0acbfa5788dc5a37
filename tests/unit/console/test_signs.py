"""Debit is positive on every page; what lowers has no age; what was reversed was settled in between."""

from __future__ import annotations

import re
from typing import Any

from services.files.signs import is_debit, signed
from services.web.console.pages import document, intercompany, open_documents, simulate, voucher
from services.web.console.rendering import rendered
from tests.builders.console import made_up_reader


def plain(page: str) -> list[str]:
    """The amounts on a page."""
    return re.findall(r'data-plain="([^"]*)"', page)


def test_a_document_has_the_sign_of_its_balance() -> None:
    assert [is_debit("receivable", kind) for kind in ("invoice", "payment", "credit_note")] == [True, False, False]
    assert [is_debit("payable", kind) for kind in ("invoice", "payment", "credit_note")] == [False, True, True]
    assert [signed(each, is_debit=False) for each in ("5.00", "0.00", "-5.00")] == ["-5.00", "0.00", "5.00"]


def aged(currency: str, unapplied: str, *ages: str) -> dict[str, Any]:
    """A row of the aging."""
    names = ("not_due", "1-30", "over_30")
    amounts = {**dict(zip(names, ages, strict=True)), "unapplied": unapplied}
    return {"company": currency, "ledger": "payable", "currency": currency, "amounts": amounts, "total": "0.00", "documents": 1}


async def test_bars_are_as_long_as_what_is_open_against_the_largest_row_of_the_currency_and_payments_are_not_in_them() -> None:
    rows = [aged("EUR", "500.00", "-300.00", "-100.00", "0.00"), aged("EUR", "0.00", "0.00", "0.00", "-100.00")]
    rows.append(aged("USD", "7.00", "0.00", "-5.00", "0.00"))
    invoice = {"ledger": "payable", "kind": "invoice", "company": "FAB", "document": "I-1", "amount": "980.10", "balance": "-980.10"}
    more = {"party": {"id": "P", "name": None}, "date": "2026-03-01", "due_date": "2026-03-31", "age_days": None, "currency": "EUR"}
    listed: dict[str, Any] = {**invoice, **more, "discount": None, "waits": [], "reserved_by": None}
    said = {
        "/v1/aging": {"buckets": ["not_due", "1-30", "over_30", "unapplied"], "data": rows, "left_out": 0},
        "/v1/documents": {"data": [listed], "next": None},
    }
    view = await open_documents.view(made_up_reader(said))
    assert [[(each["bucket"], each["x"], each["width"]) for each in row["bars"]] for row in view["aging"]] == [
        [(0, "0.00", "75.00"), (1, "75.00", "25.00")],
        [(2, "0.00", "25.00")],
        [(1, "0.00", "100.00")],
    ]
    page = rendered(made_up_reader({}), "pages/open.html", view)
    assert plain(page)[-2:] == ["-980.10", "-980.10"]
    assert "unapplied" in page


TAKE: dict[str, Any] = {
    "settlement": {"source": "erp", "id": "M9"},
    "record": 1,
    "other": {"ledger": "payable", "company": "FAB", "document": "PAY"},
    "date": "2026-03-12",
    "amount": "980.00",
    "paid": "960.00",
    "cash_discount": "20.00",
    "credit_note_discount": "0.00",
    "difference": "0.00",
    "reversed_on": "2026-04-02",
}
WHOLE: dict[str, Any] = {
    "company": "FAB",
    "document": "I-1",
    "ledger": "payable",
    "kind": "invoice",
    "currency": "EUR",
    "accounting_currency": "EUR",
    "amount": "980.00",
    "open": "980.00",
    "open_accounting": "980.00",
    "balance": "-980.00",
    "date": "2026-03-01",
    "due_date": "2026-03-31",
    "party": {"id": "P", "name": "Party"},
    "account": "V-1",
    "discount": None,
    "reserved_by": None,
    "reference": None,
    "state": "open",
    "event": {"source": "erp", "id": "I-1"},
    "waits": [],
    "vouchers": [],
}


async def test_a_reversal_has_a_row_of_its_own_and_between_the_two_the_document_was_settled() -> None:
    again = {**TAKE, "date": "2026-03-20", "amount": "30.00", "paid": "30.00", "cash_discount": "0.00", "reversed_on": None}
    view = await document.view(made_up_reader({"/v1/document": {"data": {**WHOLE, "takes": [TAKE, again]}}}))
    assert [(each["date"], each["amount"], each["left"], each["is_reversal"]) for each in view["takes"]] == [
        ("2026-03-12", "980.00", "0.00", False),
        ("2026-03-20", "30.00", "30.00", False),
        ("2026-04-02", "-980.00", "-950.00", True),
    ]
    assert [each["parts"] for each in view["takes"][:2]] == [[("paid", "960.00"), ("cash_discount", "20.00")], []]
    page = rendered(made_up_reader({}), "pages/document.html", view)
    assert "-980.00" in plain(page)[:2]
    assert re.search(r"reversal of <a", page)
    assert re.search(r"cash discount <span[^>]*>20.00", page)


async def test_both_sides_of_a_pair_have_their_signs_in_the_rows_as_in_the_sums() -> None:
    own = {"accounting_due_from": "0.00", "accounting_due_to": "49.00", "accounting_currency": "GBP"}
    side = {"company": "NL01", "voucher": "AP-SET-000001", "due_from": "980.00", "due_to": "0.00", **own}
    other = {"company": "UK01", "voucher": "AP-SET-000001", "due_from": "0.00", "due_to": "980.00", **own}
    row = {"date": "2026-03-12", "kind": "settlement", "settlement": None, "currency": "EUR", "difference": "0.00", "company": side}
    said = {"/v1/intercompany/pair": {"data": [{**row, "partner": other}, {**row, "partner": None, "difference": "980.00"}], "next": None}}
    view = await intercompany.pair(made_up_reader(said, address={"company": "NL01", "partner": "UK01"}))
    page = rendered(made_up_reader({}), "pages/pair.html", view)
    assert plain(page) == [
        *("1960.00", "-980.00", "980.00"),
        *("980.00", "-49.00", "-980.00", "-49.00", "0.00"),
        *("980.00", "-49.00", "980.00"),
    ]
    assert "In the books of UK01" in page


RESERVED = {"what": "run", "event": {"source": "erp", "id": "M7"}, "since": None, "journal": None}
LISTED: dict[str, Any] = {
    "company": "UK01",
    "document": "PI-300",
    "ledger": "payable",
    "kind": "invoice",
    "currency": "GBP",
    "balance": "-980.10",
    "amount": "980.10",
    "open": "980.10",
    "due_date": "2026-03-31",
    "age_days": None,
    "discount": None,
    "waits": [],
    "reserved_by": RESERVED,
}


async def test_a_simulation_over_a_reserved_document_says_who_has_it_and_why_it_cannot_be_sent() -> None:
    key = {"company": "UK01", "document": "PI-300", "ledger": "payable"}
    simulated: dict[str, Any] = {"unreadable": [], "rejected": [], "vouchers": []}
    simulated |= {"waiting": [{"event": "ff979e09c61b", "for": "reservation", "key": key}], "open": []}
    party = {"party": "ACME", "name": "Acme", "customers": {}, "vendors": {"UK01": ["V-1"]}}
    said = {"/v1/parties": {"data": [party]}, "/v1/documents": {"data": [LISTED]}, "/v1/simulate": simulated}
    reader = made_up_reader(said, path="/simulate", address={"party": "ACME", "mark": "UK01/PI-300"})
    reader.companies = [{"company": "UK01"}]
    view: Any = await simulate.view(reader)
    page = rendered(made_up_reader({}, path="/simulate"), "pages/simulate.html", view)
    assert "ff979e09c61b" not in page
    assert '<a href="/trace?event=M7&amp;source=erp">M7</a>' in page
    assert "It can be sent once nothing of it would wait or be refused." in page
    assert page.count("reserved, or something waits over it") == 1
    assert "-980.10" in plain(page)


async def test_of_a_voucher_of_a_company_out_of_scope_it_is_said_that_other_lines_are_not_shown() -> None:
    line = dict.fromkeys(("account", "party", "settles", "rule", "rule_title", "accounting_debit", "accounting_credit"))
    line |= {"line": 2, "posting_type": "due_to", "partner": "FAB", "currency": "USD", "debit": "0.00", "credit": "9800.00"}
    names = {"company": "UK01", "voucher": "AP-SET-000001", "kind": "settlement", "date": "2026-03-12", "sisters": []}
    hidden = dict.fromkeys(("ledger", "document", "accounting_currency", "caused_by", "imported", "settlement"))
    answer = {"data": {**names, **hidden, "lines": [line]}}
    reader = made_up_reader({"/v1/voucher": answer}, address={"company": "UK01", "voucher": "AP-SET-000001"})
    view: Any = await voucher.view(reader)
    page = rendered(made_up_reader({}, path="/voucher"), "pages/voucher.html", view)
    assert view["totals"] == []
    assert "its other lines are outside of your scope" in page
    whole = {**names, **hidden, "ledger": "payable", "accounting_currency": "USD", "lines": [line]}
    reader = made_up_reader({"/v1/voucher": {"data": whole}}, address={"company": "UK01", "voucher": "AP-SET-000001"})
    assert "outside of your scope" not in rendered(made_up_reader({}), "pages/voucher.html", await voucher.view(reader))  # type: ignore[arg-type]
