"""Amounts, dates and spans of time in the reader's form.

Invariant: the digits are those of the amount as the books have it; nothing is rounded and nothing is computed.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import NumberFormatError, format_decimal, parse_decimal

from services.web.languages import Language

LOCALES: Final = {
    Language.ENGLISH: Locale("en", "GB"),
    Language.FRENCH: Locale("fr", "FR"),
    Language.DUTCH: Locale("nl", "NL"),
    Language.GERMAN: Locale("de", "DE"),
}
NAMES: Final = {Language.ENGLISH: "English", Language.FRENCH: "Français", Language.DUTCH: "Nederlands", Language.GERMAN: "Deutsch"}
_PLAIN: Final = re.compile(r"\d{1,30}(?:\.\d{1,12})?")
_SPACES: Final = re.compile(r"\s")
_PLACE: Final = re.compile(r"[0-9]{1,6}")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", re.ASCII)
_DAY_NAMED: Final = re.compile(r"([0-9]{1,2})\.? ([^\W\d_]+)\.? ([0-9]{4})")
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


@lru_cache(maxsize=65536)
def amount(language: Language, plain: str) -> str:
    """An amount of any currency in the reader's form: `1234.50` is 1,234.50, 1 234,50, 1.234,50; with a minus sign where negative."""
    digits = len(plain.partition(".")[2])
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(Decimal(plain), pattern, LOCALES[language]).replace("-", "\N{MINUS SIGN}")


def is_plain(text: str) -> bool:
    """Whether a text is an amount as the contract writes them: 1234.50."""
    return _PLAIN.fullmatch(text) is not None


def plain(language: Language, text: str) -> str:
    """An amount as it was entered, plain or in the reader's form, as a plain decimal; as it is where it is neither."""
    found = number(language, text)
    return text if found is None else found


def number(language: Language, text: str) -> str | None:
    """What was entered, plain or in the reader's form, with or without a minus sign, as a plain decimal.

    None where it is neither, or where it is both and each means another number: 1.234 of a German reader.
    """
    found = readings(language, text)
    return found[0] if len(found) == 1 else None


def readings(language: Language, text: str) -> list[str]:
    """The plain decimals that a text can mean: as it is where it is plain, and in the reader's form; none, one, or two that differ."""
    tight = _SPACES.sub("", text)
    sign = "-" if tight[:1] in {"-", "\N{MINUS SIGN}"} else ""
    tight = tight[len(sign) :]
    found = [tight] if is_plain(tight) else []
    try:
        form = format(parse_decimal(tight if "," in tight else text.strip()[len(sign) :], LOCALES[language], strict=True), "f")
    except NumberFormatError:
        form = ""
    if is_plain(form) and all(Decimal(form) != Decimal(each) for each in found):
        found.append(form)
    return [sign + each for each in found]


def digits_of(plain: str) -> int:
    """How many decimals an amount has."""
    return len(plain.partition(".")[2])


def is_zero(plain: str | None) -> bool:
    """Whether an amount is nothing, or is not there."""
    return plain is None or Decimal(plain) == 0


def day(language: Language, value: str | date | None) -> str:
    """A date: 12 Mar 2026, 12 mars 2026, 12 mrt 2026, 12.03.2026; empty for none."""
    if value is None:
        return ""
    found = value if isinstance(value, date) else date.fromisoformat(value[:10])
    return format_date(found, "medium", LOCALES[language])


def plain_day(language: Language, text: str) -> str | None:
    """A date as it was entered, ISO or in the reader's form (12.03.2026, 12 mars 2026), as ISO; None where it is none."""
    tight = " ".join(text.split())
    try:
        if (found := _DAY_FIRST.fullmatch(tight)) is not None:
            return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
        if (found := _DAY_NAMED.fullmatch(tight)) is not None:
            return date(int(found[3]), _months(language).get(found[2].lower(), 0), int(found[1])).isoformat()
        return date.fromisoformat(tight).isoformat()
    except ValueError:
        return None


@lru_cache
def _months(language: Language) -> dict[str, int]:
    """The months by their names in the reader's language, short and long."""
    names = LOCALES[language].months["format"]
    return {name.rstrip(".").lower(): month for width in ("abbreviated", "wide") for month, name in names[width].items()}


def place(text: str) -> int | None:
    """A place in a list that a text names: digits alone, six at most; None where it is none."""
    return int(text) if _PLACE.fullmatch(text) else None


def clock(language: Language, value: str | None) -> str:
    """A time of day, in UTC: 12:04:31; empty for none."""
    return "" if value is None else format_time(datetime.fromisoformat(value), "HH:mm:ss", locale=LOCALES[language])


def seconds(language: Language, value: float) -> str:
    """Seconds with one decimal."""
    return format_decimal(Decimal(str(value)), "#,##0.0", LOCALES[language])


def span(value: float) -> tuple[str, int]:
    """A span of seconds in the largest unit that it has whole: the unit (s, min, h, d) and how many."""
    for unit, length in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if value >= length:
            return unit, int(value // length)
    return "s", int(max(value, 0))
