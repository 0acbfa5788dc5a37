"""What changes books is approved by a second person: a proposal is nobody's own to decide, and nothing happens before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.console.looking import click, tab
from tests.console.people import sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.embedded


def test_a_settlement_is_reversed_from_its_page_once_somebody_else_approves(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/trace?event=VPAY-9")
        click(page, "text=Reverse …")
        preview = page.inner_text(".tried")
        assert "AP-SRV-next" in preview
        assert re.search("VI-9\\s+USD\\s+0.00\\s+\N{MINUS SIGN}64.90", preview), preview
        page.fill("textarea", "settled the wrong invoice")
        click(page, "button.danger")
        assert "Somebody else has to approve it" in page.inner_text("[role=status]")
        page.goto("/document?ledger=payable&company=FABE&document=VI-9")
        assert page.locator("tr.struck").count() == 0

        page.goto("/approvals")
        click(page, "text=your own")
        assert "You have proposed this yourself." in page.inner_text("#own")
        assert page.locator("button[value=approve]").count() == 0

        click(page, "form.who button")
        sign_in(page, "bert", "/approvals")
        assert re.search(r"FAB VPAY-9 → FABE VI-9\s+64.90 USD", page.inner_text("main"))
        click(page, "text=Decide")
        assert "settled the wrong invoice" in page.inner_text("blockquote")
        said = page.inner_text("main")
        assert re.search(r"FAB VPAY-9\s+FABE VI-9\s+USD\s+64.90", said), said
        assert "FABE AP-SET-" in said
        assert "CONTOSO" in said
        assert "AP-SRV-next" in page.inner_text(".tried")
        assert page.locator(".diff").count() == 0
        page.fill("textarea", "agreed with purchasing")
        click(page, "button[value=approve]")
        assert "reverse settlement ● posted" in page.inner_text(".outcome")
        page.goto("/document?ledger=payable&company=FABE&document=VI-9")
        assert page.locator("tr.struck").count() == 1
        assert found.wrong == []


def test_an_own_proposal_is_not_decided_even_if_the_form_is_made_up(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/document?ledger=payable&company=FAB&document=VPAY-7")
        click(page, "text=Reverse what it settled …")
        page.fill("textarea", "to be proposed only")
        click(page, "button.danger")
        page.goto("/approvals")
        click(page, "text=your own")
        token = page.get_attribute("form.who input[name=token]", "value")
        answer = page.request.post(page.url, form={"token": token or "", "reason": "my own", "do": "approve"})
        assert "somebody else decides about it" in answer.text()
        page.goto("/actions")
        assert "proposed" in page.inner_text("tbody tr >> nth=0")


def test_a_proposal_that_is_declined_changes_nothing(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/waiting")
        click(page, "tr:has-text('VI-21') >> text=Discard")
        assert "account" in page.inner_text(".notice")
        page.fill("textarea", "nobody knows this vendor")
        click(page, "button.danger")
        click(page, "form.who button")
        sign_in(page, "bert", "/approvals")
        click(page, "tr:has-text('discard') >> text=Decide")
        page.fill("textarea", "the vendor is being set up")
        click(page, "button[value=decline]")
        assert "Declined: nothing happens." in page.inner_text("[role=status]")
        page.goto("/waiting")
        assert "VI-21" in page.inner_text("main")


def test_a_created_journal_is_approved_and_posted(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "bert", "/approvals")
        click(page, "tr:has-text('ARPAY-IC-FAB-VPAY-7-1') >> text=Approve")
        assert "1,000.00 USD" in page.inner_text(".facts .big")
        page.fill("textarea", "agrees with the bank statement")
        click(page, "button.first")
        assert "FABW ARPAY-IC-FAB-VPAY-7-1 ● posted" in page.inner_text(".outcome")
        page.goto("/approvals")
        assert "ARPAY-IC-FAB-VPAY-7-1" not in page.inner_text("main")


def test_whoever_only_reads_sees_what_could_be_done_and_by_whom_and_no_button(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "carla", "/waiting")
        click(page, ".groups a.button >> nth=0")
        assert "needs the role master" in page.inner_text(".notice")
        assert page.locator("form.order button").count() == 0
        page.goto("/refused")
        click(page, "td[data-label=Event] a >> nth=0")
        assert "needs the role operator" in page.inner_text("form .notice")
        assert page.locator("button[value=send]").count() == 0
        token = page.get_attribute("form.who input[name=token]", "value")
        refused = page.request.post(page.url, form={"token": token or "", "reason": "let me", "do": "send", "f:/company": "FAB"})
        assert "This needs the role operator; carla has reader." in refused.text()


def test_what_the_preview_refuses_is_not_even_proposed(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "anna", "/reverse?what=payment&ledger=payable&company=FAB&document=VPAY-7")
        assert "would be refused" in page.inner_text(".tried")
        assert page.locator("button.danger").count() == 0
        token = page.get_attribute("form.order input[name=token]", "value")
        answer = page.request.post(page.url, form={"token": token or "", "reason": "sent by mistake", "do": "send"})
        assert "Not sent" in answer.text()
        page.goto("/actions?state=proposed")
        assert "sent by mistake" not in page.inner_text("main")
