"""The types of single fields of the event contract, each with its limits and with errors that say what would be right.

Invariant: an amount or rate comes as a decimal string in plain notation, within the limits of the contract, and is kept by
its value (no zeros at either end, no negative zero), so that what is the same number is the same value; ids are trimmed, 1
to 64 characters, without anything that does not show; no text holds control characters; a currency is one of the contract.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar, Final, Literal, NoReturn

import orjson
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.money import ZERO, minor_digits

ID_LENGTH: Final = 64
REFERENCE_LENGTH: Final = 140
TEXT_LENGTH: Final = 200
MOST_MARKS: Final = 10_000
MOST_LINES: Final = 10_000
MOST_CASH_DISCOUNTS: Final = 100
MOST_ENTRIES: Final = 10_000
LONGEST_CASH_DISCOUNT: Final = 36_500
LARGEST_MESSAGE: Final = 8 * 1024 * 1024
"""No event that is sent has more bytes."""
LARGEST_DIMENSIONS: Final = 8 * 1024
LARGEST_REPEATED: Final = 2 * 1024 * 1024
"""What the lines of one voucher say of dimensions and text, all in all: each of them says it whole."""
AMOUNT_DIGITS: Final = 18
RATE_DIGITS: Final = 28
MOST_DECIMALS: Final = 18
_SHOWN: Final = 80
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f"
_UNSEEN: Final = r"\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_PRINTABLE: Final = f"^[^{_CONTROLS}]*$"
_ID: Final = f"^[^{_CONTROLS}{_UNSEEN}]*$"
_NOT_IN_AN_ID: Final = re.compile(f"[{_CONTROLS}{_UNSEEN}]")
_DECIMAL: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_DECIMAL_PATTERN: Final = r"^-?[0-9]+(\.[0-9]+)?$"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SALES_PAYMENT_NUMBER: Final = re.compile(r".{1,64}-.{1,64}-.{1,64}-[1-9][0-9]{0,8}")
_SALES_PAYMENT_NUMBER_LENGTH: Final = 204
_VOUCHER_NUMBER: Final = re.compile(r"[A-Z]+(-[A-Z]+)*-([0-9]{6}|[1-9][0-9]{6,17})")
_SENDER: Final = re.compile(r"[A-Za-z0-9_-]{1,48}")

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
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def visible(text: str) -> str:
    """The text as people are shown it: two texts that differ look different, a no-break space and a decomposed letter too."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.is_normalized("NFC", text)
    return "".join(
        letter if letter.isprintable() and (composed or not unicodedata.combining(letter)) else _escaped(letter) for letter in text
    )


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def size_of_dimensions(dimensions: dict[str, str]) -> int:
    """The bytes of dimensions as JSON."""
    return len(orjson.dumps(dimensions)) if dimensions else 0


def refuse_value(problem: str) -> NoReturn:
    """Raises the error of a field that is outside its values; `problem` says what is wrong and what would be right."""
    error_type = "contract"
    raise PydanticCustomError(error_type, "{problem}", {"problem": problem})


def forbidden_character(text: str) -> str | None:
    """The first character that no id may have, by its code and name (`U+200B ZERO WIDTH SPACE`); None if there is none."""
    found = _NOT_IN_AN_ID.search(text)
    if found is None:
        return None
    letter = found.group()
    return f"U+{ord(letter):04X} {unicodedata.name(letter, 'control character')}"


def _parts(value: Any) -> tuple[str, str, str]:
    """Sign, digits before and digits after the point of a decimal string, without the zeros at either end."""
    if not isinstance(value, str):
        refuse_value(f'{shown(value)} is not a decimal string: write it in quotes, such as "100.00"')
    match = _DECIMAL.fullmatch(value)
    if match is None:
        refuse_value(f'{shown(value)} is not a decimal number: digits, and a point before the decimals, such as "100.00"')
    sign, whole, decimals = match.groups()
    return sign, whole.lstrip("0"), (decimals or "").rstrip("0")


def _number(sign: str, whole: str, decimals: str) -> Decimal:
    number = Decimal(f"{sign}{whole or 0}.{decimals}" if decimals else f"{sign}{whole or 0}")
    return number or number.copy_abs()


def _amount(value: Any) -> Decimal:
    sign, whole, decimals = _parts(value)
    if len(whole) > AMOUNT_DIGITS:
        refuse_value(f"{shown(value)} has {len(whole)} digits before the point: at most {AMOUNT_DIGITS} are allowed")
    if len(decimals) > MOST_DECIMALS:
        refuse_value(f"{shown(value)} has {len(decimals)} decimals: an amount has at most those of its currency")
    return _number(sign, whole, decimals)


def _rate(value: Any) -> Decimal:
    sign, whole, decimals = _parts(value)
    significant = len(whole + decimals) if whole else len(decimals.lstrip("0"))
    if significant > RATE_DIGITS:
        refuse_value(f"{shown(value)} has {significant} significant digits: at most {RATE_DIGITS} are allowed")
    if len(decimals) > MOST_DECIMALS:
        refuse_value(f"{shown(value)} has {len(decimals)} decimals: at most {MOST_DECIMALS} are allowed")
    number = _number(sign, whole, decimals)
    if number <= ZERO:
        refuse_value(f"{shown(value)} is not positive: it must be more than 0")
    return number


