"""The types of single fields of the event contract, each with its limits and with errors that say what would be right.

Invariant: an amount or rate comes as a decimal string in plain notation and is finite, and keeps the digits it was
written with; ids are trimmed, 1 to 64 characters; no text holds control characters; a currency is an ISO 4217 code.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal, NoReturn

import orjson
from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.money import minor_digits

ID_LENGTH: Final = 64
MOST_MARKS: Final = 1000
MOST_LINES: Final = 1000
MOST_CASH_DISCOUNTS: Final = 100
MOST_ENTRIES: Final = 10_000
LONGEST_CASH_DISCOUNT: Final = 36_500
_SHOWN: Final = 80
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
_DECIMAL: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SALES_PAYMENT_NUMBER: Final = re.compile(r".{1,64}-.{1,64}-.{1,64}-[1-9][0-9]{0,8}")
_SALES_PAYMENT_NUMBER_LENGTH: Final = 204

Ledger = Literal["receivable", "payable"]
UseCashDiscount = Literal["normal", "always", "never"]


class Contract:
    """Base of everything that comes from outside: types are taken strictly and unknown fields are refused."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid")


def shown(value: Any) -> str:
    """A value as a message shows it: as JSON, without control characters, cut where it is long."""
    try:
        text = orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError:
        text = type(value).__name__
    return printable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def printable(text: str) -> str:
    """The text with everything that does not print escaped."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def refuse_value(problem: str) -> NoReturn:
    """Raises the error of a field that is outside its values; `problem` says what is wrong and what would be right."""
    error_type = "contract"
    raise PydanticCustomError(error_type, "{problem}", {"problem": problem})


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str):
        refuse_value(f'{shown(value)} is not a decimal string: write it in quotes, such as "100.00"')
    if not _DECIMAL.fullmatch(value):
        refuse_value(f'{shown(value)} is not a decimal number: at most 15 digits, a point and at most 10 digits, such as "100.00"')
    return Decimal(value)


def _positive(value: Any) -> Decimal:
    number = _decimal(value)
    if number <= 0:
        refuse_value(f"{shown(value)} is not positive: it must be more than 0")
    return number


def _not_negative(value: Any) -> Decimal:
    number = _decimal(value)
    if number < 0:
        refuse_value(f"{shown(value)} is negative: it must be 0 or more")
    return number


def _not_zero(value: Any) -> Decimal:
    number = _decimal(value)
    if number == 0:
        refuse_value(f"{shown(value)} is zero: an amount on either side is needed")
    return number


def _percent(value: Any) -> Decimal:
    number = _positive(value)
    if number > 100:  # noqa: PLR2004 - the whole
        refuse_value(f"{shown(value)} is more than 100 percent")
    return number


def _iso_date(value: Any) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    refuse_value(f'{shown(value)} is not a date: write it as "YYYY-MM-DD", such as "2026-01-31"')


def _currency(value: str) -> str:
    if minor_digits(value) is None:
        refuse_value(f"{shown(value)} is not an ISO 4217 currency with minor digits: write its code, such as EUR")
    return value


def _document_number(value: str) -> str:
    if len(value) > ID_LENGTH and not _SALES_PAYMENT_NUMBER.fullmatch(value):
        refuse_value(f"the id has {len(value)} characters: at most {ID_LENGTH} are allowed")
    return value


Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=ID_LENGTH, pattern=_PRINTABLE)]
"""A company, account, document or other id: trimmed, 1 to 64 characters."""

DocumentNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_SALES_PAYMENT_NUMBER_LENGTH, pattern=_PRINTABLE),
    AfterValidator(_document_number),
]
"""A document that is referred to: an id, or the number of a sales payment, which is composed of three ids and may be longer."""

Source = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=512, pattern=_PRINTABLE)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=_PRINTABLE)]
Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]

_DECIMAL_SCHEMA: Final = {"type": "string", "pattern": f"^{_DECIMAL.pattern}$"}
Amount = Annotated[Decimal, PlainValidator(_positive), WithJsonSchema({**_DECIMAL_SCHEMA, "description": "positive"})]
SignedAmount = Annotated[Decimal, PlainValidator(_not_zero), WithJsonSchema({**_DECIMAL_SCHEMA, "description": "not zero"})]
AmountOrZero = Annotated[Decimal, PlainValidator(_not_negative), WithJsonSchema({**_DECIMAL_SCHEMA, "description": "0 or more"})]
Rate = Annotated[Decimal, PlainValidator(_positive), WithJsonSchema({**_DECIMAL_SCHEMA, "description": "positive"})]
Percent = Annotated[Decimal, PlainValidator(_percent), WithJsonSchema({**_DECIMAL_SCHEMA, "description": "over 0, at most 100"})]
IsoDate = Annotated[date, PlainValidator(_iso_date), WithJsonSchema({"type": "string", "format": "date"})]
Days = Annotated[int, Field(ge=0, le=LONGEST_CASH_DISCOUNT)]
Dimensions = Annotated[dict[Id, Text], Field(max_length=50)]
"""Financial dimensions: name to value."""
