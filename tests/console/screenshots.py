"""Makes the pictures of docs/images: fixed data at a fixed moment, so that a second run gives the same bytes (`make screenshots`)."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from playwright.sync_api import sync_playwright

from tests.builders.site import built, shown
from tests.console.conftest import OFFLINE
from tests.console.looking import tab
from tests.console.stage import stage
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES: Final = ROOT / "docs" / "images"
_STILL_AFTER: Final = 700
"""Milliseconds after which the theme has stopped moving."""


class Picture(NamedTuple):
    """A page as a picture."""

    path: str
    width: int = 1280
    height: int = 600


PICTURES: Final = {
    "trace": Picture("/trace?event=VPAY-7"),
    "why": Picture("/voucher?company=FABE&voucher=AP-SET-000001&why=3"),
    "matrix": Picture("/intercompany"),
    "waiting": Picture("/waiting"),
    "simulate": Picture("/simulate?id=1&document=VPAY-30&party=CONTOSO&date=2026-03-31&mark=FABE/VI-10&mark=FABE/VI-9&amount=500"),
    "phone": Picture("/trace?event=VPAY-7", 390, 844),
}
"""By the name of the file; `height` is the least."""
OF_THE_SITE: Final = {"rule_book": Picture("rulebook/differences.html#f-e02", 1280, 900)}
"""Pages of the documentation, as far as they fit into the window."""


def picture(browser: Browser, address: str, wanted: Picture) -> bytes:
    """The whole page."""
    with tab(browser, address, width=wanted.width, height=wanted.height) as found:
        found.page.goto(wanted.path, wait_until="networkidle")
        found.page.evaluate("document.fonts.ready")
        return found.page.screenshot(full_page=True, animations="disabled", caret="hide")


def picture_of_the_site(browser: Browser, address: str, wanted: Picture) -> bytes:
    """What of a page of the documentation fits into the window."""
    page = browser.new_page(viewport={"width": wanted.width, "height": wanted.height}, reduced_motion="reduce")
    page.goto(address + wanted.path, wait_until="networkidle")
    page.wait_for_timeout(_STILL_AFTER)
    taken = page.screenshot(animations="disabled", caret="hide")
    page.close()
    return taken


def main(folder: Path = IMAGES) -> None:
    """Writes every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as site, shown(built(Path(site))) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(OFFLINE))
        for name, wanted in OF_THE_SITE.items():
            (folder / f"{name}.png").write_bytes(picture_of_the_site(browser, address, wanted))
        browser.close()
    with stage(still=True) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(OFFLINE))
        for name, wanted in PICTURES.items():
            (folder / f"{name}.png").write_bytes(picture(browser, address, wanted))
        browser.close()


if __name__ == "__main__":
    main()
