"""From any figure to the sentence that explains it: two clicks, one from the trace; also by keyboard, and without script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from playwright.sync_api import expect

from tests.console.links import explained, links
from tests.console.looking import click, tab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.embedded

STARTS = ("/intercompany", "/open?as_of=2026-03-31")


def sentence(page: Page) -> str:
    """What stands in the panel."""
    return page.locator("#why .sentence").inner_text()


class Reading(NamedTuple):
    """Pages as they are without script, read link by link."""

    client: httpx.Client

    def page(self, address: str) -> str:
        """A page's text."""
        answer = self.client.get(address, headers={"accept": "text/html"}, follow_redirects=True)
        assert answer.status_code == 200, address
        return answer.text

    def links(self, address: str, class_: str) -> list[str]:
        """Where the links of a class lead."""
        return links(self.page(address), class_)


@pytest.fixture
def reading(console: str) -> Iterator[Reading]:
    with httpx.Client(base_url=console, timeout=30) as client:
        yield Reading(client)


def test_two_clicks_lead_from_every_line_of_every_voucher_to_its_sentence(reading: Reading) -> None:
    whys = reading.links("/vouchers", "why")
    amounts = reading.links("/vouchers", "amount")
    assert len(whys) == len(amounts) > 30
    for why in whys:
        assert explained(reading.page(why)), why
    for amount, why in zip(amounts, whys, strict=True):
        page = reading.page(amount)
        assert why in links(page, "why"), amount
        assert page.count('class="marked"') == 1, amount


@pytest.mark.parametrize("start", STARTS)
def test_two_clicks_lead_from_every_amount_of_a_list_to_a_sentence(reading: Reading, start: str) -> None:
    amounts = reading.links(start, "amount")
    assert len(amounts) > 3
    for amount in dict.fromkeys(amounts):
        page = reading.page(amount)
        assert explained(page) or any(explained(reading.page(each)) for each in [*links(page, "why"), *links(page, "amount")]), amount


def test_one_click_leads_from_every_line_of_the_trace_to_its_sentence(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        found.page.goto("/trace?event=VPAY-7")
        number = found.page.locator(".entries a.why").count()
        assert number == 8
        for place in range(number):
            found.page.goto("/trace?event=VPAY-7")
            click(found.page, found.page.locator(".entries a.why").nth(place))
            assert len(sentence(found.page)) > 10


def test_the_reason_is_swapped_in_where_there_is_script_and_the_address_leads_to_it_again(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        found.page.goto("/voucher?company=FABE&voucher=AP-SET-000001")
        found.page.evaluate("window.stays = true")
        click(found.page, found.page.locator("a.why").nth(2))
        found.page.wait_for_selector("#why .sentence")
        assert found.page.evaluate("window.stays") is True
        found.page.wait_for_url(re.compile("why=3"))
        said = sentence(found.page)
        assert "20.00 = 2 % of 1,000.00" in said
        found.page.reload()
        assert sentence(found.page) == said
        assert found.wrong == []


def test_no_script_is_needed_for_search_language_colours_day_and_reason(console: str, browser: Browser) -> None:
    with tab(browser, console, script=False) as found:
        page = found.page
        page.goto("/")
        page.fill("#q", "VPAY-7")
        click(page, page.locator("form.find button"))
        assert "/trace" in page.url
        click(page, page.locator("a[hreflang=nl]"))
        assert page.locator("html").get_attribute("lang") == "nl"
        assert "event=VPAY-7" in page.url or "document=VPAY-7" in page.url
        click(page, page.locator(".themes a").nth(1))
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.goto("/intercompany")
        assert page.locator("html").get_attribute("lang") == "nl"
        page.fill("#as-of", "2026-03-11")
        click(page, page.locator("form.scope button"))
        assert page.locator("main a.amount").count() == 0
        page.goto("/intercompany?as_of=2026-03-12")
        assert page.locator("main a.amount").first.get_attribute("data-plain") == "980.00"


def test_keyboard_alone_leads_from_the_search_to_the_reason(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        keys = found.page.keyboard
        found.page.goto("/")
        keys.press("/")
        keys.type("VPAY-7")
        keys.press("Enter")
        found.page.wait_for_url(re.compile("/trace"), wait_until="networkidle")
        keys.press("w")
        found.page.wait_for_selector("#why .sentence")
        found.page.wait_for_load_state("networkidle")
        keys.press("b")
        expect(found.page).to_have_url(re.compile("/trace"))  # the browser may have kept the page: then it does not load again
        found.page.wait_for_selector(".picture")
        found.page.wait_for_load_state("networkidle")
        keys.press("g")
        keys.press("i")
        found.page.wait_for_url(re.compile("/intercompany"), wait_until="networkidle")
        keys.press("j")
        keys.press("Enter")
        found.page.wait_for_url(re.compile("/intercompany/pair"), wait_until="networkidle")
        keys.press("?")
        assert found.page.locator("#help").is_visible()
        assert found.wrong == []


def test_what_is_focused_is_seen_and_all_is_reached_with_tab(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        found.page.goto("/voucher?company=FABE&voucher=AP-SET-000001")
        reached = set()
        for _ in range(60):
            found.page.keyboard.press("Tab")
            if found.page.evaluate("document.activeElement === document.body"):
                continue  # after the last one the browser's own bar is reached
            reached.add(found.page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.id"))
            outline = found.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", found.page.evaluate("document.activeElement.outerHTML")
        assert {"q", "/voucher?company=FABE&voucher=AP-SET-000001&why=3"} <= reached


def test_amounts_are_copied_as_plain_decimals(console: str, browser: Browser) -> None:
    with tab(browser, console, language="de") as found:
        found.page.goto("/voucher?company=FABE&voucher=AP-SET-000001")
        copied = found.page.evaluate(
            """() => {
              const row = document.querySelector("table.lines tbody tr:nth-child(2)");
              document.getSelection().selectAllChildren(row.parentElement);
              const event = new ClipboardEvent("copy", {clipboardData: new DataTransfer(), bubbles: true, cancelable: true});
              row.dispatchEvent(event);
              return event.clipboardData.getData("text/plain");
            }"""
        )
        assert "980.00" in copied
        assert "980,00" not in copied


def test_figures_of_a_column_stand_decimal_under_decimal(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        found.page.goto("/voucher?company=FABE&voucher=AP-SET-000001")
        ends = (
            found.page.locator("table.lines")
            .first.locator("tbody td.num .amount")
            .evaluate_all("all => all.map(each => [each.closest('td').cellIndex, Math.round(each.getBoundingClientRect().right)])")
        )
        for column in {index for index, _ in ends}:
            assert len({right for index, right in ends if index == column}) == 1
