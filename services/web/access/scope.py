"""What a reader sees of other companies' books: that a voucher is there, and what of it is owed between that company and his own.

Invariant: of a company outside of the scope no account, text or other amount is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.web.access.roles import Actor

Row = dict[str, Any]

_VOUCHER: Final = ("company", "voucher", "series", "number", "kind", "date")
_LINE: Final = ("posting_type", "partner", "currency", "debit", "credit")
_BETWEEN: Final = frozenset({"due_to", "due_from"})


def visible_voucher(row: Row, actor: Actor) -> Row:
    """A voucher as this reader sees it; what is hidden is null, a list without it."""
    if actor.sees(row["company"]):
        return row
    lines = [_hidden(line, _LINE) for line in row["lines"] if line["posting_type"] in _BETWEEN and actor.sees(line["partner"])]
    return {**_hidden(row, _VOUCHER), "lines": lines}


def _hidden(row: Row, shown: tuple[str, ...]) -> Row:
    return {name: value if name in shown else None for name, value in row.items()}
