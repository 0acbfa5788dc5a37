"""Amounts, currencies and the one rounding of the rules.

Invariant: an amount is an exact fraction until `rounded` makes it a number of its currency's minor units, half up.
"""

import re
from fractions import Fraction
from typing import Any

ZERO = Fraction(0)

_CODES = {  # minor digits -> currencies, the withdrawn ones too
    0: "BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPFADPBEFBYBBYRESPGRDITLLUFMGFPTEROLTPETRL",
    2: "AEDAFNALLAMDAOAARSAUDAWGAZNBAMBBDBDTBMDBNDBOBBOVBRLBSDBTNBWPBYNBZDCADCDFCHECHFCHWCNYCOPCOUCRCCUPCVECZKDKKDOPDZDEGPERNETBEURFJDFKP"
    "GBPGELGHSGIPGMDGTQGYDHKDHNLHTGHUFIDRILSINRIRRJMDKESKGSKHRKPWKYDKZTLAKLBPLKRLRDLSLMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMXVMYRMZNNADNGN"
    "NIONOKNPRNZDPABPENPGKPHPPKRPLNQARRONRSDRUBSARSBDSCRSDGSEKSGDSHPSLESOSSRDSSPSTNSVCSYPSZLTHBTJSTMTTOPTRYTTDTWDTZSUAHUSDUSNUYUUZSVEDVES"
    "WSTXCDXCGYERZARZMWZWGAFAANGAONAORATSAZMBGLBGNCHCCSDCUCCYPDEMECSECVEEKFIMFRFGHCHRKIEPLTLLVLMROMTLMZMNLGRURSDDSITSKKSLLSRGSTDTJRTMMUSS"
    "VEBVEFYUMZMKZWDZWLZWNZWR",
    3: "BHDIQDJODKWDLYDOMRTND",
    4: "CLFUYW",
}
DIGITS = {codes[place : place + 3]: digits for digits, codes in _CODES.items() for place in range(0, len(codes), 3)}
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


def rounded(amount: Fraction, currency: str) -> Fraction:
    """The amount in whole minor units of its currency, half up (a negative amount like its positive)."""
    unit = 10 ** DIGITS[currency]
    whole = (abs(amount) * unit * 2 + 1) // 2
    return Fraction(whole if amount >= 0 else -whole, unit)


def text(amount: Fraction, currency: str) -> str:
    """The amount as a decimal string with its currency's digits; there is no negative zero."""
    digits, units = DIGITS[currency], int(rounded(amount, currency) * 10 ** DIGITS[currency])
    whole, point = divmod(abs(units), 10**digits)
    return f"{'-' if units < 0 else ''}{whole}" + (f".{point:0{digits}d}" if digits else "")


def number(value: Any) -> Fraction | None:
    """A decimal string as a number; None if it is none."""
    return Fraction(value.strip()) if isinstance(value, str) and _NUMBER.match(value.strip()) else None


def decimals(value: str) -> int:
    """How many digits a decimal string has behind the point, zeros at the end aside."""
    return len(value.strip().partition(".")[2].rstrip("0"))
