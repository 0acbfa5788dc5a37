"""What waits is let go by defining what is missing; what was refused is mended, tried and sent again, or sent again as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.console.looking import click, tab
from tests.console.people import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.embedded

REASON = "month end, ticket 4711"


def mend_of(page: Page, missing: str) -> None:
    """Opens the form that defines what a group of events waits for."""
    page.goto("/waiting")
    click(page, f".groups li:has-text('{missing}') a.button")


def outcome(page: Page) -> str:
    """What the page says became of it."""
    return re.sub(r"\s+", " ", page.inner_text(".outcome"))


def test_a_missing_rate_is_published_and_every_event_that_waited_for_it_is_posted(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/waiting")
        mend_of(page, "exchange rate GBP to USD")
        assert page.input_value("input[name=date]") == "2026-03-17"
        assert "2 events resume" in page.inner_text(".effect")
        page.fill("input[name=rate]", "1.29")
        page.fill("textarea", REASON)
        click(page, "button.first")
        said = outcome(page)
        assert re.search(r"VI-30 ● posted FAB AP-INV-\d+ VI-31 ● posted FAB AP-INV-\d+", said), said
        page.goto("/waiting")
        assert "exchange rate" not in page.inner_text("main")
        page.goto("/actions")
        assert re.search(rf"anna\s+define\s.*{REASON}", page.inner_text("tbody tr >> nth=0").replace("\n", " "))
        assert found.wrong == []


def test_what_is_wrong_with_a_mend_stands_at_its_field_and_nothing_is_sent(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/waiting")
        mend_of(page, "account V-SOUTH")
        page.fill("input[name=party]", "CONTOSO")
        page.fill("textarea", "  x  ")
        click(page, "button.first")
        assert "at least 3 characters" in page.inner_text("#reason-wrong")
        assert page.get_attribute("#reason", "aria-invalid") == "true"
        assert page.input_value("input[name=party]") == "CONTOSO"
        page.goto("/waiting")
        assert "V-SOUTH" in page.inner_text(".groups")


def test_the_party_of_an_unknown_account_keeps_the_accounts_that_it_has(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/waiting")
        mend_of(page, "account V-NORTH")
        page.fill("input[name=party]", "CONTOSO")
        page.fill("textarea", REASON)
        click(page, "button.first")
        assert "VI-20 ● posted" in outcome(page)
        page.goto("/companies")
        row = page.inner_text("tr:has-text('CONTOSO')")
        assert "V-CONTOSO" in row
        assert "V-NORTH" in row


def test_a_refused_event_is_mended_tried_and_proposed_and_posted_once_somebody_else_approves(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/refused")
        click(page, "td[data-label=Event] >> text=VI-40")
        assert "the lines add up to 450.00, the amount is 500.00" in page.inner_text("form .wrong")
        assert page.locator("button[value=send]").count() == 0, "nothing is sent that was not previewed"
        page.fill("input[name='f:/lines/0/amount']", "460.00")
        click(page, "button[value=try]")
        assert "the lines add up to 460.00" in page.inner_text("form .wrong")
        assert page.locator(".would").count() == 0
        page.fill("input[name='f:/lines/0/amount']", "500.00")
        click(page, "button[value=try]")
        assert "This would be posted." in page.inner_text(".tried")
        assert "500.00" in page.inner_text(".would >> nth=0")
        page.fill("textarea", REASON)
        click(page, "button[value=send]")
        assert "Proposed." in page.inner_text("[role=status]")
        click(page, "form.who button")
        sign_in(page, "bert", "/approvals")
        click(page, "tr:has-text('resend') >> text=Decide")
        assert re.search(
            r"lines . 1 . amount\s+450.00\s+500.00",
            page.inner_text(".diff"),
        )
        page.fill("textarea", "checked against the invoice")
        click(page, "button[value=approve]")
        assert "VI-40 ● posted FABE AP-INV-" in outcome(page)
        page.goto("/refused")
        assert "VI-40" not in page.inner_text("main")


def test_refused_marks_are_settled_with_another_document(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/refused")
        click(page, "td[data-label=Event] >> text=VPAY-20")
        assert page.input_value("[aria-invalid]") == "VI-9"
        page.fill("[aria-invalid]", "VI-10")
        click(page, "button[value=try]")
        assert re.search("FABE\\s+VI-10\\s+USD\\s+\N{MINUS SIGN}150.00\\s+\N{MINUS SIGN}51.00", page.inner_text("table.narrow"))


def test_many_are_sent_again_as_they_are_and_it_is_said_what_became_of_each(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/refused?code=amounts-disagree")
        assert page.is_checked("tr:has-text('VI-41') input")
        click(page, "text=Send the marked again")
        assert "VI-41" in page.inner_text("table")
        page.fill("textarea", REASON)
        click(page, "button[value=send]")
        assert "VI-41 ✕ refused again: the lines add up to 70.00, the amount is 80.00 amounts-disagree" in outcome(page)


def test_a_refusal_is_taken_off_the_list_with_a_reason_and_found_again(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/refused")
        page.check("tr:has-text('VI-41') input")
        click(page, "text=Take the marked off the list")
        click(page, "button[value=send]")
        assert page.evaluate("document.querySelector('#reason').validity.valueMissing")
        page.fill("textarea", "entered by hand")
        click(page, "button[value=send]")
        assert "Off the work list" in page.inner_text("[role=status]")
        page.goto("/refused")
        assert "VI-41" not in page.inner_text("main")
        page.goto("/refused?state=dismissed")
        assert "VI-41" in page.inner_text("main")


def test_without_script_the_same_can_be_done(desk: str, browser: Browser) -> None:
    """The last event that waits for a party is let go in a browser that runs no script."""
    with tab(browser, desk, script=False) as found:
        page = found.page
        sign_in(page, "anna", "/waiting")
        mend_of(page, "account V-SOUTH")
        page.fill("input[name=party]", "SOUTH")
        page.fill("input[name=name]", "South Paper")
        page.fill("textarea", REASON)
        click(page, "button.first")
        assert "There is no party SOUTH yet." in page.inner_text("form .wrong")
        page.check("input[name=new]")
        click(page, "button.first")
        assert "VI-21 ● posted" in outcome(page)


def test_a_form_is_filled_in_and_sent_by_keyboard_alone(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/refused")
        page.focus("td[data-label=Event] a >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_url("**/refused/event?**")
        page.focus("form.order input[name^='f:'] >> nth=0")
        while page.evaluate("document.activeElement.id") != "reason":
            page.keyboard.press("Tab")
        page.keyboard.type("w / g h are letters here")
        assert page.input_value("#reason") == "w / g h are letters here"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.value") == "try"
        page.keyboard.press("Enter")
        page.wait_for_selector(".tried .failed, .tried .good, .tried .would, form .wrong")
        assert page.input_value("#reason") == "w / g h are letters here"
