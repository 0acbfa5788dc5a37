"""What MkDocs does beyond the files of docs/ (mkdocs.yml names it): pages that are generated, links, scripts in files of their own.

Invariant: a page has no script in it, so that the web service's Content-Security-Policy allows none.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mkdocs.structure.files import File

from deploy.site import codes, links, rule_pages, scenario_pages
from deploy.site.directives import expanded
from deploy.site.outcomes import ROOT
from shared.events.contract import CONTRACT, full_type

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

EVENTS: Final = "EVENTS"
"""Stands in the navigation for the pages of all events."""
SERVED_AT: Final = "/docs/"
"""Where the web service shows the pages."""
_ROOTED: Final = re.compile(r'(\b(?:href|src)="|"(?:base|search)": ")/(?!/)')
_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_POLYFILL: Final = re.compile(r'<script src="https?://[^"]*"></script>')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation with a page for each event."""
    pages = [{name: f"contract/events/{full_type(name)}.md"} for name in CONTRACT]
    config.nav = _filled(config.nav, [{"All events": "contract/events/README.md"}, *pages])
    return config


def _filled(nav: Any, events: list[dict[str, str]]) -> Any:
    if isinstance(nav, list):
        return [_filled(each, events) for each in nav]
    if isinstance(nav, dict):
        return {name: _filled(each, events) for name, each in nav.items()}
    return events if nav == EVENTS else nav


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The files with the generated pages: the rule book, the codes, files beside docs/, and every scenario that one of them leads to."""
    made = {**rule_pages.pages(), codes.PAGE: codes.page()}
    made |= {links.page_of(path): (ROOT / path).read_text(encoding="utf-8") for path in links.OTHERS}
    texts = {file.src_uri: expanded(file.content_string) for file in files.documentation_pages()} | made
    scenarios = set().union(*(links.scenarios_in(text, page) for page, text in texts.items()))
    made |= {scenario_pages.path_of(name): scenario_pages.page(name) for name in sorted(scenarios)}
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """A page's text with its tables and links."""
    return links.within(expanded(markdown), page.file.src_uri)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The page with its scripts in files of their own."""
    return without_scripts(output, page.url, Path(config.site_dir))


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The page that says that there is no such page, in the same way."""
    if not template_name.endswith(".html"):
        return output_content
    return below(SERVED_AT, without_scripts(output_content, template_name, Path(config.site_dir)))


def below(place: str, html: str) -> str:
    """A page that is answered at any address, with its own links, which are those of a site at `/`, to where the site is served."""
    return _ROOTED.sub(rf"\1{place}", html).replace('src="assets/inline/', f'src="{place}assets/inline/')


def without_scripts(html: str, url: str, folder: Path) -> str:
    """A page whose scripts are in files beside it, `assets/inline/…`, and that asks nothing of other sites."""
    up = "../" * url.count("/")

    def kept(match: re.Match[str]) -> str:
        name = f"assets/inline/{hashlib.sha256(match[1].encode()).hexdigest()[:16]}.js"
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(match[1], encoding="utf-8")
        return f'<script src="{up}{name}"></script>'

    return _SCRIPT.sub(kept, _POLYFILL.sub("", html))
