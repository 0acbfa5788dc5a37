"""`/intercompany` and `/intercompany/pair`: what the companies owe each other, and both sides of a pair row by row."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.web.console.formats import is_zero

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.web.console.reader import Reader

Row = dict[str, Any]


async def view(reader: Reader) -> Row:
    """The matrix at the reader's day, a table for each currency; the pairs that differ come first."""
    said = await reader.ask("/v1/intercompany", as_of=reader.day, company=reader.company, currency=reader.parameter("currency"))
    differing = [cell for cell in said["data"] if not cell["mirrored"]]
    return {"title": reader.t("Intercompany balances"), "matrices": matrices(said["data"]), "cells": said["data"], "differing": differing}


async def pair(reader: Reader) -> Row:
    """Both companies' lines towards each other, joined by settlement."""
    company, partner = reader.parameter("company"), reader.parameter("partner")
    said = await reader.ask(
        "/v1/intercompany/pair",
        company=company,
        partner=partner,
        currency=reader.parameter("currency"),
        as_of=reader.day,
        cursor=reader.parameter("cursor"),
        limit=100,
    )
    only = reader.parameter("only") == "differences"
    rows = [row for row in said["data"] if not only or not is_zero(row["difference"])]
    return {
        "title": f"{company} \N{EN DASH} {partner}",
        "company": company,
        "partner": partner,
        "rows": [_with_signs(row) for row in rows],
        "only": only,
        "next": said["next"],
        "sums": _pair_sums(said["data"]),
    }


def matrices(cells: Iterable[Row]) -> list[Row]:
    """A matrix for each currency: who has what towards whom, and the sum of each company."""
    of_currency: dict[str, list[Row]] = {}
    for cell in cells:
        of_currency.setdefault(cell["currency"], []).append(cell)
    return [_matrix(currency, found) for currency, found in sorted(of_currency.items())]


def _matrix(currency: str, cells: list[Row]) -> Row:
    names = sorted({cell["company"] for cell in cells} | {cell["partner"] for cell in cells})
    found = {(cell["company"], cell["partner"]): cell for cell in cells}
    rows = []
    for name in names:
        own = [found.get((name, partner)) for partner in names]
        total = sum((Decimal(cell["net"]) for cell in own if cell is not None), Decimal(0))
        rows.append({"company": name, "cells": own, "total": str(total)})
    return {"currency": currency, "companies": names, "rows": rows, "mirrored": all(cell["mirrored"] for cell in cells)}


def _with_signs(row: Row) -> Row:
    """The row with what each side has: due from positive, due to negative, so that both sides of what agrees add up to nothing."""
    return {**row, **{side: row[side] and {**row[side], **_nets(row[side])} for side in ("company", "partner")}}


def _nets(side: Row) -> Row:
    """What a side has, in the row's currency and, as far as it is shown, in its own accounting currency."""
    due_from, due_to = side.get("accounting_due_from"), side.get("accounting_due_to")
    accounting = None if due_from is None or due_to is None else str(Decimal(due_from) - Decimal(due_to))
    return {"net": str(_net(side)), "accounting_net": accounting}


def _net(side: Row) -> Decimal:
    return Decimal(side["due_from"]) - Decimal(side["due_to"])


def _pair_sums(rows: list[Row]) -> list[Row]:
    """Per currency what each side says on this page, and what differs."""
    sums: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        found = sums.setdefault(row["currency"], {"company": Decimal(0), "partner": Decimal(0), "difference": Decimal(0)})
        for side in ("company", "partner"):
            if row[side] is not None:
                found[side] += _net(row[side])
        found["difference"] += Decimal(row["difference"])
    return [{"currency": key, **{name: str(value) for name, value in found.items()}} for key, found in sums.items()]
