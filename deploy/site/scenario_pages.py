"""A page for each scenario that another page leads to: its events, every voucher with why its lines are there, and what is left.

Invariant: a page is what `intercompany simulate` prints of the same file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.site import tables
from deploy.site.outcomes import ROOT, file_of, outcome
from deploy.site.rule_pages import what_came_of_it

if TYPE_CHECKING:
    from deploy.site.outcomes import Outcome


def path_of(name: str) -> str:
    """The page of a scenario under docs/."""
    return f"scenarios/{name}.md"


def page(name: str) -> str:
    """The page of a scenario."""
    found = outcome(name)
    result = found.result
    path = file_of(name).relative_to(ROOT).as_posix()
    text = file_of(name).read_text(encoding="utf-8").rstrip("\n")
    vouchers = "\n".join(tables.voucher(row, names=result.companies) for row in result.vouchers)
    parts = [
        f"---\ntitle: {name}\nsearch:\n  exclude: true\n---\n",
        f"# {_title(found)}\n",
        f"`{name}`: `intercompany simulate {path}` prints the same.\n",
        f"## Events\n\n{tables.events(found)}\n",
        f"## Vouchers\n\n{vouchers}\n" if vouchers else "",
        "## What came of it\n\n" + "\n".join(what_came_of_it(found)) + "\n",
        f"## The file\n\n````text\n{text}\n````\n",
    ]
    return "\n".join(parts)


def _title(found: Outcome) -> str:
    return found.scenario.title.replace("<", "&lt;")
