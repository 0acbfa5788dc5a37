"""Numbers, dates and sentences in the reader's language.

Invariant: the four languages have the same texts with the same places in them (a test); an amount shows the minor digits of its
currency, and what others wrote shows what it is. Four languages need two separators and twelve month names each: no library of
all the world's is asked for that.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from services.desk.why.facts import Money
from shared.events.kinds import KINDS
from shared.events.values import visible
from shared.money import rounded

_TEXTS: Final = Path(__file__).with_name("texts")


_WITH_CODES: Final = frozenset({"value", "left", "limit", "received", "settled", "discount_before", "discount"})
"""Amounts in accounting currency: they always show it."""


_LONGEST_ID: Final = 20
_SHOWN_OF_ID: Final = 8
"""An id that a program made says nothing to a reader: its beginning is enough to know it again."""


class _Form(NamedTuple):
    """How a language writes numbers and dates."""

    thousands: str
    point: str
    months: tuple[str, ...]


_FORMS: Final = {
    "en": _Form(",", ".", ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")),
    "fr": _Form("\u202f", ",", ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")),
    "nl": _Form(".", ",", ("jan.", "feb.", "mrt.", "apr.", "mei", "jun.", "jul.", "aug.", "sep.", "okt.", "nov.", "dec.")),
    "de": _Form(".", ",", ("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez.")),
}


@cache
def texts(language: str) -> dict[str, str]:
    """The texts of a language, by key."""
    found: dict[str, str] = yaml.safe_load((_TEXTS / f"{language}.yaml").read_text(encoding="utf-8"))
    return found


class Wording:
    """What fills the places of a text, in one language; `codes`: amounts show their currency."""

    def __init__(self, language: str, *, codes: bool) -> None:
        self.language = language
        self._codes = codes
        self._form = _FORMS[language]

    def text(self, key: str, values: dict[str, Any]) -> str:
        """A text with its places filled."""
        own = texts(self.language)
        return own[key].format_map({name: self._word(name, value) for name, value in values.items()})

    def _word(self, name: str, value: Any) -> Any:
        if isinstance(value, Money):
            return self.money(value, code=self._codes or name in _WITH_CODES)
        if isinstance(value, Decimal):
            return self.number(value)
        if isinstance(value, dt.date):
            return self.date(value)
        if isinstance(value, tuple):
            return self._named(*value)
        return self._text_of(name, str(value))

    def _text_of(self, name: str, value: str) -> str:
        """A word: of the texts where they have it, a time in the language's form, an id no longer than is needed."""
        if name in {"option", "value"}:
            return texts(self.language).get(f"{name}_{value}", value)
        if name == "since":
            return self.moment(dt.datetime.fromisoformat(value))
        return visible(f"{value[:_SHOWN_OF_ID]}…" if name == "event" and len(value) > _LONGEST_ID else value)

    def _named(self, name: str, inner: Any) -> str:
        """A document by its kind and number, or a text in the text with its own parts."""
        if name == "rates":
            return ", ".join(self._word("", each) for each in inner)
        if name in KINDS:
            return str(getattr(KINDS[name].words, self.language)).format(visible(inner))
        return texts(self.language)[name].format(*(self._word("", part) for part in inner))

    def number(self, value: Decimal) -> str:
        """A number as it stands, in the language's form."""
        plain = f"{value:,f}"
        return plain.translate({ord(","): self._form.thousands, ord("."): self._form.point})

    def money(self, money: Money, *, code: bool) -> str:
        """An amount in its currency's minor digits, with its code where that is not plain."""
        number = self.number(rounded(money.amount, money.currency))
        return f"{number} {money.currency}" if code else number

    def moment(self, value: dt.datetime) -> str:
        """A time to the minute, in UTC."""
        time = value.astimezone(dt.UTC)
        return f"{self.date(time.date())} {time:%H:%M} UTC"

    def date(self, value: dt.date) -> str:
        """A date with the month in letters: no two languages read it differently."""
        day = f"{value.day}." if self.language == "de" else str(value.day)
        return f"{day} {self._form.months[value.month - 1]} {value.year}"
