"""Money: amounts as Decimal in the minor digits of their currency, rounded half up, and exact conversion.

Invariant: no float, no negative zero; every rounding happens in this module, in a context of its own, whatever that of the
caller is; a rate is an exact fraction, so a chain of conversions rounds only where the rules say so (rules.md, "Every step
is rounded to its currency's minor digits"). A currency that has been one stays one, with the digits it had.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

ZERO: Final = Decimal(0)

_CURRENCIES: Final = Path(__file__).with_name("currencies.txt")
_CONTEXT: Final = Context(prec=60, rounding=ROUND_HALF_UP)
"""More digits than an amount times a rate of the contract can have (events.md, "Limits")."""


def _listed() -> dict[str, int]:
    """The digits of every currency of the contract."""
    lines = (line.partition(":") for line in _CURRENCIES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return {code: int(digits) for digits, _, codes in lines for code in codes.split()}


CURRENCIES: Final = _listed()
"""The digits after the point of each currency of the contract: those of ISO 4217 and those withdrawn since 2000."""


def minor_digits(currency: str) -> int | None:
    """Digits after the point of a currency of the contract; None if it is not one (or has no minor unit)."""
    return CURRENCIES.get(currency)


_UNITS: Final = {currency: Decimal((0, (1,), -digits)) for currency, digits in CURRENCIES.items()}


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD."""
    unit = _UNITS.get(currency)
    if unit is None:
        msg = f"{currency!r} is not an ISO 4217 currency with minor digits"
        raise ValueError(msg)
    return unit


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's minor digits, half up (C33)."""
    result = amount.quantize(minor_unit(currency), None, _CONTEXT)  # by position: half the time of a call with names
    return result or result.copy_abs()


def rounded_fraction(amount: Fraction, currency: str) -> Decimal:
    """An exact fraction in the currency's minor digits, half up, away from zero on a tie (C33)."""
    return _rounded_quotient(amount.numerator, amount.denominator, currency)


def _rounded_quotient(numerator: int, denominator: int, currency: str) -> Decimal:
    """In whole numbers: arithmetic of fractions reduces each result to its lowest terms, which nobody asks for here."""
    unit = minor_unit(currency)
    units = (abs(numerator) * 10 ** CURRENCIES[currency] * 2 + denominator) // (denominator * 2)
    return _CONTEXT.multiply(units if numerator >= 0 else -units, unit)


def exact(rate: Fraction) -> Decimal | None:
    """A fraction as the decimal that it is exactly; None where no decimal is."""
    rest, digits = rate.denominator, 0
    for factor in (2, 5):
        times = 0
        while rest % factor == 0:
            rest, times = rest // factor, times + 1
        digits = max(digits, times)
    return Decimal(rate.numerator * 10**digits // rate.denominator).scaleb(-digits, context=_CONTEXT) if rest == 1 else None


def share(amount: Decimal, part: Fraction, currency: str) -> Decimal:
    """`part` of an amount, in the currency's minor digits, half up."""
    if not part or not amount:
        return rounded(ZERO, currency)
    numerator, denominator = amount.as_integer_ratio()
    return _rounded_quotient(numerator * part.numerator, denominator * part.denominator, currency)


def at_rate(amount: Decimal, rate: Decimal, currency: str, *, inverse: bool = False) -> Decimal:
    """An amount at a rate, or at exactly 1 / rate, in the minor digits of the currency that it is then in, half up."""
    if not amount:
        return rounded(ZERO, currency)
    (numerator, denominator), (of_rate, per) = amount.as_integer_ratio(), rate.as_integer_ratio()
    if inverse:
        of_rate, per = per, of_rate
    return _rounded_quotient(numerator * of_rate, denominator * per, currency)


def rest_share(rest: Decimal, part: Fraction, currency: str) -> Decimal:
    """What `part` (below 1) of a whole is whose rest is given: rest / (1 - part) * part, in minor digits, half up (F-D06)."""
    if not part or not rest:
        return rounded(ZERO, currency)
    return rounded_fraction(Fraction(rest) / (1 - part) * part, currency)


def fits(amount: Decimal, currency: str) -> bool:
    """Whether an amount has at most the currency's minor digits, zeros at the end aside (events.md)."""
    return amount == rounded(amount, currency)
