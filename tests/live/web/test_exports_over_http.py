"""A file has all rows of its list and nothing else, for every reader; of one moment; so many at once."""

from __future__ import annotations

import asyncio
import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from services.web.exporting import CSV, MOST_OF_A_READER, XLSX
from services.web.routes import MEDIA
from tests.builders.sheets import asked_in, rows_of_sheet
from tests.live.web.api import ALL, OF_FAB, OF_NOBODY, Api, api_on

if TYPE_CHECKING:
    from services.web.access.roles import Actor

pytestmark = pytest.mark.embedded

LISTS: dict[str, dict[str, str]] = {
    "vouchers": {},
    "documents": {"as_of": "2026-03-12"},
    "lines": {"company": "FAB", "account": "1380", "currency": "USD"},
    "balances": {},
    "intercompany": {},
    "intercompany/pair": {"company": "FAB", "partner": "FABE"},
}


async def fetched(api: Api, name: str, who: Actor, **parameters: str) -> Any:
    path = f"/v1/exports/{name.rpartition('/')[2]}"
    assert path in MEDIA
    return await api.client.get(path, params=parameters, headers=api.headers[who.name])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def the_same_as_the_list(api: Api, name: str, who: Actor) -> None:
    """Row by row, by what both have under the same name."""
    listed = (await api.get(f"/v1/{name}", who, **LISTS[name], **({} if name == "intercompany" else {"limit": 500})))["data"]
    expected = [{**row, **line} for row in listed for line in row["lines"]] if name == "vouchers" else listed
    answer = await fetched(api, name, who, **LISTS[name])
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{CSV}; charset=utf-8"), answer.text
    found = rows_of(answer.text)
    plain = {field for row in expected for field, value in row.items() if isinstance(value, str)} - {"amount", "open", "open_accounting"}
    assert [{field: row[field] for field in plain & row.keys()} for row in found] == [
        {field: row[field] or "" for field in plain & found[0].keys()} for row in expected
    ], name


async def one_place_is_free_again(api: Api) -> None:
    """More than may be at once are refused; the places of those that were made are free again."""
    answers = await asyncio.gather(*(fetched(api, "vouchers", ALL, format="xlsx") for _ in range(MOST_OF_A_READER + 1)))
    assert sorted(answer.status_code for answer in answers) == [*[200] * MOST_OF_A_READER, 429]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("too-many-requests", "5")
    assert (await fetched(api, "vouchers", ALL)).status_code == 200


async def test_a_file_is_its_list() -> None:
    async with api_on("exports") as api:
        for name in LISTS:
            for who in (ALL, OF_FAB):
                await the_same_as_the_list(api, name, who)
        rows = rows_of((await fetched(api, "vouchers", ALL, company="FABE")).text)
        assert sum(Decimal(row["debit"]) - Decimal(row["credit"]) for row in rows) == 0
        assert {row["company"] for row in rows_of((await fetched(api, "vouchers", OF_FAB)).text)} == {"FAB"}
        assert rows_of((await fetched(api, "vouchers", OF_NOBODY)).text) == []
        await refusals(api)
        await one_place_is_free_again(api)
        book = openpyxl.load_workbook(io.BytesIO((await fetched(api, "vouchers", OF_FAB, format="xlsx", company="FAB")).content))
        asked = asked_in(book)
        assert (asked["company"], asked["companies in scope"], asked["asked by"]) == ("FAB", "FAB", OF_FAB.name)
        assert asked["messages still to be read"] == "0"
        totals = {row[2]: row[3] for row in rows_of_sheet(book, "totals") if row[2].startswith("accounting_")}
        assert totals["accounting_debit"] == totals["accounting_credit"] > 0


async def refusals(api: Api) -> None:
    """What stands in the way is a problem and no file."""
    headers = api.headers[OF_FAB.name]
    for parameters, expected in (
        ({"company": "FABE"}, (404, "not-found")),
        ({"company": "FAB", "kind": "nonsense"}, (400, "parameter-invalid")),
        ({"format": "xlsx", "locale": "de"}, (400, "parameter-invalid")),
        ({"limit": "5"}, (400, "parameter-invalid")),
    ):
        answer = await api.client.get("/v1/exports/vouchers", params=parameters, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == expected
    for accepted, status in ((CSV, 200), (XLSX, 200), ("application/json", 406)):
        assert (await api.client.get("/v1/exports/vouchers", headers={**headers, "accept": accepted})).status_code == status
