"""Signing in with a token: from the page that was wanted and back to it, for eight hours, by a cookie that no other site can use."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.console.looking import COLOURS, LANGUAGES, click, tab
from tests.console.people import sign_in, token_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.embedded


def test_a_page_leads_to_the_sign_in_and_back(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        page.goto("/voucher?company=FABE&voucher=AP-INV-000001")
        assert urlsplit(page.url).path == "/sign-in"
        assert page.locator("nav").count() == 0
        page.fill("#given", token_of("carla"))
        page.keyboard.press("Enter")
        page.wait_for_url("**/voucher?company=FABE&voucher=AP-INV-000001")
        assert "carla" in page.inner_text(".who")
        (cookie,) = [each for each in page.context.cookies() if each["name"] == "__Host-session"]
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")
        assert found.wrong == []


def test_a_wrong_token_is_told_at_its_field_in_the_readers_language(desk: str, browser: Browser) -> None:
    with tab(browser, desk, language="nl") as found:
        page = found.page
        page.goto("/sign-in")
        page.fill("#given", "not a token")
        click(page, "form.order button")
        assert page.inner_text("#given-wrong").strip() != "✕"
        assert page.get_attribute("#given", "aria-invalid") == "true"
        assert page.context.cookies() == []
        assert page.evaluate("document.documentElement.lang") == "nl"


def test_whoever_signs_out_is_out(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/waiting")
        click(page, "form.who button")
        assert urlsplit(page.url).path == "/sign-in"
        page.goto("/waiting")
        assert urlsplit(page.url).path == "/sign-in"


def test_no_address_of_another_site_is_led_to_after_signing_in(desk: str, browser: Browser) -> None:
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"):
        with tab(browser, desk) as found:
            page = found.page
            page.goto("/sign-in")
            page.evaluate("given => { document.querySelector('input[name=next]').value = given; }", elsewhere)
            page.fill("#given", token_of("anna"))
            click(page, "form.order button")
            assert urlsplit(page.url).path == "/"
            assert found.wrong == []


def test_whoever_is_signed_in_reads_the_api_and_writes_by_forms_of_ours_alone(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/refused")
        click(page, "td[data-label=Event] a >> nth=0")
        assert page.request.get("/v1/refusals").status == 200
        order = page.request.post("/v1/refusals/dismiss", data={"ids": [], "reason": "by the cookie alone"})
        assert order.status == 401
        for token in ("", "abc"):
            answer = page.request.post(page.url, form={"do": "send", "reason": "not from a page of ours", "token": token})
            assert answer.status == 403
            assert "too old" in answer.text()
            assert answer.headers["x-request-id"] in answer.text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sign_in_is_readable_for_everybody(desk: str, browser: Browser, language: str) -> None:
    for colours in COLOURS:
        with tab(browser, desk, language=language, width=360, colours=colours) as found:
            found.page.goto("/sign-in")
            assert found.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert found.wrong == []
