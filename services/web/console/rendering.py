"""How a page is made: its view of what the API answers, put into its template.

Invariant: templates show; they neither ask nor compute. What they show is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import HTMLResponse

from services.web.console import formats
from services.web.console.formats import NAMES
from services.web.console.reader import THEMES, url

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

    from services.web.console.api import AskedInVainError
    from services.web.console.reader import Reader

_MOST_COMPANIES: Final = 500
SIGNS: Final = {
    "posted": "●",
    "open": "●",
    "approved": "●",
    "done": "●",
    "received": "○",
    "under way": "○",
    "created": "◌",
    "waiting": "◌",
    "closed": "✓",
    "refused": "✕",
    "failed": "✕",
    "reversed": "↺",
    "unknown": "?",
}
"""The sign beside each state's word: colour alone says nothing."""
NAVIGATION: Final = (
    *(("/", "home", "h"), ("/intercompany", "intercompany", "i"), ("/open", "open documents", "o"), ("/vouchers", "vouchers", "v")),
    *(
        ("/simulate", "simulate", "s"),
        ("/imports", "imports", "m"),
        ("/waiting", "Waiting", "w"),
        ("/refused", "Refused", "r"),
        ("/approvals", "approvals", "p"),
        ("/flow", "flow", "f"),
        ("/accounts", "accounts", "a"),
        ("/companies", "companies", "c"),
        ("/actions", "actions", "t"),
        ("/checks", "checks", "k"),
        ("/rules", "rule book", "u"),
    ),
)
"""The pages of the menu: address, name, and the key after `g`."""


@dataclass(frozen=True, slots=True)
class WebPage:
    """A page: its template, and what shows in it.

    `takes_forms`: whether it answers POST; `takes_files`: whether its forms have files; `is_open`: whether to everybody; `has_head`:
    whether it has companies above it.
    """

    template: str
    view: Callable[[Reader], Awaitable[dict[str, Any] | Response]]
    takes_forms: bool = False
    takes_files: bool = False
    has_head: bool = True
    is_open: bool = False


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("services.web.console"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(url=url, signs=SIGNS, navigation=NAVIGATION, themes=THEMES, languages=NAMES, Markup=Markup)
    found.globals.update(is_zero=formats.is_zero, digits_of=formats.digits_of, place_of=formats.place)
    return found


async def know_companies(reader: Reader) -> None:
    """Has the reader know the companies that they may see, asked once; of a larger group the first ones."""
    if not reader.companies and reader.actor is not None:
        said = await reader.ask("/v1/companies", limit=_MOST_COMPANIES)
        reader.companies, reader.knows_all_companies = said["data"], said["next"] is None


class _Rendering:
    """Makes pages of templates, which are read once."""

    def __init__(self) -> None:
        self._environment = _environment()

    async def __call__(self, reader: Reader, page: WebPage) -> Response:
        """The page; AskedInVainError where the API refuses what it is made of."""
        if page.has_head and reader.parameter("part") is None:
            await know_companies(reader)
        view = await page.view(reader)
        return HTMLResponse(self._html(reader, page.template, view)) if isinstance(view, dict) else view

    def failed(self, reader: Reader, refused: AskedInVainError) -> str:
        """The page that says what was wrong."""
        return self._html(reader, "error.html", {"refused": refused, "title": refused.problem.get("title", "")})

    def part(self, reader: Reader, template: str, view: dict[str, Any]) -> str:
        """A part of a page, without what is around it."""
        return self._environment.get_template(template).render(r=reader, t=reader.t, n=reader.name, **view)

    def _html(self, reader: Reader, template: str, view: dict[str, Any]) -> str:
        return self._environment.get_template(f"pages/{template}").render(r=reader, t=reader.t, n=reader.name, **view)


page_of: Final = _Rendering()


def rendered(reader: Reader, template: str, view: dict[str, Any]) -> str:
    """A part of a page alone."""
    return page_of.part(reader, template, view)
