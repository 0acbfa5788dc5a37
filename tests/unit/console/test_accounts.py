"""The trial balance adds up in accounting currency; a statement runs from its opening to its closing balance."""

from __future__ import annotations

import re
from typing import Any

from services.web.console.pages import accounts
from services.web.console.rendering import rendered
from tests.builders.console import made_up_reader


def balance(account: str, currency: str, plain: str, own: str, **more: str | None) -> dict[str, Any]:
    """A balance with this debit in its currency, and in EUR."""
    found = {"company": "NL01", "account": account, "posting_type": "due_from", "partner": None, "currency": currency}
    amounts = {"opening": "0.00", "debit": plain, "credit": "0.00", "closing": plain}
    in_euro = {"opening": "0.00", "debit": own, "credit": "0.00", "closing": own}
    return {**found, "accounting_currency": "EUR", **amounts, **{f"accounting_{name}": value for name, value in in_euro.items()}, **more}


def told(page: str) -> str:
    """A page's text."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_the_total_of_a_trial_balance_is_the_sum_of_the_columns_that_it_stands_under() -> None:
    said = {"/v1/balances": {"data": [balance("1300", "GBP", "100.00", "120.00"), balance("1310", "EUR", "30.00", "30.00")], "next": None}}
    reader = made_up_reader(said, path="/accounts")
    reader.companies = [{"company": "NL01", "name": "Holland BV"}]
    view = await accounts.view(reader)
    page = rendered(made_up_reader({}, path="/accounts"), "pages/accounts.html", view)
    columns = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", page)
    assert columns == ["Account", "Cur.", "Debit", "Credit", "Closing", "Debit EUR", "Credit EUR", "Closing EUR"]
    foot = re.findall(r"<td[^>]*>(?:<span[^>]*>)?([^<]*)", page.partition("<tfoot>")[2].partition("</tfoot>")[0])
    assert foot == ["Total", "EUR", "", "", "", "150.00", "0.00", "150.00"]
    assert "NL01 Holland BV" in told(page)
    assert "1300 due from" in told(page)


async def test_a_company_whose_accounts_are_in_its_own_currency_has_each_figure_once_and_a_part_says_that_it_is_one() -> None:
    said = {"/v1/balances": {"data": [balance("1310", "EUR", "30.00", "30.00")], "next": "more"}}
    view = await accounts.view(made_up_reader(said, address={"from": "2026-03-01"}))
    page = rendered(made_up_reader({}), "pages/accounts.html", view)
    columns = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", page)
    assert columns == ["Account", "Cur.", "Opening EUR", "Debit EUR", "Credit EUR", "Closing EUR"]
    assert "Total of this page" in page


LINE: dict[str, Any] = {
    "company": "NL01",
    "voucher": "AP-SET-000001",
    "line": 1,
    "date": "2026-03-12",
    "ledger": "payable",
    "kind": "settlement",
    "document": "M9",
    "currency": "GBP",
    "debit": "40.00",
    "credit": "0.00",
    "running": "140.00",
    "accounting_running": "168.00",
    "accounting_debit": "48.00",
    "accounting_credit": "0.00",
    "accounting_currency": "EUR",
    "posting_type": "due_from",
}


async def test_a_statement_from_a_day_begins_with_its_opening_balance_and_ends_with_its_totals() -> None:
    both = [
        balance("1300", "GBP", "40.00", "48.00", opening="60.00", closing="100.00", partner="UK01"),
        balance("1300", "GBP", "0.00", "0.00", opening="40.00", closing="40.00", partner="FR01"),
    ]
    said = {"/v1/lines": {"data": [LINE], "next": None}, "/v1/balances": {"data": both, "next": None}}
    address = {"company": "NL01", "account": "1300", "posting_type": "due_from", "currency": "GBP", "from": "2026-03-10"}
    view = await accounts.statement(made_up_reader(said, path="/account", address=address))
    assert (
        view["openings"]
        == view["totals"]
        == [{"currency": "GBP", "opening": "100.00", "debit": "40.00", "credit": "0.00", "closing": "140.00"}]
    )
    page = rendered(made_up_reader({}, path="/account"), "pages/account.html", view)
    assert "NL01 1300 due from GBP" in told(page)
    assert re.search(r"10 Mar 2026 Opening balance GBP 100\.00 12 Mar 2026", told(page))
    assert re.search(r"Total and closing balance GBP 40\.00 0\.00 140\.00", told(page))
    assert '<input id="from" type="date" name="from" value="2026-03-10">' in page


async def test_a_later_page_of_a_statement_has_no_opening_and_all_but_the_last_no_totals() -> None:
    said = {"/v1/lines": {"data": [LINE], "next": "more"}, "/v1/balances": {"data": [balance("1300", "GBP", "1.00", "1.00")], "next": None}}
    view = await accounts.statement(
        made_up_reader(said, address={"company": "NL01", "account": "1300", "from": "2026-03-10", "cursor": "c"})
    )
    assert (view["openings"], view["totals"]) == ([], [])
