"""Money: amounts as Decimal in the minor digits of their currency, rounded half up, and exact conversion.

Invariant: no float; every rounding happens in this module; a rate is an exact fraction, so a chain of
conversions rounds only where the rules say so (rules.md, "Every step is rounded to its currency's minor digits").
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from iso4217 import Currency

ZERO: Final = Decimal(0)


@lru_cache(maxsize=512)
def minor_digits(currency: str) -> int | None:
    """Digits after the point of an ISO 4217 currency; None if there is no such currency (or it has no minor unit)."""
    try:
        return Currency(currency).exponent
    except ValueError:
        return None


@lru_cache(maxsize=512)
def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD."""
    digits = minor_digits(currency)
    if digits is None:
        msg = f"{currency!r} is not an ISO 4217 currency with minor digits"
        raise ValueError(msg)
    return Decimal(1).scaleb(-digits)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's minor digits, half up (C33)."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)


def rounded_fraction(amount: Fraction, currency: str) -> Decimal:
    """An exact fraction in the currency's minor digits, half up, away from zero on a tie (C33)."""
    unit = minor_unit(currency)
    scale = int(1 / unit)
    doubled = abs(amount) * scale * 2 + 1
    units = doubled.numerator // (doubled.denominator * 2)
    return (unit * (units if amount >= 0 else -units)).quantize(unit)


def share(amount: Decimal, part: Fraction, currency: str) -> Decimal:
    """`part` of an amount, in the currency's minor digits, half up."""
    if not part or not amount:
        return rounded(ZERO, currency)
    return rounded_fraction(Fraction(amount) * part, currency)


def rest_share(rest: Decimal, part: Fraction, currency: str) -> Decimal:
    """What `part` (below 1) of a whole is whose rest is given: rest / (1 - part) * part, in minor digits, half up (F-D06)."""
    if not part or not rest:
        return rounded(ZERO, currency)
    return rounded_fraction(Fraction(rest) / (1 - part) * part, currency)


def fits(amount: Decimal, currency: str) -> bool:
    """Whether an amount has at most the currency's minor digits, zeros at the end aside (events.md)."""
    return amount == rounded(amount, currency)
