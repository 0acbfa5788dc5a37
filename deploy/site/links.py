"""Links of the documentation as its pages have them: what is in the repository beside docs/ is on a page of its own, or is named.

Invariant: a page leads to nothing that is not part of the site, but for addresses of others in its text.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from deploy.site.outcomes import ROOT, name_of
from deploy.site.rule_pages import place_of
from deploy.site.scenario_pages import path_of
from shared.rulebook import rule_book

OTHERS: Final = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "deploy/README.md",
    "deploy/managed.md",
    *(f"deploy/producers/{each}README.md" for each in ("", "python/", "java/", "go/", "node/", "kcat/")),
)
"""Files beside docs/ that are pages too, under `repository/`."""
_INLINE: Final = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\]]*\])*\])\((?P<to>[^()\s]+)\)")
_REFERENCE: Final = re.compile(r"^(?P<head>\[[^\]]+\]: )(?P<to>\S+)$", re.MULTILINE)
_MADE: Final = re.compile(r'href="(?P<kind>RULEBOOK|SCENARIO):(?P<name>[^"]+)"')


def page_of(path: str) -> str:
    """The page of a file beside docs/."""
    return f"repository/{path}"


def home_of(page: str) -> str:
    """Where a page's text stands in the repository: links in it are relative to that."""
    return page.removeprefix("repository/") if page.startswith("repository/") else f"docs/{page}"


def scenarios_in(markdown: str, page: str) -> set[str]:
    """The scenarios that a page's links and tables lead to."""
    found = {match["name"] for match in _MADE.finditer(markdown) if match["kind"] == "SCENARIO"}
    for pattern in (_INLINE, _REFERENCE):
        for match in pattern.finditer(markdown):
            target = _target(match["to"], page)
            if target is not None and (name := name_of(ROOT / target)) is not None:
                found.add(name)
    return found


def within(markdown: str, page: str) -> str:
    """The page's text with every link leading to a page; what has no page is only named."""

    def inline(match: re.Match[str]) -> str:
        to = _to(match["to"], page)
        return f"{match['text']}({to})" if to is not None else match["text"].removeprefix("[").removesuffix("]")

    def reference(match: re.Match[str]) -> str:
        return f"{match['head']}{_to(match['to'], page) or page.rpartition('/')[2]}"

    def made(match: re.Match[str]) -> str:
        place = place_of(match["name"]) if match["kind"] == "RULEBOOK" else path_of(match["name"])
        title = f' title="{_title(match["name"])}"' if match["kind"] == "RULEBOOK" else ""
        return f'href="{_from(page, place).replace(".md", ".html", 1)}"{title}'

    return _MADE.sub(made, _REFERENCE.sub(reference, _INLINE.sub(inline, markdown)))


def _title(rule: str) -> str:
    return rule_book()[rule].title.replace('"', "&quot;")


def _from(page: str, to: str) -> str:
    return posixpath.relpath(to, posixpath.dirname(page) or ".")


def _target(to: str, page: str) -> str | None:
    """The file or folder of the repository that a link leads to; None: an address, or a place on the page itself."""
    path = to.partition("#")[0]
    if not path or ":" in path:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(home_of(page)), path))


def _to(to: str, page: str) -> str | None:
    target = _target(to, page)
    if target is None:
        return to
    anchor = to[to.index("#") :] if "#" in to else ""
    found = _page(target)
    return None if found is None else _from(page, found) + anchor


def _page(target: str) -> str | None:
    """The page of a file or folder of the repository, by its path under docs/; None: it has none."""
    if target in OTHERS:
        return page_of(target)
    if target.startswith("docs/"):
        # Whether there is such a page MkDocs knows, generated ones too: it warns where there is none.
        path = target.removeprefix("docs/")
        if (ROOT / target).is_dir():
            return f"{path}/README.md" if (ROOT / target / "README.md").is_file() else None
        return path
    if f"{target}/README.md" in OTHERS:
        return page_of(f"{target}/README.md")
    name = name_of(ROOT / target)
    return path_of(name) if name is not None and (ROOT / target).is_file() else None
