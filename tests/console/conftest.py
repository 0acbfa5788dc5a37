"""The product with a month's business, and a browser that shows it: started once for all tests here."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.console.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

OFFLINE = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="session")
def console() -> Iterator[str]:
    """The address of the console."""
    with stage() as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium; without it the tests fail, they are not left out."""
    found = shutil.which("chromium")
    assert found is not None, "chromium is needed: make browser"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(OFFLINE))
        yield started
        started.close()
