"""What an event may say (events.md): its fields, and when two spellings are the same event.

Invariant: nothing here looks at what is posted; an event is judged by itself and the companies' currencies.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.money import decimals, digits, is_currency, number
from tests.oracle.reference import LEDGERS, TYPES, WITHDRAWABLE, Reference, Row

RAISING = ("invoice", "interest_note", "collection_letter", "payment_fee", "refund")
LOWERING = ("payment", "credit_note")
OFFSETS = {  # kind -> posting type of the offset line: receivable, payable
    "invoice": ("sales", "expense"),
    "credit_note": ("sales_returns", "purchase_returns"),
    "interest_note": ("interest_income", "interest_expense"),
    "collection_letter": ("fee_income", "fee_expense"),
    "payment_fee": ("fee_income", "fee_expense"),
    "refund": ("cash", "cash"),
    "payment": ("cash", "cash"),
}
POSTING_TYPES = {name for pair in OFFSETS.values() for name in pair} | set(
    "accounts_receivable accounts_payable cash sales_tax cash_discount overpayment_underpayment penny_difference "
    "realized_gain realized_loss due_to due_from".split()
)
INVOICES = {"customer-invoice.posted": "receivable", "vendor-invoice.posted": "payable"}
PAYMENTS = {"customer-payment.posted": "receivable", "vendor-payment.posted": "payable"}

_DOCUMENT = "company account document date currency amount"
_HEADER = "exchange_rate lines reference text posting_profile dimensions"
_FIELDS = {  # type -> (fields that must be there, fields that may be there)
    **dict.fromkeys(INVOICES, (_DOCUMENT, f"{_HEADER} kind due_date cash_discounts credits intercompany_invoice")),
    **dict.fromkeys(PAYMENTS, (_DOCUMENT, f"{_HEADER} offset method_of_payment prepayment settle primary")),
    "settlement.requested": ("ledger settle", "date primary cash_discount_date"),
    "settlement-reversal.requested": ("ledger", "payment settlement settlement_source date reason"),
    "document-reversal.requested": ("ledger document", "date reason"),
    "payment-reversal.requested": ("ledger payment", "date reason"),
    "journal-approval.requested": ("company journal document", ""),
}
_MARK = ("company document", "amount_to_settle use_cash_discount cash_discount_to_take full_settlement cash_discount_account cross_rate")
_NUMBERS = {"amount", "exchange_rate", "percent", "amount_to_settle", "cash_discount_to_take", "cross_rate", "rate"}
_LONGEST = {"reference": 140, "text": 200}


class Invalid(Exception):
    """A field is missing, unknown or outside its values."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def canonical(name: str, data: Row) -> Row:
    """What the data says: nulls and empty lists left out, texts trimmed, numbers by value, defaults filled in."""
    said: Row = _said(data)
    if name in INVOICES or name in PAYMENTS:
        ledger = (INVOICES | PAYMENTS)[name]
        said.setdefault("kind", "invoice" if name in INVOICES else "payment")
        said.setdefault("due_date", said.get("date"))
        offset = said.pop("offset", OFFSETS.get(str(said["kind"]), ("?", "?"))[LEDGERS.index(ledger)])
        said.setdefault("lines", [{"account": offset, "amount": said.get("amount")}])
        said["settle"] = [{"use_cash_discount": "normal", **mark} for mark in said.get("settle", [])]
    if name == "settlement.requested":
        said["settle"] = [{"use_cash_discount": "normal", **mark} for mark in said.get("settle", []) if isinstance(mark, dict)]
    return said


