"""Amounts, currencies and the one rounding of the rules.

Invariant: an amount is an exact fraction until `rounded` makes it a number of its currency's minor units, half up.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

ZERO = Fraction(0)

_NO_DIGITS = set(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE ROL TPE TRL".split()
)
_THREE_DIGITS = set("BHD IQD JOD KWD LYD OMR TND".split())
_FOUR_DIGITS = set("CLF UYW".split())
_TWO_DIGITS = set(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP
    CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT
    LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR
    RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES
    WST XCD XCG YER ZAR ZMW ZWG AFA ANG AON AOR ATS AZM BGL BGN CHC CSD CUC CYP DEM ECS ECV EEK FIM FRF GHC HRK IEP LTL LVL MRO MTL MZM
    NLG RUR SDD SIT SKK SLL SRG STD TJR TMM USS VEB VEF YUM ZMK ZWD ZWL ZWN ZWR""".split()
)
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


def is_currency(code: Any) -> bool:
    """Whether the contract knows the currency."""
    return code in _NO_DIGITS or code in _TWO_DIGITS or code in _THREE_DIGITS or code in _FOUR_DIGITS


def digits(currency: str) -> int:
    """How many minor digits the currency has."""
    if currency in _NO_DIGITS:
        return 0
    return 3 if currency in _THREE_DIGITS else 4 if currency in _FOUR_DIGITS else 2


def rounded(amount: Fraction, currency: str) -> Fraction:
    """The amount in whole minor units of its currency, half up (a negative amount like its positive)."""
    unit = 10 ** digits(currency)
    whole = (abs(amount) * unit * 2 + 1) // 2
    return Fraction(whole if amount >= 0 else -whole, unit)


def text(amount: Fraction, currency: str) -> str:
    """The amount as a decimal string with its currency's digits; there is no negative zero."""
    places = digits(currency)
    units = int(rounded(amount, currency) * 10**places)
    sign, whole = ("-", -units) if units < 0 else ("", units)
    if not places:
        return f"{sign}{whole}"
    return f"{sign}{whole // 10**places}.{whole % 10**places:0{places}d}"


def number(value: Any) -> Fraction | None:
    """A decimal string as a number; None if it is none."""
    return Fraction(value.strip()) if isinstance(value, str) and _NUMBER.match(value.strip()) else None


def decimals(value: str) -> int:
    """How many digits a decimal string has behind the point, zeros at the end aside."""
    return len(value.strip().partition(".")[2].rstrip("0"))
