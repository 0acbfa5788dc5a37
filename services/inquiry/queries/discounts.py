"""The cash discount that is still to be had on an open document: how much would be taken if it were paid now, and until when.

Rules F-D02 (the first tier whose date is not passed), F-D14 (a percentage of the amount without sales tax, unless the parameters say
gross), step 4 (a share of what is open). What the settlement service takes may differ where a mark says so (never, always, an
amount), or where less than all is paid.

Invariant: of a document that a full payment of that day would close with a discount, it is that discount (a test compares the two).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from shared.money import ZERO, share

SALES_TAX: Final = "sales_tax"
_WHOLE: Final = Fraction(1)


class DiscountToBeHad(NamedTuple):
    """`amount` in the document's currency; `until`: the last day of its tier, inclusive, None: no limit of time."""

    amount: Decimal
    until: dt.date | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides: tiers in the order of the event, as JSON; `date` and `amount` of the document; `net`: its amount without sales tax."""

    tiers: list[dict[str, Any]]
    date: dt.date
    amount: Decimal
    net: Decimal
    currency: str


def still_to_be_had(terms: Terms, left: Decimal, on: dt.date) -> DiscountToBeHad | None:
    """The discount on what is left, paid on that day; None: no tier is reached, or nothing is left."""
    for tier in terms.tiers:
        last = _last_date(terms, tier)
        if last is None or on <= last:
            amount = share(left, _part(terms, tier), terms.currency)
            return DiscountToBeHad(amount, last) if amount else None
    return None


def _last_date(terms: Terms, tier: dict[str, Any]) -> dt.date | None:
    if tier.get("until") is not None:
        return dt.date.fromisoformat(tier["until"])
    days = tier.get("days")
    return None if days is None or days > (dt.date.max - terms.date).days else terms.date + dt.timedelta(days=days)


def _part(terms: Terms, tier: dict[str, Any]) -> Fraction:
    if tier.get("percent") is not None:
        part = Fraction(tier["percent"]) / 100 * Fraction(terms.net) / Fraction(terms.amount)
    else:
        part = Fraction(tier.get("amount") or ZERO) / Fraction(terms.amount)
    return max(Fraction(0), min(part, _WHOLE))
