"""What a search leads to, which pages the chosen day is of, and what was posted last."""

from __future__ import annotations

from typing import Any

import pytest

from services.web.console.pages import home
from services.web.console.pages.search import meant
from services.web.console.rendering import rendered
from tests.builders.console import made_up_reader


def hit(kind: str, name: str, company: str | None = None, source: str | None = None) -> dict[str, Any]:
    """A hit of a search."""
    return {"kind": kind, "name": name, "company": company, "source": source, "ledger": None, "title": None}


OF_TWO = [hit("voucher", "AP-SET-000001", company) for company in ("NL01", "UK01")]
TRACED = [hit("document", "M9", "NL01"), hit("event", "M9", "NL01", "erp"), hit("settlement", "M9", None, "erp")]


@pytest.mark.parametrize(
    ("wanted", "hits", "company", "led_to"),
    [
        ("AP-SET-000001", OF_TWO, None, None),
        ("AP-SET-000001", OF_TWO, "UK01", OF_TWO[1]),
        ("AP-SET-000001", OF_TWO, "FR01", None),
        ("AP-SET-000001", OF_TWO[:1], None, OF_TWO[0]),
        ("M9", TRACED, None, TRACED[0]),
        ("M9", [*TRACED, hit("document", "M90", "NL01")], None, TRACED[0]),
        ("M9", [*TRACED, hit("document", "M9", "UK01")], None, None),
        ("M9", [TRACED[1], hit("event", "M9", "NL01", "other")], None, None),
        ("M", [*TRACED], None, None),
        ("m9", TRACED[:1], None, TRACED[0]),
    ],
)
def test_a_search_leads_on_only_where_one_thing_is_meant(wanted: str, hits: list[Any], company: str | None, led_to: Any) -> None:
    assert meant(wanted, hits, company) == led_to


WORK: dict[str, Any] = {"groups": [], "rows": [], "next": None, "next_groups": None, "filters": {"for": None}, "title": "Waiting"}


@pytest.mark.parametrize(("path", "is_dated"), [("/waiting", False), ("/open", True), ("/refused", False), ("/accounts", True)])
def test_a_page_is_headed_with_the_chosen_day_where_that_counts(path: str, is_dated: bool) -> None:  # noqa: FBT001 - a case of the table
    reader = made_up_reader({}, path=path, address={"as_of": "2025-11-10"})
    reader.read_to = {"time": "2026-03-12T12:00:00Z", "lag_seconds": 0.1}
    page = rendered(reader, "pages/waiting.html", WORK)
    assert ("10 Nov 2025" in page, 'id="as-of"' in page) == (is_dated, is_dated)


async def test_home_shows_what_was_posted_last_with_its_amount() -> None:
    last = {"company": "FAB", "voucher": "AP-SET-000002", "kind": "settlement", "date": "2026-03-01", "document": "M9"}
    latest = [{**last, "amount": "980.00", "accounting_currency": "USD", "posted_at": "2026-03-12T11:59:00Z"}]
    now = {"time": "2026-03-12T12:00:00Z", "lag_seconds": 0.1}
    minute = {"minute": "2026-03-12T11:59:00Z", "payments": 0, "vouchers": 1}
    lists = ("/v1/waiting", "/v1/refusals", "/v1/journals", "/v1/actions")
    said: dict[str, Any] = {path: {"data": [], "count": 0, "next": None} for path in lists}
    said |= {"/v1/flow": {"data": [], "read_to": now}, "/v1/flow/minutes": {"data": [minute], "latest": latest}}
    said |= {"/v1/checks": {"data": {"at": None, "holds": None}}, "/v1/intercompany": {"data": []}}
    page = rendered(made_up_reader({}), "pages/home.html", await home.view(made_up_reader(said)))
    assert "AP-SET-000002" in page
    assert 'data-plain="980.00"' in page
