"""What a cell says: an amount, a decimal, a date, a text; as written, or as a workbook holds it.

Invariant: a number of a workbook is the shortest decimal that it is, never what a float makes of it; a cell that could be read in two
ways is not read.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from shared.events.values import shown
from shared.money import fits, minor_digits

if TYPE_CHECKING:
    from services.files.imports.mapping import CellKind, TableMapping

MOST_DIGITS: Final = 28
MOST_CHARACTERS: Final = 5_000
"""Of a cell: no field takes more; what is longer would be repeated by a mapping as often as that names its column."""


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell of a workbook that has no value: why."""

    why: str


class CellError(Exception):
    """What is wrong with a cell."""


def read_cell(value: Any, kind: CellKind, mapping: TableMapping) -> str | None:
    """What a cell says, as an event has it; None: it is empty. CellError."""
    if isinstance(value, BadCell):
        raise CellError(value.why)
    if isinstance(value, str):
        value = value.strip()
        if len(value) > MOST_CHARACTERS:
            msg = f"has {len(value):,} characters: a cell may have {MOST_CHARACTERS:,}"
            raise CellError(msg)
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        msg = f"{str(value).upper()} is not a {kind}: it is a truth value"
        raise CellError(msg)
    match kind:
        case "date":
            return _date(value, mapping)
        case "amount" | "decimal":
            return format(_decimal(value, kind, mapping), "f")
        case _:
            return _text(value)


def _date(value: Any, mapping: TableMapping) -> str:
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            msg = f"{value:%Y-%m-%d %H:%M:%S} is not a date: it has a time of day"
            raise CellError(msg)
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    said = f"{shown(value)} is not a date: the mapping says {mapping.date}"
    if not isinstance(value, str) or len(value) != len(mapping.date):
        raise CellError(said)
    try:
        return dt.datetime.strptime(value, mapping.date_format).date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise CellError(said) from error


def _decimal(value: Any, kind: str, mapping: TableMapping) -> Decimal:
    if isinstance(value, int | float):
        found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not found.is_finite() or found.adjusted() >= MOST_DIGITS:
            msg = f"{shown(str(value))} is not an amount: it may have {MOST_DIGITS} digits"
            raise CellError(msg)
        return found
    point, apart = re.escape(mapping.decimal), re.escape(mapping.thousands or "")
    whole = rf"\d{{1,3}}({apart}\d{{3}})+|\d+" if apart else r"\d+"
    if not isinstance(value, str) or not re.fullmatch(rf"[-+]?({whole})({point}\d+)?", value, re.ASCII):
        example = f"1{mapping.thousands or ''}234{mapping.decimal}50"
        msg = f"{shown(value)} is not {'an amount' if kind == 'amount' else 'a decimal'}: the mapping has it written as {example}"
        raise CellError(msg)
    if sum(each.isdigit() for each in value) > MOST_DIGITS:
        msg = f"{shown(value)} has more than {MOST_DIGITS} digits"
        raise CellError(msg)
    plain = value.replace(mapping.thousands, "") if mapping.thousands else value
    return Decimal(plain.replace(mapping.decimal, "."))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime | dt.date):
        msg = "is a date where a text belongs: format the column as text"
        raise CellError(msg)
    msg = f"{value!r} is a number where a text belongs: format the column as text"
    raise CellError(msg)


def check_digits(amount: str, currency: str | None, cell: Any) -> None:
    """CellError if an amount has more decimals than its currency, with the amount as the cell has it.

    A currency that is none is refused elsewhere.
    """
    digits = None if currency is None else minor_digits(currency)
    if digits is not None and currency is not None and not fits(Decimal(amount), currency):
        msg = f"{shown(cell) if isinstance(cell, str) else amount} has more decimals than {currency}, which has {digits}"
        raise CellError(msg)
