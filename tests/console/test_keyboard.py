"""Every key that the help names does what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from services.web.console.rendering import NAVIGATION
from tests.console.looking import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.embedded


def test_keyboard_leads_to_every_page_of_the_menu(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        found.page.goto("/rules")
        for address, _, key in NAVIGATION:
            found.page.keyboard.press("g")
            found.page.keyboard.press(key)
            found.page.wait_for_url(re.compile(re.escape(address) + "$"))
            found.page.wait_for_load_state()
        assert {key for _, _, key in NAVIGATION} >= set("hiowrf")
        assert found.wrong == []


def test_keyboard_moves_along_rows_and_opens_explains_exports_and_goes_back(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        page, keys = found.page, found.page.keyboard
        page.goto("/voucher?company=FABE&voucher=AP-SET-000001")
        for key in "jjjk":
            keys.press(key)
        assert page.locator("tr.at").get_attribute("id") == "line-FABE-2"
        keys.press("w")
        expect(page.locator("#why .sentence")).to_be_visible()
        assert "line 2" in page.locator("#why h2").inner_text()
        with page.expect_download() as download:
            keys.press("e")
        assert download.value.suggested_filename == "voucher.csv"
        keys.press("?")
        expect(page.locator("#help")).to_be_visible()
        keys.press("Escape")
        expect(page.locator("#help")).not_to_be_visible()
        keys.press("/")
        assert page.evaluate("document.activeElement.id") == "q"
        keys.press("w")
        assert page.input_value("#q") == "w"  # in a field keys are letters
        page.goto("/companies")
        page.goto("/rules")
        keys.press("b")
        page.wait_for_url(re.compile("/companies"))
        page.wait_for_load_state()
        keys.press("j")
        keys.press("Enter")
        page.wait_for_url(re.compile("/accounts"))
        assert found.wrong == []