def _positive(value: Any, instead: str = "") -> Decimal:
    number = _amount(value)
    if number <= ZERO:
        refuse_value(f"{shown(value)} is not positive: it must be more than 0{instead if number else ''}")
    return number


def _not_negative(value: Any) -> Decimal:
    number = _amount(value)
    if number < ZERO:
        refuse_value(f"{shown(value)} is negative: it must be 0 or more")
    return number


def _not_zero(value: Any) -> Decimal:
    number = _amount(value)
    if not number:
        refuse_value(f"{shown(value)} is zero: an amount on either side is needed")
    return number


def _percent(value: Any) -> Decimal:
    number = _rate(value)
    if number > 100:  # noqa: PLR2004 - the whole
        refuse_value(f"{shown(value)} is more than 100 percent")
    return number


def _iso_date(value: Any) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    refuse_value(f'{shown(value)} is not a date: write it as "YYYY-MM-DD", such as "2026-01-31"')


def _currency(value: str) -> str:
    if minor_digits(value) is None:
        refuse_value(f"{shown(value)} is not an ISO 4217 currency with minor digits: write its code, such as EUR")
    return value


def _document_number(value: str) -> str:
    if len(value) > ID_LENGTH and not _SALES_PAYMENT_NUMBER.fullmatch(value):
        refuse_value(f"the id has {len(value)} characters: at most {ID_LENGTH} are allowed")
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _trimmed(longest: int, pattern: str, shortest: int = 0) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=shortest, max_length=longest, pattern=pattern)


def _described(validator: Callable[[Any], Decimal], description: str) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(validator), WithJsonSchema({"type": "string", "pattern": _DECIMAL_PATTERN, "description": description})


def _sender(value: str) -> str:
    if not _SENDER.fullmatch(value):
        refuse_value(f"{shown(value)} cannot name a topic: 1 to 48 letters A to Z, digits, hyphens and underscores are needed")
    return value


def _voucher_number(value: str) -> str:
    if not _VOUCHER_NUMBER.fullmatch(value):
        refuse_value(f"{shown(value)} is not the number of a voucher: write it as voucher.posted says it, such as AR-SET-000012")
    return value


Id = Annotated[str, _trimmed(ID_LENGTH, _ID, 1)]
"""A company, account, document or other id: trimmed, 1 to 64 characters."""

DocumentNumber = Annotated[str, _trimmed(_SALES_PAYMENT_NUMBER_LENGTH, _ID, 1), AfterValidator(_document_number)]
"""A document that is referred to: an id, or the number of a sales payment, which is composed of three ids and may be longer."""

SenderId = Annotated[str, AfterValidator(_sender), WithJsonSchema({"type": "string", "pattern": f"^{_SENDER.pattern}$"})]
"""A sender: its name is the last part of its topics' names."""

VoucherNumber = Annotated[
    str,
    _trimmed(ID_LENGTH, _ID, 1),
    AfterValidator(_voucher_number),
    WithJsonSchema({"type": "string", "pattern": f"^{_VOUCHER_NUMBER.pattern}$", "maxLength": ID_LENGTH}),
]
"""A voucher of ours by its number: series and count, as `voucher.posted` says them."""

Source = Annotated[str, _trimmed(512, _ID, 1)]
Text = Annotated[str, _trimmed(500, _PRINTABLE)]
ReferenceText = Annotated[str, _trimmed(REFERENCE_LENGTH, _PRINTABLE)]
"""The other side's own number of a document: the vendor's of an invoice, the bank's of a payment."""

LineText = Annotated[str, _trimmed(TEXT_LENGTH, _PRINTABLE)]
"""What the lines of a document's voucher say in place of the text that is made for them."""

Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]

_NEGATIVE_INVOICE: Final = ": what lowers the balance is sent as kind credit_note with a positive amount"
_NEGATIVE_PAYMENT: Final = ": money that is paid back is sent as an invoice event of kind refund with a positive amount"
_DIGITS: Final = "up to 18 digits before the point, after it at most those of the currency"
_RATE: Final = "positive, up to 28 significant digits and 18 decimals"
Amount = Annotated[Decimal, *_described(_positive, f"positive, {_DIGITS}")]
InvoiceAmount = Annotated[Decimal, *_described(partial(_positive, instead=_NEGATIVE_INVOICE), f"positive, {_DIGITS}")]
PaymentAmount = Annotated[Decimal, *_described(partial(_positive, instead=_NEGATIVE_PAYMENT), f"positive, {_DIGITS}")]
SignedAmount = Annotated[Decimal, *_described(_not_zero, f"not zero, {_DIGITS}")]
AmountOrZero = Annotated[Decimal, *_described(_not_negative, f"0 or more, {_DIGITS}")]
Rate = Annotated[Decimal, *_described(_rate, _RATE)]
Percent = Annotated[Decimal, *_described(_percent, f"{_RATE}, at most 100")]
IsoDate = Annotated[date, PlainValidator(_iso_date), WithJsonSchema({"type": "string", "format": "date"})]
Days = Annotated[int, Field(ge=0, le=LONGEST_CASH_DISCOUNT)]
Dimensions = Annotated[dict[Id, Text], Field(max_length=50)]
"""Financial dimensions: name to value."""

_ONE_OR_MORE: Final = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
OneOrMore = Annotated[list[Id], Field(max_length=MOST_ENTRIES), BeforeValidator(_as_list), WithJsonSchema(_ONE_OR_MORE, mode="validation")]
"""Several ids, or one that need not stand in a list; read, it is always a list."""
