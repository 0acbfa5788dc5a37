"""What is exported is what the API has, amounts plain, all rows, and nothing that a spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from services.web.console.pages.export import _cell, flat

EXPORTS = {
    "voucher": ({"company": "FABE", "voucher": "AP-SET-000001"}, 4),
    "vouchers": ({"company": "FABE"}, None),
    "documents": ({"state": "open", "as_of": "2026-03-31"}, None),
    "balances": ({"as_of": "2026-03-31"}, None),
    "lines": ({"company": "FABE", "account": "accounts_payable"}, None),
    "pair": ({"company": "FAB", "partner": "FABE", "as_of": "2026-03-31"}, None),
    "matrix": ({"as_of": "2026-03-31"}, None),
}


@pytest.mark.embedded
@pytest.mark.parametrize("what", EXPORTS)
def test_a_list_is_exported_with_plain_amounts(console: str, what: str) -> None:
    parameters, number = EXPORTS[what]
    with httpx.Client(base_url=console, headers={"accept-language": "de"}) as client:
        answer = client.get("/export", params={"list": what, **parameters})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{what}.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows
    assert number is None or len(rows) == number
    if what == "voucher":
        assert [(row["debit"], row["credit"]) for row in rows] == [
            ("0.00", "980.00"),
            ("980.00", "0.00"),
            ("0.00", "20.00"),
            ("20.00", "0.00"),
        ]
    if what == "documents":
        assert {row["document"]: row["discount.amount"] for row in rows}["VI-10"] == "12.30"


@pytest.mark.embedded
def test_a_voucher_is_given_as_the_api_gives_it_and_an_unknown_list_is_not_there(console: str) -> None:
    with httpx.Client(base_url=console) as client:
        names = {"company": "FABE", "voucher": "AP-SET-000001"}
        assert client.get("/voucher.json", params=names).json()["data"] == client.get("/v1/voucher", params=names).json()["data"]
        assert client.get("/export", params={"list": "secrets"}).status_code == 404


def test_a_cell_is_never_a_formula() -> None:
    assert [_cell(each) for each in ("=1+1", "@x", "-cmd", "-12.50", "-1", "+3", None, 5)] == [
        "'=1+1",
        "'@x",
        "'-cmd",
        "-12.50",
        "-1",
        "'+3",
        "",
        "5",
    ]


def test_what_may_be_missing_has_its_columns_all_the_same() -> None:
    assert flat({"discount": None, "party": {"id": "P"}, "waits": []}) == {"discount.amount": None, "discount.until": None, "party.id": "P"}
