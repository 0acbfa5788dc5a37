"""The JSON Schemas of single values as they are published: each type of values.py under a name, with all that its reader asks for.

Invariant: what one of these schemas takes, the reader takes (a test generates values of each); patterns use neither lookahead nor
classes that differ between languages, so that validators in any language know them. Where a reader takes more than a pattern can
say in reason (28 significant digits of a rate, blanks around an id), the schema is the narrower one.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from shared.events import reference, values
from shared.events.kinds import DOCUMENT_KINDS, KINDS
from shared.money import CURRENCIES

Schema = dict[str, Any]

_CONTROLS: Final = r"\u0000-\u001f\u007f-\u009f"
_UNSEEN: Final = r"\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_BLANK: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_OF_AN_ID: Final = f"[^{_CONTROLS}{_UNSEEN}]"
_FIRST: Final = f"[^{_CONTROLS}{_UNSEEN}{_BLANK}]"
_ID: Final = f"^{_OF_AN_ID}*{_FIRST}{_OF_AN_ID}*$"
_PART: Final = f"{_FIRST}{_OF_AN_ID}{{0,{values.ID_LENGTH - 1}}}"
_SALES_PAYMENT: Final = f"^{_PART}-{_PART}-{_PART}-[1-9][0-9]{{0,8}}$"
_PRINTABLE: Final = f"^[^{_CONTROLS}]*$"
_BELOW_ONE: Final = rf"0+\.[0-9]{{0,{values.MOST_DECIMALS - 1}}}[1-9]0*"
_DECIMALS: Final = rf"(\.[0-9]{{1,{values.MOST_DECIMALS}}}0*)?"
_AMOUNT: Final = f"0*[1-9][0-9]{{0,{values.AMOUNT_DIGITS - 1}}}{_DECIMALS}|{_BELOW_ONE}"
_WHOLE: Final = values.RATE_DIGITS - values.MOST_DECIMALS
_RATE: Final = rf"0*[1-9][0-9]{{0,{_WHOLE - 1}}}{_DECIMALS}|0*[1-9][0-9]{{0,{values.RATE_DIGITS - 1}}}(\.0+)?|{_BELOW_ONE}"
_YEAR: Final = "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"

DATE: Final = {"type": "string", "format": "date", "pattern": f"^{_YEAR}-[0-9]{{2}}-[0-9]{{2}}$"}
DECIMAL: Final = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
"""An amount or rate as it goes out."""

_DIGITS: Final = f"up to {values.AMOUNT_DIGITS} digits before the point, after it at most those of the currency"
_RATE_DIGITS: Final = f"positive, up to {values.RATE_DIGITS} significant digits and {values.MOST_DECIMALS} decimals"


def _text(longest: int, pattern: str, shortest: int = 0) -> Schema:
    length = {"minLength": shortest} if shortest else {}
    return {"type": "string", **length, "maxLength": longest, "pattern": pattern}


def _decimal(pattern: str, limits: str) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$", "description": f"A decimal string: {limits}."}


def _ordering(attribute: str) -> tuple[str, Schema]:
    return attribute, {"enum": ["ascending", "descending"], "description": f"Settle by {attribute.replace('_', ' ')}, in this direction."}


_ONE_ID: Final = _text(values.ID_LENGTH, _ID, 1)
_PRIORITY: Final = {
    "type": "object",
    "description": "One attribute to settle by, and its direction or, of kinds, their order.",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        **dict(map(_ordering, ("transaction_date", "due_date", "transaction_amount", "cash_discount_date", "voucher"))),
        "transaction_type": {
            "type": "array",
            "minItems": 1,
            "items": {"enum": list(DOCUMENT_KINDS)},
            "description": "Settle by kind, in this order.",
        },
    },
}

_PUBLISHED: Final[dict[str, tuple[Any, Schema]]] = {
    "Id": (
        values.Id,
        {**_ONE_ID, "description": f"1 to {values.ID_LENGTH} characters, all of which show; blanks around it do not count."},
    ),
    "DocumentNumber": (
        values.DocumentNumber,
        {
            "anyOf": [_ONE_ID, _text(values.ID_LENGTH * 3 + 12, _SALES_PAYMENT)],
            "description": "A document: an id, or the longer number of a sales payment, JOURNAL-COMPANY-DOCUMENT-COUNT.",
        },
    ),
    "SenderName": (values.SenderId, {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,48}$", "description": "The name of a sender."}),
    "Source": (values.Source, {**_text(512, _ID, 1), "description": "The CloudEvents source of events."}),
    "Text": (values.Text, {**_text(500, _PRINTABLE), "description": "Text on one line."}),
    "ReferenceText": (values.ReferenceText, {**_text(values.REFERENCE_LENGTH, _PRINTABLE), "description": "Text on one line."}),
    "LineText": (values.LineText, {**_text(values.TEXT_LENGTH, _PRINTABLE), "description": "Text on one line."}),
    "Currency": (values.Currency, {"type": "string", "enum": sorted(CURRENCIES), "description": "An ISO 4217 code, withdrawn ones too."}),
    "PositiveAmount": (values.Amount, _decimal(_AMOUNT, f"positive, {_DIGITS}")),
    "AmountOnEitherSide": (values.SignedAmount, _decimal(f"-?({_AMOUNT})", f"not zero, {_DIGITS}")),
    "AmountOrZero": (values.AmountOrZero, _decimal(rf"{_AMOUNT}|0+(\.0+)?", f"0 or more, {_DIGITS}")),
    "Rate": (values.Rate, _decimal(_RATE, _RATE_DIGITS)),
    "Percent": (values.Percent, _decimal(rf"0*100(\.0+)?|0*[1-9][0-9]?{_DECIMALS}|{_BELOW_ONE}", f"{_RATE_DIGITS}, at most 100")),
    "Date": (values.IsoDate, {**DATE, "description": "An ISO 8601 date."}),
    "SettlementPriority": (reference.Priority, _PRIORITY),
    "OneOrMoreIds": (
        values.OneOrMore,
        {
            "anyOf": [{"$ref": "#/$defs/Id"}, {"type": "array", "maxItems": values.MOST_ENTRIES, "items": {"$ref": "#/$defs/Id"}}],
            "description": "Several ids, or one that need not stand in a list.",
        },
    ),
}

INBOUND_VALUES: Final[dict[str, Schema]] = {name: published for name, (_, published) in _PUBLISHED.items()}
"""The published schema of each type of value that comes in, by its name."""

NAMES: Final[list[tuple[Schema, str]]] = [(TypeAdapter(type_).json_schema(), name) for name, (type_, _) in _PUBLISHED.items()]
"""The schema by which the classes describe a type of value, and the name under which it is published."""

READERS: Final = {name: TypeAdapter(type_) for name, (type_, _) in _PUBLISHED.items()}
"""What reads each type of value."""

OUTBOUND_BY_NAME: Final[dict[str, Schema]] = {
    "ledger": {"enum": ["receivable", "payable"]},
    "kind": {"enum": list(KINDS)},
    "scope": {"enum": ["event", "settlement"]},
    "currency": {"pattern": "^[A-Z]{3}$"},
    "accounting_currency": {"pattern": "^[A-Z]{3}$"},
}
"""What a field of our own events may be, by its name."""

OPEN_BY_NAME: Final[dict[str, tuple[str, ...]]] = {
    "code": (
        *("malformed", "unknown-type", "conflicting-duplicate", "invalid", "not-authorised", "document-exists", "amounts-disagree"),
        *("not-a-member", "other-party", "marked-elsewhere", "document-closed", "over-settled", "same-side", "date-too-early"),
        *("not-settled", "already-reversed", "still-settled", "not-created", "discarded"),
    ),
    "posting_type": (
        *("accounts_receivable", "accounts_payable", "cash", "sales", "sales_tax", "sales_returns", "expense", "purchase_returns"),
        *("interest_income", "interest_expense", "fee_income", "fee_expense", "cash_discount", "overpayment_underpayment"),
        *("penny_difference", "realized_gain", "realized_loss", "due_to", "due_from"),
    ),
    "what": ("document", "run", "reversal", "sales payment", "approval"),
    "for": (
        *("company", "account", "exchange-rate", "period", "document", "reservation", "intercompany-accounting", "posting-profile"),
        *("method-of-payment", "trading-relation", "payment-journal"),
    ),
    "rule": (
        *("C21", "F-A02", "F-A16", "F-A18", "F-B17", "F-C01", "F-C02", "F-C03", "F-C04", "F-C05", "F-C07", "F-C08", "F-C09"),
        *("F-C17", "F-C19", "F-C22", "F-D10", "F-D18", "F-E01", "F-E02", "F-E05", "F-E08"),
    ),
}
"""The values that a field of our own events has today, by its name; later versions may have more (`x-open-enum`)."""
