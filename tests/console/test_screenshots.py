"""The documentation's pictures are made from what the console shows, and come out the same again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.screenshots import IMAGES, OF_THE_SITE, PICTURES, picture
from tests.console.stage import stage
from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.mark.embedded
@pytest.mark.long
def test_pictures_of_the_same_data_are_the_same(browser: Browser) -> None:
    def taken() -> list[bytes]:
        with stage(still=True) as address:
            return [picture(browser, address, PICTURES[name]) for name in ("waiting", "trace", "why")]

    first, again = taken(), taken()
    assert [one == other for one, other in zip(first, again, strict=True)] == [True] * len(first)  # their bytes differ for hours


def test_every_picture_is_there_and_shown_in_the_documentation() -> None:
    pages = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/console.md", "docs/finance/index.md"))
    assert {path.stem for path in IMAGES.glob("*.png")} == {*PICTURES, *OF_THE_SITE}
    assert {name for name in (*PICTURES, *OF_THE_SITE) if f"images/{name}.png" not in pages} == set()