def _said(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        every = {str(key): _said(each, str(key)) for key, each in value.items()}
        return {key: each for key, each in every.items() if each is not None and each is not False and each not in ([], {})}
    if isinstance(value, list):
        return [_said(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        exact = number(value) if name in _NUMBERS else None
        return value.strip() if exact is None else exact
    return value


def check(name: str, data: Row, reference: Reference) -> None:
    """Invalid, with the first field that is; texts are trimmed and nulls left out by the caller."""
    if name in TYPES:
        _check_reference(name, data, reference)
    elif name == "reference.withdrawn":
        _check_withdrawal(data)
    else:
        _names(data, *_FIELDS[name], "")
        for problem in _problems(name, data):
            raise Invalid(problem)


def _names(data: Row, needed: str, possible: str, at: str) -> None:
    for field in data:
        if field not in needed.split() and field not in possible.split():
            raise Invalid(f"{at}/{field}")
    for field in needed.split():
        if data.get(field) is None:
            raise Invalid(f"{at}/{field}")


def _check_reference(name: str, data: Row, reference: Reference) -> None:
    known = reference.companies.get(data.get("company", "")) if name == "company.defined" else None
    if known is not None and known["currency"] != data.get("currency"):
        raise Invalid("/currency")
    if name == "exchange-rate.published" and not (number(data.get("rate")) or 0) > 0:
        raise Invalid("/rate")


def _check_withdrawal(data: Row) -> None:
    if data.get("event") not in WITHDRAWABLE:
        raise Invalid("/event")
    for field in WITHDRAWABLE[data["event"]]:
        if data.get(field) is None:
            raise Invalid(f"/{field}")


def _problems(name: str, data: Row) -> Iterator[str]:
    for field in ("document", "account", "company"):
        if isinstance(data.get(field), str) and (not data[field] or len(data[field]) > 64):
            yield f"/{field}"
    for field in ("date", "due_date", "cash_discount_date"):
        if field in data and not _is_date(data[field]):
            yield f"/{field}"
    for field, longest in _LONGEST.items():
        if len(str(data.get(field) or "")) > longest:
            yield f"/{field}"
    if "ledger" in data and data["ledger"] not in LEDGERS:
        yield "/ledger"
    if name in INVOICES or name in PAYMENTS:
        yield from _document_problems(name, data)
    if "settle" in data:
        yield from _mark_problems(name, data)
    if name == "settlement-reversal.requested" and ("payment" in data) == ("settlement" in data):
        yield "/payment"


def _document_problems(name: str, data: Row) -> Iterator[str]:
    currency = data["currency"]
    if not is_currency(currency):
        yield "/currency"
    if not _is_amount(data["amount"], currency):
        yield "/amount"
    if data.get("exchange_rate") is not None and not is_rate(data["exchange_rate"]):
        yield "/exchange_rate"
    if name in INVOICES and data.get("kind", "invoice") not in {*RAISING, "credit_note"}:
        yield "/kind"
    if data.get("offset") is not None and data.get("lines"):
        yield "/lines"
    for place, line in enumerate(data.get("lines") or []):
        if not _is_amount(str(line.get("amount", "")).lstrip("-"), currency):
            yield f"/lines/{place}/amount"
    for place, term in enumerate(data.get("cash_discounts") or []):
        if ("percent" in term) == ("amount" in term):
            yield f"/cash_discounts/{place}"
        elif "amount" in term and not _is_amount(term["amount"], currency):
            yield f"/cash_discounts/{place}/amount"
        elif "percent" in term and not (is_rate(term["percent"]) and Fraction(term["percent"]) <= 100):
            yield f"/cash_discounts/{place}/percent"
    if "credits" in data and data.get("kind") != "credit_note":
        yield "/credits"


def _mark_problems(name: str, data: Row) -> Iterator[str]:
    for place, mark in enumerate(data["settle"]):
        at = f"/settle/{place}"
        _names(mark, *_MARK, at)
        amount = mark.get("amount_to_settle")
        if amount is not None and not (_is_amount(amount, data["currency"]) if name in PAYMENTS else is_rate(amount)):
            yield f"{at}/amount_to_settle"
        if mark.get("use_cash_discount", "normal") not in {"normal", "always", "never"}:
            yield f"{at}/use_cash_discount"
        taken = mark.get("cash_discount_to_take")
        if taken is not None and (number(taken) is None or number(taken) < 0):  # type: ignore[operator]
            yield f"{at}/cash_discount_to_take"
        if mark.get("cross_rate") is not None and not is_rate(mark["cross_rate"]):
            yield f"{at}/cross_rate"
    if name == "settlement.requested" and not data["settle"]:
        yield "/settle"


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _is_amount(value: Any, currency: str) -> bool:
    exact = number(value)
    return exact is not None and exact > 0 and decimals(value) <= digits(currency) and exact < 10**18


def is_rate(value: Any) -> bool:
    """A positive decimal string of up to 28 significant digits and 18 decimals."""
    exact = number(value)
    if exact is None or exact <= 0:
        return False
    plain = value.strip().lstrip("0")
    significant = (plain.rstrip("0") if "." in plain else plain).replace(".", "").lstrip("0")
    return decimals(value) <= 18 and len(significant) <= 28
