"""`/open`: open documents by how long they have been due, with the discount that can still be had."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_BAR: Final = 100
_PARTIES: Final = 50
"""So many parties are shown, the largest first: each leads to its documents, and the search finds the others."""
_FILTERS: Final = ("ledger", "party", "account", "currency", "kind")


async def view(reader: Reader) -> Row:
    """Aging per company and currency, and the documents by due date."""
    filters = {name: reader.parameter(name) for name in _FILTERS}
    by = "party" if reader.parameter("by") == "party" else "company"
    most = {"top": _PARTIES} if by == "party" else {}
    aging = await reader.ask(
        "/v1/aging", company=reader.company, ledger=filters["ledger"], party=filters["party"], by=by, as_of=reader.day, **most
    )
    if by == "party":
        aging["data"].sort(key=lambda row: -abs(Decimal(row["total"])))
    said = await reader.ask(
        "/v1/documents", company=reader.company, state="open", as_of=reader.day, cursor=reader.parameter("cursor"), limit=100, **filters
    )
    return {
        "title": reader.t("Open documents"),
        "buckets": aging["buckets"],
        "aging": [_with_bars(row, aging["buckets"]) for row in aging["data"]],
        "by": by,
        "left_out": aging["left_out"],
        "documents": said["data"],
        "next": said["next"],
        "filters": filters,
    }


def _with_bars(row: Row, buckets: list[str]) -> Row:
    """The row with its buckets as parts of a bar of 100: where each begins and how wide it is."""
    sizes = [abs(Decimal(row["amounts"][bucket])) for bucket in buckets]
    total = sum(sizes, Decimal(0)) or Decimal(1)
    bars, begin = [], Decimal(0)
    for place, size in enumerate(sizes):
        width = size * _BAR / total
        if width:
            bars.append({"bucket": place, "x": f"{begin:.2f}", "width": f"{width:.2f}"})
        begin += width
    return {**row, "bars": bars}
