"""The comparisons of the books as a reader of accounts says them: what has to hold, how much was compared, and when the next one is.

Invariant: pure; what the API calls something that has no words here yet is shown as the API has it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_PAGES: Final = {
    "inquiry": "what these pages show",
    "inquiry, while something is under way": "what these pages show, while something is under way",
}
_COMPARED: Final = re.compile(r"([0-9][0-9,]*) (.+?)(?:, ([0-9][0-9,]*) of them still under way)?")


def checked(reader: Reader, last: Row) -> Row:
    """The last comparison in the reader's words, what does not hold first."""
    rows = [{**each, "check": reader.t(each["check"]), "compared": compared(reader, each["compared"])} for each in last["checks"]]
    return {**last, "checks": sorted(rows, key=lambda each: bool(each["holds"]))}


def compared(reader: Reader, said: str) -> str:
    """How much was compared: `1200 documents` as the reader writes numbers and calls documents."""
    found = _COMPARED.fullmatch(said)
    if found is None:
        return reader.t(_PAGES.get(said, said))
    number, what, under_way = found.groups()
    whole = f"{reader.amount(number.replace(',', ''))} {reader.t(what)}"
    left = None if under_way is None else reader.t("{number} still under way", number=reader.amount(under_way.replace(",", "")))
    return whole if left is None else f"{whole}, {left}"
