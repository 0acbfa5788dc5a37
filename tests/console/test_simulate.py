"""Settling by hand: marks, amounts and discounts, a preview that is of the very event, and sending it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.looking import click, tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.embedded

CONTOSO = "/simulate?party=CONTOSO&date=2026-03-31"


def figures(page: Page) -> list[str | None]:
    """Amount, marked total and rest, plain."""
    return [each.get_attribute("data-plain") for each in page.locator(".sums .amount").all()]


def mark(page: Page, document: str) -> None:
    """Marks an open document."""
    page.locator(f'.marks input[name="mark"][value="{document}"]').check()


def test_the_preview_follows_what_is_marked_and_entered(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        page = found.page
        page.goto(CONTOSO)
        page.evaluate("window.stays = true")
        assert page.locator(".sums").count() == 0
        mark(page, "FABE/VI-10")
        expect(page.locator(".sums")).to_be_visible()
        assert figures(page) == ["397.70", "397.70", "0.00"]
        page.fill("#amount", "500")
        expect(page.locator(".sums .late .amount")).to_have_attribute("data-plain", "102.30")
        companies = page.locator(".side-by-side section > h3").all_inner_texts()
        assert companies == ["FAB", "FABE"]
        row = page.locator(".marks tr", has=page.locator('[value="FABE/VI-10"]'))
        row.locator('[name="use.FABE/VI-10"]').select_option("never")
        expect(page.locator(".sums .late .amount")).to_have_attribute("data-plain", "90.00")
        row.locator('[name="take.FABE/VI-10"]').fill("100")
        expect(page.locator(".sums .late .amount")).to_have_attribute("data-plain", "400.00")
        assert page.evaluate("window.stays") is True
        assert "take.FABE" in page.url
        click(page, page.locator("#preview summary").first)
        assert len(page.locator("#preview .sentence").first.inner_text()) > 10
        assert found.wrong == []


def test_no_script_is_needed_to_preview_and_amounts_are_taken_in_the_readers_form(console: str, browser: Browser) -> None:
    with tab(browser, console, script=False, language="de") as found:
        page = found.page
        page.goto(CONTOSO)
        mark(page, "FABD/VI-8")
        page.fill("#currency", "EUR")
        page.fill("#amount", "2.345,50")
        click(page, page.locator("#settling .fields button"))
        assert figures(page) == ["2345.50", "2345.50", "0.00"]
        assert page.locator("#preview .amount").first.inner_text() == "2.345,50"


def test_what_would_be_refused_is_said_and_cannot_be_sent(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        found.page.goto(f"{CONTOSO}&mark=FABE/VI-10&take.FABE/VI-10=5000&amount=6000")
        assert found.page.locator("#preview .failed").count() == 1
        assert found.page.locator(".send button").count() == 0
        found.page.goto(f"{CONTOSO}&mark=FABE/VI-10&amount=many")
        assert "many is not a number" in found.page.locator("#settling .wrong").inner_text()
        assert found.page.get_attribute("#amount", "aria-invalid") == "true"
        found.page.goto("/simulate?party=NOBODY")
        assert "NOBODY" in found.page.locator("#settling .failed").inner_text()


def test_payments_that_are_there_are_settled_without_another_one(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        found.page.goto(f"{CONTOSO}&mark=FABE/VI-11&mark=FAB/VPAY-11")
        assert "settlement requested" in found.page.locator(".send").inner_text()
        assert found.page.locator("#amount").count() == 0


def test_rows_of_open_documents_are_picked_for_a_simulation(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        page = found.page
        page.goto("/open?as_of=2026-03-31")
        page.get_by_label("Mark FABE VI-10").check()
        page.get_by_label("Mark FABE VI-9").check()
        click(page, page.get_by_role("button", name="Simulate a settlement"))
        page.wait_for_url(re.compile("/simulate"))
        assert page.locator('.marks input[name="mark"]:checked').count() == 2
        assert figures(page) == ["462.60", "462.60", "0.00"]


def test_what_was_previewed_is_sent_once_and_leads_to_its_trace(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        page = found.page
        page.goto(f"{CONTOSO}&mark=FABE/VI-9&document=SIM-1")
        click(page, page.locator(".send button"))
        page.wait_for_url(re.compile("/trace"))
        expect(page.locator(".picture")).to_contain_text("SIM-1")
        assert "Sent as event" in page.inner_text("[role=status] >> nth=0")
        page.goto("/actions")
        assert re.search(r"send\b.*SIM-1.*sent manually", page.inner_text("tbody tr >> nth=0").replace("\n", " "))
        assert found.wrong == []
    with httpx.Client(base_url=console) as client:
        said = client.get("/v1/document", params={"ledger": "payable", "company": "FABE", "document": "VI-9"}).json()["data"]
        assert said["open"] == "0.00"


def test_what_was_changed_after_the_preview_is_shown_again_before_it_is_sent(console: str, browser: Browser) -> None:
    with tab(browser, console, script=False) as found:
        page = found.page
        page.goto(f"{CONTOSO}&mark=FABE/VI-10&document=SIM-2")
        page.fill("#amount", "450")
        click(page, page.locator(".send button"))
        assert page.locator("#preview .notice").count() == 1
        assert figures(page) == ["450.00", "397.70", "52.30"]
    with httpx.Client(base_url=console) as client:
        assert client.get("/v1/document", params={"ledger": "payable", "company": "FAB", "document": "SIM-2"}).status_code == 404
