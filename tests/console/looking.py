"""How tests look at a page: a tab of a reader with a language, a width and colours, which keeps what went wrong in it.

Invariant: whatever a page asks of another host is not sent, and is counted as wrong.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import Browser, Locator, Page, Route

Colours = Literal["light", "dark"]
PAGES: Final = (
    "/",
    "/search?q=VP",
    "/trace?event=VPAY-7",
    "/trace?event=VPAY-11",
    "/trace?event=VI-20",
    "/trace?event=VPAY-20",
    "/vouchers",
    "/voucher?company=FABE&voucher=AP-SET-000001",
    "/voucher?company=FABE&voucher=AP-SET-000001&why=3",
    "/voucher?company=FAB&voucher=AP-SET-000002&why=1",
    "/document?ledger=payable&company=FABE&document=VI-7",
    "/document?ledger=payable&company=FABE&document=VI-11",
    "/intercompany",
    "/intercompany/pair?company=FAB&partner=FABE",
    "/open?as_of=2026-03-31",
    "/open?as_of=2026-03-31&by=party",
    "/simulate",
    "/simulate?party=CONTOSO&date=2026-03-31&mark=FABE/VI-10&mark=FABE/VI-9&amount=500",
    "/simulate?party=CONTOSO&date=2026-03-31&mark=FABE/VI-11&mark=FAB/VPAY-11",
    "/imports",
    "/waiting",
    "/waiting/mend?for=account&key_company=FABE&key_ledger=payable&key_account=V-UNKNOWN",
    "/waiting/discard?source=scenario&event=VI-20",
    "/reverse?ledger=payable&settlement=VPAY-7&source=scenario",
    "/reverse?what=payment&ledger=payable&company=FAB&document=VPAY-11",
    "/refused/replay",
    "/refused",
    "/approvals",
    "/flow",
    "/checks",
    "/actions",
    "/accounts",
    "/account?company=FABE&account=accounts_payable&currency=USD",
    "/companies",
    "/rules",
    "/nowhere",
)
"""Every page, with something on it."""
LANGUAGES: Final = ("en", "fr", "nl", "de")
WIDTHS: Final = (390, 1280)
COLOURS: Final = ("light", "dark")
COMBINATIONS: Final[tuple[tuple[int, Colours], ...]] = ((1280, "light"), (1280, "dark"), (390, "dark"), (390, "light"))
"""Of widths and colours, so that in a ring each stands across from the one that differs in both."""
READERS: Final = dict(zip(LANGUAGES, COMBINATIONS, strict=True))
"""Four readers, by their language: each with a width and colours that no other has."""
LOOKED_INTO: Final = frozenset(LANGUAGES[::2])
"""Of which readers' pages accessibility is looked into: both widths and both colours, since what a page is made of is the same in all
languages.
"""
SERIOUS: Final = frozenset({"serious", "critical"})


def readers_shared_out() -> list[ParameterSet]:
    """The languages of `READERS`: those that are looked into in `make test`, the others in `make long`."""
    return [pytest.param(language, marks=() if language in LOOKED_INTO else pytest.mark.long) for language in READERS]


@dataclass
class Tab:
    """A tab, and what went wrong in it."""

    page: Page
    wrong: list[str] = field(default_factory=list)


@contextmanager
def tab(  # noqa: PLR0913 - what makes readers different
    browser: Browser,
    address: str,
    *,
    language: str = "en",
    width: int = 1280,
    height: int = 900,
    colours: str = "light",
    script: bool = True,
) -> Iterator[Tab]:
    """A tab of a reader who was not here before."""
    context = browser.new_context(
        base_url=address,
        locale=language,
        viewport={"width": width, "height": height},
        color_scheme=colours,  # type: ignore[arg-type] # one of two
        java_script_enabled=script,
    )
    found = Tab(context.new_page())
    host = urlsplit(address).netloc

    def let_through(route: Route) -> None:
        if urlsplit(route.request.url).netloc == host:
            route.continue_()
        else:
            found.wrong.append(f"asks another host: {route.request.url}")
            route.abort()

    context.route("**/*", let_through)
    found.page.on("console", lambda said: found.wrong.append(f"console: {said.text}") if said.type == "error" else None)
    found.page.on("pageerror", lambda error: found.wrong.append(f"script: {error}"))
    try:
        yield found
    finally:
        context.close()


def click(page: Page, what: str | Locator) -> None:
    """Clicks, and waits for the whole page that follows, if one does: what is read while it still comes in is half of it."""
    (page.locator(what).first if isinstance(what, str) else what).click()
    page.wait_for_load_state()


def violations(axe: Axe, page: Page) -> list[str]:
    """What of a page is not readable for everybody: serious and worse."""
    found = axe.run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in SERIOUS]
