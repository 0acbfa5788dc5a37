"""`/document`: what a document was, what was taken from it and what is left. Debit positive, as on every page."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from services.files.signs import is_debit, signed

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_SIGNED: Final = ("amount", "open", "open_accounting")
_PARTS: Final = ("paid", "cash_discount", "credit_note_discount", "difference")


async def view(reader: Reader) -> Row:
    """The document as of the reader's day, with the balance after each thing that was taken from it, or given back."""
    names = {name: reader.parameter(name) for name in ("ledger", "company", "document")}
    found = (await reader.ask("/v1/document", **names, as_of=reader.day))["data"]
    debits = is_debit(found["ledger"], found["kind"])
    shown = {**found, **{name: signed(found[name], is_debit=debits) for name in _SIGNED}}
    return {"title": f"{found['company']} {found['document']}", "document": shown, "takes": history(found, is_debit=debits)}


def history(document: Row, *, is_debit: bool) -> list[Row]:
    """What was taken and what was given back, each on its day, with what was open after it; takes lower, so theirs is the other sign.

    What was reversed has a row of its own on the day of the reversal: between the two it was settled.
    """
    rows = []
    for place, take in enumerate(document["takes"]):
        rows.append(((take["date"], 0, place), {**take, "is_reversal": False, **_amounts(take, is_debit=not is_debit)}))
        if take["reversed_on"] is not None:
            back = {**take, "date": take["reversed_on"], "is_reversal": True, **_amounts(take, is_debit=is_debit)}
            rows.append(((take["reversed_on"], 1, place), back))
    left, found = Decimal(signed(document["amount"], is_debit=is_debit)), []
    for _, row in sorted(rows, key=lambda each: each[0]):
        left += Decimal(row["amount"])
        found.append({**row, "left": str(left)})
    return found


def _amounts(take: Row, *, is_debit: bool) -> Row:
    """The amount with its sign, and what it is made of where that is more than what was paid."""
    parts = [(name, signed(take[name], is_debit=is_debit)) for name in _PARTS if Decimal(take[name])]
    says_more = any(name != "paid" for name, _ in parts)
    return {"amount": signed(take["amount"], is_debit=is_debit), "parts": parts if says_more else []}
