"""The product with a month's business, and a browser that shows it: started for each file of tests.

Invariant: a browser that is driven from here has an event loop running in this thread, in which no other test can have its own: it is
gone with the file.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from shared.settings import HttpAuth
from tests.console.people import tokens_file
from tests.console.stage import WORK, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

OFFLINE = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="module")
def console() -> Iterator[str]:
    """The address of the console."""
    with stage() as address:
        yield address


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a console with a desk full of work, to which people sign in; anew for each file of tests, which change it."""
    file = tmp_path_factory.mktemp("tokens") / "tokens.yaml"
    file.write_text(tokens_file(), encoding="utf-8")
    with stage(WORK, http_auth=HttpAuth.TOKENS, http_tokens_file=file) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; without it the tests fail, they are not left out."""
    found = shutil.which("chromium")
    assert found is not None, "chromium is needed: make browser"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=list(OFFLINE))
        yield started
        started.close()
