"""`/open`: open documents by how long they have been due, with the discount that can still be had."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from services.files.signs import is_debit, signed

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_BAR: Final = 100
_PARTIES: Final = 50
"""So many parties are shown, the largest first: each leads to its documents, and the search finds the others."""
_UNAPPLIED: Final = "unapplied"
"""The bucket of payments and credit notes, which have no age."""
_FILTERS: Final = ("ledger", "party", "account", "currency", "kind")


async def view(reader: Reader) -> Row:
    """Aging per company and currency, and the documents by due date."""
    filters = {name: reader.parameter(name) for name in _FILTERS}
    by = "party" if reader.parameter("by") == "party" else "company"
    most = {"top": _PARTIES} if by == "party" else {}
    at = {"company": reader.company, "as_of": reader.day}
    aging, said = await asyncio.gather(
        reader.ask("/v1/aging", ledger=filters["ledger"], party=filters["party"], by=by, **at, **most),
        reader.ask("/v1/documents", state="open", cursor=reader.parameter("cursor"), limit=100, **at, **filters),
    )
    if by == "party":
        aging["data"].sort(key=lambda row: -abs(Decimal(row["total"])))
    return {
        "title": reader.t("Open documents"),
        "buckets": aging["buckets"],
        "aging": _with_bars(aging["data"], _ages(aging["buckets"])),
        "by": by,
        "left_out": aging["left_out"],
        "documents": [_signed(each) for each in said["data"]],
        "next": said["next"],
        "filters": filters,
    }


def _ages(buckets: list[str]) -> list[str]:
    """The buckets of what is due or will be; what is not applied yet has no age."""
    return [bucket for bucket in buckets if bucket != _UNAPPLIED]


def _with_bars(rows: list[Row], buckets: list[str]) -> list[Row]:
    """The rows with their ages as parts of a bar: where each begins and how wide it is, 100 for the largest row of its currency."""
    sizes = [[abs(Decimal(row["amounts"][bucket])) for bucket in buckets] for row in rows]
    largest: dict[str, Decimal] = {}
    for row, own in zip(rows, sizes, strict=True):
        largest[row["currency"]] = max(largest.get(row["currency"], Decimal(0)), sum(own, Decimal(0)))
    return [{**row, "bars": _bars(own, largest[row["currency"]])} for row, own in zip(rows, sizes, strict=True)]


def _bars(sizes: list[Decimal], largest: Decimal) -> list[Row]:
    bars, begin = [], Decimal(0)
    for place, size in enumerate(sizes):
        width = size * _BAR / (largest or Decimal(1))
        if width:
            bars.append({"bucket": place, "x": f"{begin:.2f}", "width": f"{width:.2f}"})
        begin += width
    return bars


def _signed(document: Row) -> Row:
    """The document with the sign of its balance at its amount."""
    return {**document, "amount": signed(document["amount"], is_debit=is_debit(document["ledger"], document["kind"]))}
