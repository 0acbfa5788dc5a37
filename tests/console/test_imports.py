"""A file is tried on its page, sent as it was seen and no otherwise, and kept as it came: with and without script, for every reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.console.looking import READERS, click, readers_shared_out, tab, violations
from tests.console.people import sign_in
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.embedded

FILES = ROOT / "tests/files"
RECEIPTS = (FILES / "receipts.csv", FILES / "receipts.yaml")
STATEMENT = (FILES / "camt053_08.xml", FILES / "bank.yaml")


def tried(page: Page, file: Path, mapping: Path | None) -> None:
    """Chooses a file and what its rows mean, and tries it."""
    page.set_input_files("#f-file", file)
    if mapping is not None:
        page.set_input_files("#f-mapping-file", mapping)
    click(page, "button[value=try]")


def renumbered(folder: Path, by: str) -> Path:
    """The receipts as others, which were never sent."""
    made = folder / f"receipts-{by}.csv"
    made.write_text(RECEIPTS[0].read_text(encoding="utf-8").replace("BANK-", f"BANK-{by}-"), encoding="utf-8")
    return made


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_tried_sent_and_kept(desk: str, browser: Browser, tmp_path: Path, *, script: bool) -> None:
    file = renumbered(tmp_path, f"script-{script}")
    with tab(browser, desk, script=script) as found:
        page = found.page
        sign_in(page, "dora", "/imports")
        tried(page, *STATEMENT)
        wrong = page.inner_text("tr.at-fault")
        assert "entry 2, transfer 2" in wrong
        assert 'column Dbtr: "Nobody Ltd" is not among the parties of the mapping' in wrong
        tried(page, file, RECEIPTS[1])
        assert re.search(r"to be sent\s+3 · 1,872.50 EUR", page.inner_text(".sums"))
        page.fill("#reason", "receipts of 20 February")
        click(page, "button[value=send]")
        assert "/imports/import?id=" in page.url
        assert re.search(r"Reason\s+receipts of 20 February", page.inner_text(".facts >> nth=0"))
        assert page.locator("table.imported tbody tr").count() == 3
        with page.expect_download() as download:
            click(page, "text=Original file")
        assert download.value.suggested_filename == file.name
        assert Path(download.value.path()).read_bytes() == file.read_bytes()
        sent = page.url
        page.goto("/imports")
        assert re.search(rf"dora\s+{file.name}\s+3\s+([^\w\s]\s+){{3}}receipts of 20 Feb", page.inner_text(".files tbody tr >> nth=0"))
        page.goto("/actions")
        assert file.name in page.inner_text("tbody tr >> nth=0")
        same_file_again(page, file, sent)
        assert found.wrong == []


def same_file_again(page: Page, file: Path, sent: str) -> None:
    """The same file changes nothing, and it is said when it was imported; what its rows mean is taken from then."""
    page.goto(sent)
    page.wait_for_timeout(1000)  # the services have taken the rows, or this process remembers that it sent them
    click(page, "text=Import another file like it")
    tried(page, file, None)
    assert "This very file was imported before" in page.inner_text(".tried")
    assert "nothing changes" in page.inner_text(".tried [role=status]")
    assert page.locator("button[value=send]").count() == 0


def test_nothing_is_sent_but_what_was_seen(desk: str, browser: Browser, tmp_path: Path) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "dora", "/imports")
        tried(page, renumbered(tmp_path, "seen"), RECEIPTS[1])
        click(page, "summary")
        page.fill("#f-mapping", page.input_value("#f-mapping").replace("/bank/fab", "/bank/other"))
        page.fill("#reason", "not what was seen")
        click(page, "button[value=send]")
        assert "this is the new one, nothing was sent" in page.inner_text("main")
        page.goto("/imports")
        assert "receipts-seen.csv" not in page.inner_text("main")


def test_a_form_that_is_sent_twice_sends_once(desk: str, browser: Browser, tmp_path: Path) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "dora", "/imports")
        tried(page, renumbered(tmp_path, "twice"), RECEIPTS[1])
        page.fill("#reason", "sent twice by mistake")
        fields = page.eval_on_selector_all(
            ".importing input[type=hidden], .importing textarea", "all => Object.fromEntries(all.map(each => [each.name, each.value]))"
        )
        answers = [page.request.post("/imports", multipart={**fields, "do": "send"}) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        assert answers[0].url == answers[1].url != f"{desk}/imports"
        page.goto("/imports")
        assert page.locator(".files tr:has-text('receipts-twice.csv')").count() == 1


def test_a_reader_sees_what_was_imported_and_imports_nothing(desk: str, browser: Browser) -> None:
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "carla", "/imports")
        assert "needs the role" in page.inner_text(".notice")
        assert page.locator("form.importing").count() == 0
        token = page.get_attribute("form.who input[name=token]", "value") or ""
        made_up: dict[str, Any] = {
            "token": token,
            "do": "send",
            "name": "x.csv",
            "content": "eA==",
            "mapping": RECEIPTS[1].read_text(encoding="utf-8"),
        }
        answer = page.request.post("/imports", multipart=made_up)
        assert "role" in answer.text()
        assert page.request.post("/imports", multipart={**made_up, "token": ""}).status == 403


def test_a_file_that_is_too_large_or_none_is_said_to_be_so(desk: str, browser: Browser, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * 10 * 1024 * 1024)
    odd = tmp_path / "odd.csv"
    odd.write_bytes(b"Reference;Booked;Customer;Currency;Amount;Invoices\n\xff\xfe;x")
    with tab(browser, desk) as found:
        page = found.page
        sign_in(page, "dora", "/imports")
        tried(page, large, RECEIPTS[1])
        assert "A file may have 3,000,000 bytes at most" in page.inner_text("[role=alert]")
        page.goto("/imports")
        tried(page, odd, RECEIPTS[1])
        assert "odd.csv: row 2: is not in the encoding utf-8" in page.inner_text("#f-file-wrong")
        tried(page, RECEIPTS[0], odd)
        assert page.inner_text("#f-mapping-file-wrong")


@pytest.mark.parametrize("language", readers_shared_out())
def test_a_page_of_an_import_has_nothing_wrong(desk: str, browser: Browser, language: str, tmp_path: Path) -> None:
    width, colours = READERS[language]
    axe = Axe()

    def look(seen: str) -> None:
        assert found.wrong == [], seen
        assert found.page.evaluate("document.documentElement.lang") == language, seen
        assert found.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{seen}: scrolls sideways"
        assert violations(axe, found.page) == [], seen

    with tab(browser, desk, language=language, width=width, colours=colours) as found:
        page = found.page
        sign_in(page, "dora")
        page.wait_for_selector("nav a[data-key=m]")
        page.wait_for_load_state()
        page.keyboard.press("g")
        page.keyboard.press("m")
        page.wait_for_url("**/imports")
        look("to be filled in")
        click(page, "button[value=try]")
        look("nothing chosen")
        tried(page, *STATEMENT)
        look("wrong")
        tried(page, renumbered(tmp_path, language), RECEIPTS[1])
        look("tried")
        page.focus("#reason")
        page.keyboard.type("by keyboard alone")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/imports/import?*")
        look("sent")
