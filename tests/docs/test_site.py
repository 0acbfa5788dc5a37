"""The documentation as pages: it builds without a warning, needs nothing of other sites, and no link in it leads nowhere."""

from __future__ import annotations

import posixpath
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import pytest

from deploy.site.hook import SERVED_AT
from shared.rulebook import rule_book
from tests.builders.site import shown

RESOURCE: Final = re.compile(r'(src|href)="https?://[^"]+\.(js|css|woff2?)')
FOREIGN: Final = re.compile(
    r'<(?:script|img|iframe|source)[^>]*\bsrc="(?:https?:)?//|<link[^>]*\brel="(?!canonical)[^>]*href="(?:https?:)?//'
)
IN_THE_PAGE: Final = re.compile(r"<script>|<style|\sstyle=\"|\son[a-z]+=\"|javascript:")
LINK: Final = re.compile(r'<a\b[^>]*\bhref="([^"]+)"')
PLACE: Final = re.compile(r'\b(?:id|name)="([^"]+)"')


@cache
def pages(site: Path) -> dict[Path, str]:
    return {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}


def test_nothing_is_loaded_from_other_sites(site: Path) -> None:
    assert [page for page, text in pages(site).items() if RESOURCE.search(text) or FOREIGN.search(text)] == []
    sheets = [*site.rglob("*.css"), *(site / "assets" / "inline").glob("*.js")]
    assert [sheet for sheet in sheets if re.search(r"(?:url\(|@import )[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8"))] == []


def test_no_page_has_a_script_or_a_style_in_it(site: Path) -> None:
    found = {
        page.relative_to(site): IN_THE_PAGE.search(re.sub(r"<code>.*?</code>", "", text, flags=re.DOTALL))
        for page, text in pages(site).items()
    }
    assert {page for page, match in found.items() if match is not None} == set()


def test_every_link_leads_to_a_page_and_to_a_place_on_it(site: Path) -> None:
    read = {page.relative_to(site).as_posix(): text for page, text in pages(site).items()}
    files = {file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file()}
    places = {page: {"", *PLACE.findall(text)} for page, text in read.items()}
    broken = []
    for page, text in read.items():
        for link in set(LINK.findall(text)):
            # The page for what is not there is answered at every address: its links begin with where the site is served.
            own = link.removeprefix(SERVED_AT) if page == "404.html" else link
            parts = urlsplit(own)
            if parts.scheme or parts.netloc:
                continue
            to = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path))) if parts.path else page
            to = to if to in files else f"{to}/index.html".removeprefix("./")
            if to not in files or (to in places and unquote(parts.fragment) not in places[to]):
                broken.append(f"{page}: {link}")
    assert broken == []


def test_links_to_generated_pages_and_to_files_beside_the_documentation_are_links(site: Path) -> None:
    for page, link in (
        ("index.html", "rulebook/index.html"),
        ("index.html", "repository/deploy/index.html"),
        ("integrators/index.html", "refusals.html"),
        ("rulebook/differences.html", "decisions.html#c7"),
        ("rules.html", "scenarios/cp-ar-2.html"),
    ):
        content = (site / page).read_text(encoding="utf-8").partition("<article")[2]
        assert f'href="{link}"' in content, (page, link)


@pytest.mark.long
def test_linkchecker_finds_nothing_either(site: Path) -> None:
    # The examples' own pages are alike, and most of all pages: the test above looks at them.
    with shown(site) as address:
        checked = ("--no-robots", "--no-status", "--threads=1", f"--ignore-url={address}scenarios/", address)
        command = [str(Path(sys.executable).with_name("linkchecker")), *checked]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - of the environment
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) links? in", done.stdout)[-1]) > 100


def test_every_rule_and_decision_has_its_place_in_the_rule_book(site: Path) -> None:
    text = "".join(text for page, text in pages(site).items() if page.parent.name == "rulebook" and page.name != "index.html")
    assert {rule: text.count(f'id="{rule.lower()}"') for rule in rule_book()} == dict.fromkeys(rule_book(), 1)
    assert text.count('class="example"') >= len(rule_book()) - 2
