"""A refused event or a voucher of a thousand lines: shown in parts, mended as JSON, and sent only as it was seen tried."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.builders.asked_pages import SaidApi, company, listed, one, pages_on

Row = dict[str, Any]

ID = "0b5cf0b0-7f0a-4f0e-8c43-3c7a3f6a1c11"
BUDGET = 75_000
"""Bytes of a page, its style and scripts aside."""


def refusal(lines: int) -> Row:
    """A refused event with so many lines."""
    data = {
        "company": "FAB",
        "document": "VI-1",
        "amount": "5.00",
        "lines": [{"account": f"6{n:04}", "amount": "1.00"} for n in range(lines)],
    }
    event = {"source": "erp", "id": "VI-1"}
    return {
        "id": ID,
        "event": event,
        "type": "intercompany.vendor-invoice.posted.v1",
        "code": "amounts-disagree",
        "scope": "event",
        "field": "/lines/7/amount",
        "message": "they do not add up",
        "state": "open",
        "company": "FAB",
        "document": "VI-1",
        "rejected_at": "2026-03-12T12:00:00Z",
        "again_at": None,
        "replays": 0,
        "original": {**event, "type": "t", "data": data},
    }


def line(number: int) -> Row:
    """A line of a voucher."""
    texts = {
        "posting_type": "purchases",
        "account": "6000",
        "partner": None,
        "party": "P",
        "party_account": "V",
        "settles": None,
        "rule": "C01",
    }
    amounts = {"currency": "USD", "debit": "1.00", "credit": "0.00", "accounting_debit": "1.00", "accounting_credit": "0.00"}
    return {"line": number, **texts, **amounts, "rule_title": None}


def voucher(lines: int, *sisters: str, of: str = "FAB") -> Row:
    """A voucher with so many lines."""
    return {
        "company": of,
        "voucher": "AP-1",
        "ledger": "payable",
        "kind": "vendor_invoice",
        "date": "2026-03-12",
        "document": "VI-1",
        "accounting_currency": "USD",
        "caused_by": None,
        "imported": None,
        "settlement": None,
        "lines": [line(n + 1) for n in range(lines)],
        "sisters": [{"company": each, "voucher": "AP-1"} for each in sisters],
    }


def simulated(vouchers: list[Row], **more: Any) -> Row:
    """What a simulation says."""
    return {"vouchers": vouchers, "open": [], "waiting": [], "rejected": [], "unreadable": [], **more}


def api_on(lines: int, outcome: Any) -> SaidApi:
    """An API with a refused event, and what a simulation of it says."""
    state = {"source": "erp", "id": "VI-1", "state": "refused", "waits": [], "refusals": [], "documents": [], "vouchers": []}
    return SaidApi({
        "/v1/companies": listed(company("FAB")), "/v1/refusal": one(refusal(lines)), "/v1/simulate": outcome, "/v1/event": state,
        "/v1/refusals/resend": {"action": ID, "state": "proposed"},
    })  # fmt: skip


def hidden(page: str, name: str) -> str:
    """What a page's form sends along under a name; empty where it has none of it."""
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    return found[1] if found else ""


async def test_an_event_of_a_thousand_lines_is_mended_as_json_in_a_light_page() -> None:
    api = api_on(1000, simulated([voucher(1000)]))
    async with pages_on(api) as client:
        page = await client.get(f"/refused/event?id={ID}")
        assert "2003 fields: mended as JSON" in page.text
        assert 'name="f:' not in page.text
        assert len(page.content) < 2 * BUDGET
        text = re.search(r'name="json"[^>]*>(.*?)</textarea>', page.text, re.DOTALL)
        assert text is not None
        sent = {"token": hidden(page.text, "token"), "key": "k", "as": "json", "json": text[1].replace("&#34;", '"'), "do": "try"}
        tried = await client.post(f"/refused/event?id={ID}", data=sent)
        assert "and 970 more" in tried.text
        assert api.ordered[-1][1]["events"][0]["data"] == refusal(1000)["original"]["data"]


async def test_what_is_too_large_for_a_form_is_not_offered_as_one() -> None:
    async with pages_on(api_on(9000, simulated([]))) as client:
        page = await client.get(f"/refused/event?id={ID}")
    assert "too large to be mended here" in page.text
    assert ("<textarea" in page.text, len(page.content) < BUDGET) == (False, True)


@pytest.mark.parametrize("previewed", [None, "of-something-else"])
async def test_nothing_is_sent_that_was_not_seen_tried(previewed: str | None) -> None:
    api = api_on(1, simulated([voucher(2)]))
    async with pages_on(api) as client:
        page = await client.get(f"/refused/event?id={ID}")
        assert 'value="send"' not in page.text
        fields = {"token": hidden(page.text, "token"), "f:/company": "FAB", "f:/amount": "5.00", "reason": "as it has to be", "do": "send"}
        first = await client.post(f"/refused/event?id={ID}", data={**fields, **({"previewed": previewed} if previewed else {})})
        assert ("nothing was sent" in first.text.lower(), [path for path, _, _ in api.ordered]) == (True, ["/v1/simulate"])
        second = await client.post(f"/refused/event?id={ID}", data={**fields, "previewed": hidden(first.text, "previewed")})
    assert [path for path, _, _ in api.ordered][-1] == "/v1/refusals/resend"
    assert "Proposed." in second.text


async def test_what_the_books_make_of_it_meanwhile_is_shown_before_it_is_sent() -> None:
    outcomes = [simulated([voucher(2)]), simulated([voucher(3)])]
    api = api_on(1, lambda _: outcomes.pop(0))
    async with pages_on(api) as client:
        page = await client.get(f"/refused/event?id={ID}")
        fields = {"token": hidden(page.text, "token"), "f:/company": "FAB", "reason": "as it has to be"}
        tried = await client.post(f"/refused/event?id={ID}", data={**fields, "do": "try"})
        sent = await client.post(f"/refused/event?id={ID}", data={**fields, "do": "send", "previewed": hidden(tried.text, "previewed")})
    assert "have changed since the preview" in sent.text
    assert "/v1/refusals/resend" not in [path for path, _, _ in api.ordered]


async def test_a_voucher_of_a_thousand_lines_is_read_a_page_at_a_time() -> None:
    api = SaidApi({
        "/v1/companies": listed(company("FAB")),
        "/v1/voucher": lambda given: one(voucher(1000, *(["FABE"] if given["company"] == "FAB" else []), of=given["company"])),
        "/v1/vouchers": listed(*[voucher(1000)] * 30),
    })  # fmt: skip
    async with pages_on(api) as client:
        first = await client.get("/voucher?company=FAB&voucher=AP-1")
        marked = await client.get("/voucher?company=FAB&voucher=AP-1&line=1000")
        second = await client.get("/voucher?company=FAB&voucher=AP-1&page=2")
        beyond = await client.get("/voucher?company=FAB&voucher=AP-1&page=99")
    assert [len(page.content) < BUDGET for page in (first, marked, second)] == [True] * 3, len(first.content)
    assert "lines 1 to 50 of 1000" in first.text
    assert 'id="line-FAB-1000" class="marked"' in marked.text
    assert ('id="line-FAB-51"' in second.text, 'id="line-FAB-50"' in second.text) == (True, False)
    assert "lines 951 to 1000 of 1000" in beyond.text
    assert "1,000.00" in first.text, "totals are of the whole voucher"
    assert "all 1000 lines" in first.text, "a sister shows its first lines"
