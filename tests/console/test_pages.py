"""Every page, in four languages, on a phone and on a screen, light and dark: nothing wrong, readable for everybody, and light."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.console.looking import COLOURS, COMBINATIONS, LANGUAGES, LOOKED_INTO, PAGES, WIDTHS, Tab, tab, violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Response

    from tests.console.looking import Colours

pytestmark = pytest.mark.embedded

MOST_BYTES = 150_000
MOST_SCRIPT = 100_000


@pytest.fixture(scope="module")
def tabs(console: str, browser: Browser) -> Iterator[dict[tuple[str, int], Tab]]:
    """A tab of each language and width, which goes from page to page."""
    with ExitStack() as stack:
        yield {
            (language, width): stack.enter_context(tab(browser, console, language=language, width=width))
            for language in LANGUAGES
            for width in WIDTHS
        }


def readers(path: str) -> dict[str, tuple[int, Colours]]:
    """Width and colours of four readers of a page, by their language: all combinations, each page dealt out another way."""
    first = PAGES.index(path) % len(COMBINATIONS)
    return dict(zip(LANGUAGES, (*COMBINATIONS[first:], *COMBINATIONS[:first]), strict=True))


@pytest.fixture(scope="module")
def small(console: str, browser: Browser) -> Iterator[Tab]:
    """The tab of a reader with the smallest phone and the longest words."""
    with tab(browser, console, language="de", width=360) as found:
        yield found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_nothing_wrong_in_any_language_width_and_colour(tabs: dict[tuple[str, int], Tab], path: str) -> None:
    """Of the sixteen ways of reading a page four are tried, with every language, width and colour among them; the next page has others.

    Accessibility is looked into where width and colours differ both.
    """
    axe = Axe()
    for language, (width, colours) in readers(path).items():
        seen, found = f"{path} {language} {width} {colours}", tabs[language, width]
        found.wrong.clear()
        found.page.emulate_media(color_scheme=colours)
        answer = found.page.goto(path, wait_until="load")
        assert answer is not None
        expected = 404 if path == "/nowhere" else 200
        assert answer.status == expected, seen
        assert found.page.evaluate("document.documentElement.lang") == language, seen
        assert found.page.evaluate("document.documentElement.dataset.theme") == "system", seen
        assert [each for each in found.wrong if expected == 200 or "404" not in each] == [], seen
        assert found.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{seen}: scrolls sideways"
        assert language not in LOOKED_INTO or violations(axe, found.page) == [], seen


def test_every_way_of_reading_is_tried_on_some_page() -> None:
    tried = {(language, *reader) for path in PAGES for language, reader in readers(path).items()}
    assert tried == {(language, width, colours) for language in LANGUAGES for width in WIDTHS for colours in COLOURS}
    looked_into = {readers(path)[language] for path in PAGES for language in LOOKED_INTO}
    assert looked_into == set(COMBINATIONS)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_scrolls_down_alone_at_360_pixels(small: Tab, path: str) -> None:
    small.page.goto(path)
    assert small.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("path", [pytest.param(path, marks=() if place % 4 == 0 else pytest.mark.long) for place, path in enumerate(PAGES)])
def test_a_page_is_light(console: str, browser: Browser, path: str) -> None:
    with tab(browser, console) as found:  # of who was not here before: nothing is kept yet
        answers: list[Response] = []

        def keep(answer: Response) -> None:  # a built-in function is not taken as a handler
            answers.append(answer)

        found.page.on("response", keep)
        found.page.goto(path, wait_until="load")
        whole = [each for each in answers if not each.headers["content-type"].startswith("text/event-stream")]  # that has no end
        sizes = {each.url: len(each.body()) for each in whole}
        script = sum(size for url, size in sizes.items() if url.endswith(".js"))
        assert sum(sizes.values()) <= MOST_BYTES, sizes
        assert 0 < script <= MOST_SCRIPT, sizes


def test_pages_are_compressed_for_browsers(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        answer = found.page.goto("/")
        assert answer is not None
        assert answer.headers["content-encoding"] == "gzip"


def test_everything_that_is_asked_for_is_forbidden_to_come_from_elsewhere(console: str, browser: Browser) -> None:
    with tab(browser, console) as found:
        answer = found.page.goto("/")
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
