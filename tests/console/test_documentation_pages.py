"""The documentation in a browser: the policy under which the web service shows it lets all of it work, on a phone too."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from tests.builders.site import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

PAGES = ("index.html", "finance/one_payment.html", "finance/currencies.html", "rulebook/differences.html", "integrators/refusals.html")


@pytest.fixture(scope="module")
def documentation(site: Path) -> Iterator[str]:
    """Where the web service shows it."""
    with shown(site) as address:
        yield address


@pytest.mark.parametrize(("path", "width"), list(zip(PAGES, cycle((1280, 390)))))
def test_a_page_asks_nothing_of_others_and_nothing_in_it_is_blocked(browser: Browser, documentation: str, path: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith((documentation, "data:")) else None)
    page.goto(documentation + path, wait_until="networkidle")
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_rule_is_found_by_its_id(browser: Browser, documentation: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(documentation, wait_until="networkidle")
    page.locator("[name=query]").click()
    page.keyboard.type("penny difference", delay=20)
    found = page.locator(".md-search-result__link").first
    found.wait_for(timeout=30_000)
    assert "rulebook/" in (page.locator(".md-search-result__list").inner_html())
    page.close()


def test_figures_stand_under_each_other(browser: Browser, documentation: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(documentation + "finance/one_payment.html")
    assert page.eval_on_selector(".figures td.amount", "cell => getComputedStyle(cell).textAlign") == "right"
    assert "tabular-nums" in page.eval_on_selector(".figures td.amount", "cell => getComputedStyle(cell).fontVariantNumeric")
    page.close()
