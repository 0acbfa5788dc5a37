"""`/document`: what a document was, what was taken from it and what is left."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.web.console.reader import Reader


async def view(reader: Reader) -> dict[str, Any]:
    """The document as of the reader's day, with the balance after each thing that was taken from it."""
    names = {name: reader.parameter(name) for name in ("ledger", "company", "document")}
    found = (await reader.ask("/v1/document", **names, as_of=reader.day))["data"]
    return {"title": f"{found['company']} {found['document']}", "document": found, "takes": _with_balance(found)}


def _with_balance(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What was taken in its order, with what was left after it; what was reversed since takes nothing."""
    left, rows = Decimal(document["amount"]), []
    for take in document["takes"]:
        if take["reversed_on"] is None:
            left -= Decimal(take["amount"])
        rows.append({**take, "left": str(left)})
    return rows
