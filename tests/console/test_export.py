"""What is exported is what the API has, amounts plain, all rows, and nothing that a spreadsheet takes for a formula."""

from __future__ import annotations

import codecs
import csv
import html
import io
import re

import httpx
import openpyxl
import pytest

EXPORTS = {
    "voucher": ({"company": "FABE", "voucher": "AP-SET-000001"}, 4),
    "vouchers": ({"company": "FABE"}, None),
    "documents": ({"state": "open", "as_of": "2026-03-31"}, None),
    "balances": ({"as_of": "2026-03-31"}, None),
    "lines": ({"company": "FABE", "account": "accounts_payable"}, None),
    "pair": ({"company": "FAB", "partner": "FABE", "as_of": "2026-03-31"}, None),
    "intercompany": ({"as_of": "2026-03-31"}, None),
}


@pytest.mark.embedded
@pytest.mark.parametrize("what", EXPORTS)
def test_a_list_is_exported_with_plain_amounts(console: str, what: str) -> None:
    parameters, number = EXPORTS[what]
    with httpx.Client(base_url=console, headers={"accept-language": "de"}) as client:
        answer = client.get("/export", params={"list": what, **parameters})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{what}.csv"' in answer.headers["content-disposition"]
    assert answer.content.startswith(codecs.BOM_UTF8)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert not any("." in name for name in rows[0])
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
        of = {row["document"]: row for row in rows}
        assert of["VI-10"]["discount_amount"] == "12.30"
        assert (of["VI-10"]["amount"], of["VI-10"]["open"], of["VI-10"]["party"]) == ("-410.00", "-410.00", "CONTOSO")


@pytest.mark.embedded
def test_a_voucher_is_given_as_the_api_gives_it_and_an_unknown_list_is_not_there(console: str) -> None:
    with httpx.Client(base_url=console) as client:
        names = {"company": "FABE", "voucher": "AP-SET-000001"}
        assert client.get("/voucher.json", params=names).json()["data"] == client.get("/v1/voucher", params=names).json()["data"]
        assert client.get("/export", params={"list": "secrets"}).status_code == 404


@pytest.mark.embedded
def test_every_list_has_a_workbook_beside_its_csv(console: str) -> None:
    with httpx.Client(base_url=console) as client:
        page = client.get("/open", params={"as_of": "2026-03-31"}).text
        (address,) = (html.unescape(each) for each in re.findall(r'href="(/export[^"]+xlsx[^"]*)"', page))
        answer = client.get(address)
    assert 'filename="documents.xlsx"' in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True)
    heading, *rows = book["lines"].iter_rows(values_only=True)
    assert {dict(zip(heading, row, strict=True))["document"] for row in rows} >= {"VI-10"}
