"""What pages show of scenarios: a line `{{ vouchers ic-4 company=FABE kind=settlement why }}` becomes the tables themselves.

Invariant: a directive that shows nothing is an error; no page says that there is something where there is nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deploy.site import tables
from deploy.site.outcomes import outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.site.outcomes import Outcome

LINE: Final = re.compile(r"^\{\{ (?P<what>[a-z]+) (?P<name>\S+)(?P<more>(?: \S+)*) \}\}$", re.MULTILINE)
FILTERS: Final = frozenset({"company", "kind", "document", "ledger", "voucher"})
_PARTS: Final[dict[str, Callable[[Outcome], str]]] = {
    "parameters": tables.parameters,
    "events": tables.events,
    "settlements": tables.settlements,
    "open": tables.open_documents,
    "rejected": tables.rejected,
    "waiting": tables.waiting,
}


class DirectiveError(Exception):
    """A directive that cannot be followed; its text is in the message."""


def expanded(markdown: str) -> str:
    """The text with its directives followed; DirectiveError, OSError where the scenario is not there."""
    return LINE.sub(_of, markdown)


def scenarios_of(markdown: str) -> list[str]:
    """The scenarios that a page's directives name, in their order."""
    return list(dict.fromkeys(match["name"] for match in LINE.finditer(markdown)))


def _of(match: re.Match[str]) -> str:
    found = outcome(match["name"])
    more = match["more"].split()
    shown = _vouchers(found, more, match[0]) if match["what"] == "vouchers" else _part(found, match)
    caption = f'<p class="example-title"><a href="SCENARIO:{found.name}">{found.name}</a></p>'
    return f'<div class="example">\n{caption}\n{shown}\n</div>\n'.replace("\n\n", "\n")


def _part(found: Outcome, match: re.Match[str]) -> str:
    draw = _PARTS.get(match["what"])
    shown = draw(found) if draw is not None and not match["more"] else ""
    if "<td" not in shown:
        msg = f"{match[0]} shows nothing"
        raise DirectiveError(msg)
    return shown


def _vouchers(found: Outcome, more: list[str], text: str) -> str:
    pairs = [each.partition("=") for each in more if each != "why"]
    wanted = {name: value for name, _, value in pairs}
    rows = [row for row in found.result.vouchers if all(row[name] == value for name, value in wanted.items() if name in FILTERS)]
    if not rows or not wanted.keys() <= FILTERS:
        msg = f"{text} shows nothing"
        raise DirectiveError(msg)
    return "\n".join(tables.voucher(row, why="why" in more, names=found.result.companies) for row in rows)
