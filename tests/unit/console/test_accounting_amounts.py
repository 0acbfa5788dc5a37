"""An exchange gain has no transaction amount: wherever lines are shown it stands with its accounting amount and that currency."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.console.rendered import content, macro

LINE: dict[str, Any] = {
    "line": 1,
    "posting_type": "realized_gain",
    "account": "8100",
    "partner": None,
    "party": None,
    "settles": None,
    "currency": "GBP",
    "debit": "0.00",
    "credit": "0.00",
    "accounting_debit": "0.00",
    "accounting_credit": "129.36",
    "rule": "F-C08",
}
FOREIGN = {**LINE, "line": 2, "posting_type": "accounts_payable", "credit": "100.00", "accounting_credit": "125.00"}
OWN = {**LINE, "line": 3, "posting_type": "accounts_payable", "currency": "EUR", "credit": "80.00", "accounting_credit": "80.00"}
VOUCHER: dict[str, Any] = {
    "company": "NL01",
    "voucher": "AP-SET-000001",
    "kind": "settlement",
    "voucher_kind": "settlement",
    "date": "2026-03-12",
    "document": None,
    "ledger": "payable",
    "state": "posted",
    "accounting_currency": "EUR",
    "posted_at": "2026-03-12T12:00:00Z",
}
SIDE = {
    "company": "NL01",
    "voucher": "AP-SET-000001",
    "due_from": "0.00",
    "due_to": "0.00",
    "accounting_currency": "EUR",
    "accounting_due_from": "129.36",
    "accounting_due_to": "0.00",
    "net": "0.00",
    "accounting_net": "129.36",
}


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def trace_of(line: dict[str, Any]) -> str:
    step = {"kind": "settlement", "connectors": (), "node": None, "cells": [[{"node": None, "vouchers": [{**VOUCHER, "lines": [line]}]}]]}
    picture = {"columns": [{"company": "NL01", "name": "", "role": ""}], "steps": [step], "folded": False, "width": 100}
    return content("trace.html", was_sent=False, taken=None, to_approve=[], troubles=[], truncated=False, head=None, picture=picture)


def vouchers_of(line: dict[str, Any]) -> str:
    filters = dict.fromkeys(("document", "party", "account", "settlement"))
    return content("vouchers.html", vouchers=[{**VOUCHER, "lines": [line]}], filters=filters, next=None)


def statement_of(line: dict[str, Any]) -> str:
    row = {**VOUCHER, **line, "running": line["credit"], "accounting_running": line["accounting_credit"]}
    return content(
        "account.html",
        lines=[row],
        next=None,
        company="NL01",
        names={"posting_type": "realized_gain", "account": None, "partner": None, "currency": "GBP", "from": None},
        running=True,
        openings=[],
        totals=[],
    )


def preview_of(line: dict[str, Any]) -> str:
    return macro("forms.html", "tried", {"vouchers": [{**VOUCHER, "lines": [line]}], "open": [], "waiting": [], "rejected": []})


@pytest.mark.parametrize("page", [trace_of, vouchers_of, statement_of, preview_of])
def test_a_line_shows_what_it_is_in_the_companys_own_currency_where_that_differs(page: Any) -> None:
    assert "129.36 EUR" in words(page(LINE))
    assert "100.00" in words(page(FOREIGN))
    assert "125.00 EUR" in words(page(FOREIGN))
    assert words(page(OWN)).count("80.00") == (2 if page is statement_of else 1), "the balance too"


def test_a_statements_balance_is_said_in_both_currencies() -> None:
    assert words(statement_of(FOREIGN)).count("125.00 EUR") == 2
    assert words(statement_of(LINE)).count("129.36 EUR") == 2


def test_a_pair_shows_what_each_side_has_in_its_own_currency() -> None:
    row = {"date": "2026-03-12", "kind": "settlement", "settlement": None, "currency": "GBP", "company": SIDE, "partner": None}
    page = content(
        "pair.html", company="NL01", partner="UK01", sums=[], only=False, rows=[{**row, "difference": "0.00"}], next=None
    )  # fmt: skip
    assert "due from UK01 129.36 EUR" in words(page)
