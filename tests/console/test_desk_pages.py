"""The pages that are about one thing to be done: nothing wrong, and readable for everybody, as every other page (test_pages.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.console.looking import READERS, click, readers_shared_out, tab, violations
from tests.console.people import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.embedded


def pages(page: Page) -> Iterator[str]:
    """One page after the other, with what was wrong with what was filled in on some of them."""
    for event in ("VI-40", "VPAY-20"):
        page.goto("/refused")
        click(page, f"tr:has-text('{event}') td:nth-child(2) a")
        yield event
    page.goto(f"{page.url}&as=json")
    yield "as JSON"
    page.fill("textarea.json", "{")
    click(page, "button[value=try]")
    yield "not JSON"
    page.goto("/refused?code=amounts-disagree")
    click(page, "form[action='/refused/replay'] button >> nth=0")
    yield "replay"
    page.goto("/waiting")
    click(page, ".groups li:has-text('GBP') a.button")
    yield "mend"
    page.goto("/approvals/journal?company=FABW&document=ARPAY-IC-FAB-VPAY-7-1")
    yield "journal"
    page.goto("/reverse?ledger=payable&settlement=VPAY-9&source=scenario")
    page.fill("textarea", "looked at in this language")
    click(page, "button.danger")
    yield "proposed"
    page.goto("/approvals")
    click(page, "td a >> nth=-1")
    yield "own proposal"


@pytest.mark.parametrize("language", readers_shared_out())
def test_a_page_of_the_desk_has_nothing_wrong(desk: str, browser: Browser, language: str) -> None:
    width, colours = READERS[language]
    axe = Axe()
    with tab(browser, desk, language=language, width=width, colours=colours) as found:
        found.page.goto("/sign-in")
        assert violations(axe, found.page) == []
        sign_in(found.page, "anna")
        for seen in pages(found.page):
            found.page.wait_for_load_state()
            assert found.wrong == [], seen
            assert found.page.evaluate("document.documentElement.lang") == language, seen
            assert found.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{seen}: scrolls sideways"
            assert violations(axe, found.page) == [], seen
