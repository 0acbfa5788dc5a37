"""The flow page: live numbers and a chart with script, the same numbers as they are without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.console.looking import tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.embedded


def test_the_numbers_live_and_the_chart_is_drawn_of_them(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        page = found.page
        page.goto("/flow")
        first = page.locator("#numbers p").inner_text()
        expect(page.locator("#chart canvas")).to_be_visible()
        expect(page.locator("#numbers p")).not_to_have_text(first, timeout=10_000)
        assert page.locator("#numbers tbody tr").count() == 6
        assert page.locator(".u-legend .u-label").all_inner_texts()[-4:] == ["payment", "settlement", "posting", "inquiry"]
        assert found.wrong == []


def test_the_numbers_live_however_late_the_script_of_the_stream_comes(console: str, browser: Browser) -> None:
    def late(route: Route) -> None:
        found.page.wait_for_timeout(500)
        route.fallback()

    with tab(browser, console) as found:
        found.page.route("**/hx-sse.min.js", late)
        found.page.goto("/flow")
        expect(found.page.locator("#chart canvas")).to_be_visible()
        assert found.wrong == []


def test_no_script_is_needed_for_the_numbers_and_the_last_hour(console: str, browser: Browser) -> None:
    with tab(browser, console, script=False) as found:
        found.page.goto("/flow")
        assert found.page.locator("#numbers thead th").all_text_contents() == ["payment", "settlement", "posting", "inquiry"]
        assert found.page.locator(".hour rect").count() >= 1
        assert not found.page.locator("#live").is_visible()
