"""What questions must answer, recomputed from the rows that messages say, without a database."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from services.inquiry.rules.projection import tables
from shared.events.envelope import Message
from shared.money import ZERO
from tests.builders.inquiry import folded

Row = dict[str, Any]
Key = tuple[str, str, str]

EVER = dt.date.max
NOW = dt.datetime.max.replace(tzinfo=dt.UTC)


class Books:
    """The tables that these messages fill, asked in Python."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.tables = tables(folded(messages))

    def dates(self) -> list[dt.date]:
        """All accounting dates, reversals' too."""
        reversals = {row["reversed_on"] for name in ("documents", "takes") for row in self.tables[name]} - {None}
        return sorted({row["date"] for name in ("documents", "takes", "vouchers") for row in self.tables[name]} | reversals)

    def times(self) -> list[dt.datetime]:
        """When vouchers were posted."""
        return sorted({row["posted_at"] for row in self.tables["vouchers"]})

    def open_then(self, on: dt.date = EVER, known_at: dt.datetime = NOW) -> dict[Key, tuple[Decimal, Decimal]]:
        """What was open of the documents that were there, in their currency and in accounting currency."""
        taken: dict[Key, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for take in self.tables["takes"]:
            if in_force(take, on, known_at):
                key = (take["ledger"], take["company"], take["document"])
                taken[key] = [taken[key][0] + take["amount"], taken[key][1] + take["value"]]
        found = {}
        for row in self.tables["documents"]:
            if row["date"] <= on and row["posted_at"] <= known_at:
                key = (row["ledger"], row["company"], row["document"])
                is_gone = row["reversed_on"] is not None and row["reversed_on"] <= on and row["reversed_at"] <= known_at
                amount, value = (ZERO, ZERO) if is_gone else (row["amount"], row["accounting_amount"])
                found[key] = (amount - taken[key][0], value - taken[key][1])
        return found

    def lines(self, on: dt.date = EVER, known_at: dt.datetime = NOW) -> list[Row]:
        """The lines of vouchers dated and posted by then, with the sums of both sides as `amount` and `accounting_amount`."""
        posted = {(row["company"], row["series"], row["number"]) for row in self.tables["vouchers"] if row["posted_at"] <= known_at}
        return [
            {
                **row,
                "amount": (row["debit"] or ZERO) - (row["credit"] or ZERO),
                "accounting_amount": (row["accounting_debit"] or ZERO) - (row["accounting_credit"] or ZERO),
            }
            for row in self.tables["lines"]
            if row["date"] <= on and (row["company"], row["series"], row["number"]) in posted
        ]


def in_force(take: Row, on: dt.date, known_at: dt.datetime) -> bool:
    """Whether a record had taken then, and was not reversed then."""
    if take["date"] > on or take["posted_at"] > known_at:
        return False
    return take["reversed_on"] is None or take["reversed_on"] > on or take["reversed_at"] > known_at


def summed(rows: Iterable[Row], *names: str, amount: str = "amount") -> dict[tuple[Any, ...], Decimal]:
    """What these rows add up to by these columns, where that is not zero."""
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[tuple(row[name] for name in names)] += Decimal(row[amount])
    return {key: value for key, value in sums.items() if value}
