"""Who reads a page, in which language and colours, of which companies, as of which day; and what a page asks on the reader's behalf.

What was chosen stands in cookies; what stands in the address counts first, so that an address can be passed on.

Invariant: a page sees the books through `ask` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlencode

from services.web.console import formats, texts
from services.web.languages import Language, negotiated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import date

    from starlette.requests import Request

    from services.web.access.roles import Actor
    from services.web.console.api import Api
    from services.web.console.forms import Submitted
    from services.web.console.session import Signing
    from services.web.console.ways import Way

THEMES: Final = ("system", "light", "dark")
CHOICES: Final = ("language", "theme", "as_of", "company")
"""What a reader can choose once for all pages; each is a cookie of this name with `console_` before it."""
COOKIE: Final = "console_"
_PAGE: Final = 500
_PAGES: Final = 10
DATED: Final = frozenset({"/", "/intercompany", "/intercompany/pair", "/open", "/document", "/accounts", "/account", "/simulate"})
"""The pages on which the chosen day counts."""


@dataclass
class Reader:
    """A request for a page, as its reader."""

    request: Request
    actor: Actor | None
    api: Api
    today: date
    signing: Signing
    way: Way
    public_url: str | None = None
    sent: Submitted | None = None
    read_to: Mapping[str, Any] | None = None
    companies: list[dict[str, Any]] = field(default_factory=list)
    knows_all_companies: bool = False

    # What was chosen

    @property
    def language(self) -> Language:
        """The reader's language."""
        return language_of(self.request)

    @property
    def theme(self) -> str:
        """The colours: system, light or dark."""
        found = chosen(self.request, "theme")
        return found if found in THEMES else THEMES[0]

    @property
    def as_of(self) -> str | None:
        """The day that the books are looked at, ISO; None: today."""
        return formats.plain_day(self.language, chosen(self.request, "as_of") or "")

    @property
    def day(self) -> str:
        """The day that the books are looked at."""
        return self.as_of or self.today.isoformat()

    @property
    def is_dated(self) -> bool:
        """Whether the page shows the books of the chosen day; lists of work are those of now, and what was posted has its own date."""
        return self.request.url.path in DATED

    @property
    def company(self) -> str | None:
        """The company that is looked at; None: all in scope. One that was chosen before counts while the reader may see it."""
        found = chosen(self.request, "company") or None
        return found if "company" in self.request.query_params or self.has_company(found) else None

    def has_company(self, code: str | None) -> bool:
        """Whether there is such a company for the reader, as far as their companies are known."""
        return not self.knows_all_companies or any(each["company"] == code for each in self.companies)

    def fits(self, name: str, value: str) -> bool:
        """Whether a choice is one that this reader can make; an empty one takes it back."""
        match name:
            case "language":
                return not value or value in set(Language)
            case "theme":
                return not value or value in THEMES
            case "as_of":
                return not value or formats.plain_day(self.language, value) is not None
            case _:
                return not value or (self.actor is not None and self.has_company(value))

    @property
    def outworn(self) -> list[str]:
        """What was chosen once and is nothing that can be chosen any more."""
        ours = () if self.actor is None else CHOICES
        return [name for name in ours if name not in self.request.query_params and not self.fits(name, kept(self.request, name) or "")]

    def parameter(self, name: str) -> str | None:
        """A parameter of the address; None where it is empty."""
        return self.request.query_params.get(name) or None

    # What was sent, and what may be

    def filled_in(self, name: str) -> str | None:
        """A field of the form that was sent; without one what the address says."""
        return self.parameter(name) if self.sent is None else self.sent.get(name)

    def lacks(self, role: str) -> bool:
        """Whether the reader does not have a role."""
        return self.actor is None or all(role != own for own in self.actor.roles)

    @cached_property
    def form_token(self) -> str:
        """What every form of this page sends along."""
        return self.signing.form_token(self.actor)

    # What is asked

    async def ask(self, path: str, /, **parameters: object) -> Any:
        """What the API answers to GET; AskedInVainError."""
        said = await self.api.ask(path, **parameters)
        if isinstance(said, dict) and said.get("read_to"):
            self.read_to = said["read_to"]
        return said

    def download(self, path: str, seconds: float, /, **parameters: object) -> AsyncIterator[bytes]:
        """The parts of a file that the API gives, begun within so many seconds; AskedInVainError before the first."""
        return self.api.download(path, seconds, **parameters)

    async def every(self, path: str, /, **parameters: object) -> AsyncIterator[dict[str, Any]]:
        """The rows of a list, page by page as far as they are looked at, 5,000 at most; AskedInVainError."""
        cursor: str | None = None
        for _ in range(_PAGES):
            said = await self.ask(path, **parameters, limit=_PAGE, cursor=cursor)
            for row in said["data"]:
                yield row
            cursor = said.get("next")
            if cursor is None:
                return

    async def order(self, path: str, body: Mapping[str, Any], /, key: str | None = None) -> Any:
        """What the API answers to POST; AskedInVainError."""
        return await self.api.order(path, body, key)

    # How it is said

    def t(self, message: str, /, **words: object) -> str:
        """A message in the reader's language."""
        return texts.text(self.language, message, **words)

    def name(self, value: str | None) -> str:
        """What the books call something, in the reader's language."""
        return texts.name(self.language, value)

    def document_name(self, ledger: str, kind: str) -> str:
        """What the books call a document of a kind in its ledger, in the reader's language."""
        return texts.document_name(self.language, ledger, kind)

    def amount(self, plain: str) -> str:
        """An amount in the reader's form."""
        return formats.amount(self.language, plain)

    def no_number(self, entered: str) -> str:
        """That what was entered is not a number, or that it may be two, and how one is written."""
        found = formats.readings(self.language, entered)
        if len(found) > 1:
            plain, grouped = found
            return self.t(
                "{value} may be {first} or {second}: write one of these.", value=entered, first=plain.replace(".", ","), second=grouped
            )
        return self.t("{value} is not a number. Write it as 1234.50 or {example}.", value=entered, example=self.amount("1234.50"))

    def no_day(self, entered: str) -> str:
        """That what was entered is not a day, and how one is written."""
        example = self.date("2026-03-31")
        return self.t("{value} is not a day. Write it as 2026-03-31 or {example}.", value=entered, example=example)

    def date(self, value: str | None) -> str:
        """A date in the reader's form."""
        return formats.day(self.language, value)

    def clock(self, value: str | None) -> str:
        """A time of day in the reader's form."""
        return formats.clock(self.language, value)

    def moment(self, value: str | None) -> str:
        """A day and a time of it in the reader's form."""
        return f"{self.date(value)} {self.clock(value)}" if value else ""

    def seconds(self, value: float) -> str:
        """Seconds in the reader's form."""
        return formats.seconds(self.language, value)

    def url(self, path: str, **parameters: object) -> str:
        """An address of the console."""
        return url(path, **parameters)

    def same(self, **changed: object) -> str:
        """This page's address with other parameters; None takes one away."""
        given = [(name, value) for name, value in self.request.query_params.multi_items() if name not in changed and value]
        query = urlencode([*given, *((name, str(value)) for name, value in changed.items() if value not in {None, ""})])
        return f"{self.request.url.path}?{query}" if query else self.request.url.path


def url(path: str, /, **parameters: object) -> str:
    """An address; parameters that are None or empty are left out."""
    query = urlencode({name.removesuffix("_"): str(value) for name, value in parameters.items() if value not in {None, ""}})
    return f"{path}?{query}" if query else path


def chosen(request: Request, name: str) -> str | None:
    """What the address says, else what was chosen before."""
    return request.query_params.get(name) if name in request.query_params else kept(request, name)


def kept(request: Request, name: str) -> str | None:
    """What was chosen before."""
    found = request.cookies.get(COOKIE + name)
    return None if found is None else unquote(found)


def language_of(request: Request) -> Language:
    """The reader's language: chosen, else the browser's."""
    found = chosen(request, "language")
    return Language(found) if found in set(Language) else negotiated(", ".join(request.headers.getlist("accept-language")))
