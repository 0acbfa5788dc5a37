"""Entries of a work list by what is missing: how many events wait for the same thing, for how much, since when.

Invariant: amounts are added up per currency; a group has all entries of the list that it is made of, whatever the page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.desk.why.facts import Money
from services.desk.why.texts import Wording
from shared.money import ZERO
from shared.rows import money

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.desk.work_lists import WorkItem

Row = dict[str, Any]


@dataclass(slots=True)
class WorkGroup:
    """Entries that have the same key. `first`: the one that has waited longest."""

    first: WorkItem
    events: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)

    @property
    def since(self) -> dt.datetime:
        """Since when the oldest waits."""
        return self.first.since

    def add(self, item: WorkItem, *, with_amount: bool) -> None:
        """One more."""
        self.events += 1
        if item.since < self.first.since:
            self.first = item
        about = item.about
        if with_amount and about.amount is not None and about.currency is not None:
            self.amounts[about.currency] = self.amounts.get(about.currency, ZERO) + about.amount

    def amount_rows(self) -> list[Row]:
        """The sums, by currency."""
        return [{"currency": currency, "amount": money(amount, currency)} for currency, amount in sorted(self.amounts.items())]

    def in_words(self, language: str) -> list[str]:
        """The sums as the language writes them."""
        wording = Wording(language, codes=True)
        return [wording.money(Money(amount, currency), code=True) for currency, amount in sorted(self.amounts.items())]


async def grouped(
    items: AsyncIterator[WorkItem], key: Callable[[WorkItem], Hashable], has_amount: Callable[[WorkItem], bool]
) -> list[tuple[Any, WorkGroup]]:
    """The groups with their keys, that of the oldest entry first; `has_amount`: whether an entry's amount may be added up."""
    groups: dict[Any, WorkGroup] = {}
    async for item in items:
        group = groups.setdefault(key(item), WorkGroup(item))
        group.add(item, with_amount=has_amount(item))
    return sorted(groups.items(), key=lambda entry: (entry[1].since, str(entry[0])))
