"""Addresses and fields that nobody means: said where it is wrong, or left aside, and never a failure of ours."""

from __future__ import annotations

from typing import Any

import pytest

from services.web.console import event_fields
from services.web.console.formats import place, plain_day
from services.web.console.pages.sign_in import local
from services.web.languages import Language
from tests.builders.asked_pages import SaidApi, listed, one, pages_on

Row = dict[str, Any]
VOUCHER: Row = {
    "company": "FAB", "voucher": "AP-1", "series": "AP", "kind": "invoice", "document": "VI-1", "date": "2026-03-01", "ledger": "payable",
    "accounting_currency": "USD", "posted_at": "2026-03-01T12:00:00Z", "sisters": [], "caused_by": None, "event": None, "lines": [],
}  # fmt: skip


async def test_a_list_is_exported_whole_however_many_rows_the_address_asks_for() -> None:
    said = SaidApi({"/v1/exports/vouchers": "a file"})
    async with pages_on(said) as client:
        for more in ("limit=3", "count=true", "limit=x", "locale=de"):
            answer = await client.get(f"/export?list=vouchers&{more}")
            assert answer.status_code == 200
    assert [given for path, given in said.asked if path == "/v1/exports/vouchers"] == [{"locale": "en"}] * 4


@pytest.mark.parametrize("address", ["//[", "/[x", "//[::1", "\\\\["])
def test_an_address_that_none_can_read_leads_to_the_first_page(address: str) -> None:
    assert local(address) in {"/", address}
    assert not local(address).startswith(("//", "\\"))


@pytest.mark.parametrize("number", ["\N{SUPERSCRIPT TWO}", "9" * 6000, "-1", "", "1.0", "\N{ARABIC-INDIC DIGIT ONE}"])
async def test_what_is_no_number_of_a_line_marks_none(number: str) -> None:
    assert place(number) is None
    said = SaidApi({"/v1/companies": listed(), "/v1/voucher": one(VOUCHER)})
    async with pages_on(said) as client:
        for name in ("line", "why"):
            answer = await client.get("/voucher", params={"company": "FAB", "voucher": "AP-1", "part": "why", name: number})
            assert answer.status_code == 200


DATA: Row = {"company": "FAB", "settle": [{"document": "A"}]}
REFUSAL: Row = {
    "id": "r", "event": {"source": "s", "id": "e"}, "code": "field-unknown", "scope": "event", "type": "t", "field": "/company",
    "message": "no", "original": {"type": "t", "data": DATA}, "company": "FAB", "rejected_at": "2026-03-01T12:00:00Z", "state": "open",
    "again_at": None, "age_seconds": 1.0, "document": None, "party": None, "currency": None, "amount": None, "by": None,
    "replays": 0,
}  # fmt: skip
NOTHING: Row = {"unreadable": [], "rejected": [], "vouchers": [], "open": [], "waiting": []}
DEEP = "[" * 900 + "]" * 900
FIELDS = (
    {"more_name": "/x/\N{SUPERSCRIPT TWO}", "more_value": "1"},
    {"more_name": "/x/" + "9" * 6000, "more_value": "1"},
    {"more_name": "/settle/" + "9" * 6000, "more_value": "1"},
    {"more_name": "/a" * 5000, "more_value": "1"},
    {"as": "json", "json": '{"a": ' + DEEP + "}"},
    {"as": "json", "json": '{"a": ' + DEEP.replace("[", '{"a":', 900).replace("]", "}")[:-900] + "1" + "}" * 900 + "}"},
)


@pytest.mark.parametrize("fields", FIELDS, ids=range(len(FIELDS)))
async def test_a_field_that_cannot_be_placed_is_no_failure(fields: dict[str, str]) -> None:
    said = SaidApi({"/v1/companies": listed(), "/v1/refusal": one(REFUSAL), "/v1/simulate": NOTHING})
    async with pages_on(said) as client:
        page = await client.get("/refused/event?id=r")
        assert page.status_code == 200
        token = page.text.partition('name="token" value="')[2].partition('"')[0]
        answer = await client.post("/refused/event?id=r", data={"token": token, "f:/company": "FAB", **fields, "do": "try"})
    assert answer.status_code == 200
    if "json" in fields or fields["more_name"].startswith("/a"):
        assert "more than 100 levels" in answer.text
        assert said.ordered == []


def test_what_lies_too_deep_for_fields_is_one_value() -> None:
    deep: Any = 1
    for _ in range(event_fields.DEEPEST + 3):
        deep = {"a": deep}
    assert event_fields.is_too_deep(deep)
    ((pointer, text),) = event_fields.flat(deep)
    assert (pointer, text) == ("/a" * event_fields.DEEPEST, '{"a":{"a":{"a":1}}}')
    assert not event_fields.is_too_deep({"a": [{"b": {}}]})


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        (Language.GERMAN, "12.03.2026", "2026-03-12"),
        (Language.GERMAN, "12. M\N{LATIN SMALL LETTER A WITH DIAERESIS}rz 2026", "2026-03-12"),
        (Language.FRENCH, "1 f\N{LATIN SMALL LETTER E WITH ACUTE}vr. 2026", "2026-02-01"),
        (Language.DUTCH, "12-3-2026", "2026-03-12"),
        (Language.ENGLISH, "12 Mar 2026", "2026-03-12"),
        (Language.ENGLISH, "2026-03-12", "2026-03-12"),
        (Language.ENGLISH, "2026-02-30", None),
        (Language.ENGLISH, "30.02.2026", None),
        (Language.ENGLISH, "12 mrt 2026", None),
        (Language.ENGLISH, "1.1.0000", None),
        (Language.ENGLISH, "", None),
    ],
)
def test_a_day_is_read_as_iso_or_in_the_readers_form(language: Language, text: str, day: str | None) -> None:
    assert plain_day(language, text) == day
