"""What an event may say (events.md): its fields, and when two spellings are the same event.

Invariant: nothing here looks at what is posted; an event is judged by itself, the first field that is wrong is named.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from tests.oracle.money import DIGITS, decimals, number
from tests.oracle.reference import LEDGERS, WITHDRAWABLE, Reference, Row

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
POSTING_TYPES = {name for pair in OFFSETS.values() for name in pair} | {
    *("accounts_receivable", "accounts_payable", "sales_tax", "cash_discount", "overpayment_underpayment", "penny_difference"),
    *("realized_gain", "realized_loss", "due_to", "due_from"),
}
INVOICES = {"customer-invoice.posted": "receivable", "vendor-invoice.posted": "payable"}
PAYMENTS = {"customer-payment.posted": "receivable", "vendor-payment.posted": "payable"}
POSTED = INVOICES | PAYMENTS
_HEAD, _MORE = "company account document date currency amount", "exchange_rate lines reference text posting_profile dimensions"
_FIELDS = {  # type -> fields that must be there, fields that may be there
    **dict.fromkeys(INVOICES, (_HEAD, f"{_MORE} kind due_date cash_discounts credits intercompany_invoice")),
    **dict.fromkeys(PAYMENTS, (_HEAD, f"{_MORE} offset method_of_payment prepayment settle primary")),
    "settlement.requested": ("ledger settle", "date primary cash_discount_date"),
    "settlement-reversal.requested": ("ledger", "payment settlement settlement_source date reason"),
    "document-reversal.requested": ("ledger document", "date reason"),
    "payment-reversal.requested": ("ledger payment", "date reason"),
    "journal-approval.requested": ("company journal document", ""),
    "mark": (
        "company document",
        "amount_to_settle use_cash_discount cash_discount_to_take full_settlement cash_discount_account cross_rate",
    ),
}
REQUESTS = {name for name in _FIELDS if name.endswith(".requested")}
_NUMBERS = {"amount", "exchange_rate", "percent", "amount_to_settle", "cash_discount_to_take", "cross_rate", "rate"}


class InvalidError(Exception):
    """A field is missing, unknown or outside its values; the argument is the pointer to it."""


def canonical(name: str, data: Row) -> Row:
    """What the data says: nulls and empty lists left out, texts trimmed, numbers by value, defaults filled in."""
    said: Row = _said(data)
    if name in POSTED:
        said = {"kind": "invoice" if name in INVOICES else "payment", "due_date": said.get("date"), **said}
        offset = OFFSETS.get(str(said["kind"]), ("?", "?"))[LEDGERS.index(POSTED[name])]
        said.setdefault("lines", [{"account": said.pop("offset", offset), "amount": said.get("amount")}])
    said["settle"] = [{"use_cash_discount": "normal", **mark} for mark in said.get("settle", []) if isinstance(mark, dict)]
    return said


def _said(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        every = {key: _said(each, key) for key, each in value.items()}
        return {key: each for key, each in every.items() if each is not None and each is not False and each not in ([], {})}
    if isinstance(value, list):
        return [_said(each) for each in value]
    exact = number(value) if name in _NUMBERS else None
    return value if exact is None else exact


def check(name: str, data: Row, reference: Reference) -> None:
    """InvalidError with the first field that is wrong."""
    for problem in _problems(name, data, reference):
        raise InvalidError(problem)


def _problems(name: str, data: Row, reference: Reference) -> Iterator[str]:
    if name == "reference.withdrawn":
        if data.get("event") not in WITHDRAWABLE:
            yield "/event"
        yield from (f"/{field}" for field in WITHDRAWABLE.get(str(data.get("event")), ()) if field not in data)
    elif name == "company.defined" and data["company"] in reference.companies:
        if data["currency"] != reference.currency(data["company"]):
            yield "/currency"
    elif name in _FIELDS:
        yield from _fields(name, data, "")
        yield from _values(name, data)


def _fields(name: str, data: Row, at: str) -> Iterator[str]:
    needed, possible = (names.split() for names in _FIELDS[name])
    yield from (f"{at}/{field}" for field in data if field not in needed and field not in possible)
    yield from (f"{at}/{field}" for field in needed if field not in data)


def _values(name: str, data: Row) -> Iterator[str]:
    yield from (f"/{field}" for field in ("company", "account", "document") if not 0 < len(data.get(field, "x")) <= 64)
    yield from (f"/{field}" for field in ("date", "due_date", "cash_discount_date") if field in data and not _is_date(data[field]))
    yield from (f"/{field}" for field, most in (("reference", 140), ("text", 200)) if len(data.get(field, "")) > most)
    if data.get("ledger", "payable") not in LEDGERS:
        yield "/ledger"
    if name in POSTED:
        yield from _document_values(name, data)
    for place, mark in enumerate(data.get("settle", [])):
        yield from _fields("mark", mark, f"/settle/{place}")
        amount = mark.get("amount_to_settle")
        if amount is not None and not (_is_amount(amount, data["currency"]) if name in PAYMENTS else is_rate(amount)):
            yield f"/settle/{place}/amount_to_settle"
        if not is_rate(mark.get("cross_rate", "1")):
            yield f"/settle/{place}/cross_rate"


def _document_values(name: str, data: Row) -> Iterator[str]:
    currency, lines = data["currency"], data.get("lines", [])
    right = {
        "/currency": currency in DIGITS,
        "/amount": _is_amount(data["amount"], currency),
        "/exchange_rate": is_rate(data.get("exchange_rate", "1")),
        "/kind": name in PAYMENTS or data.get("kind", "invoice") in {*OFFSETS} - {"payment"},
        "/lines": "offset" not in data or not lines,
        "/credits": "credits" not in data or data.get("kind") == "credit_note",
    }
    yield from (field for field, holds in right.items() if not holds)
    for place, line in enumerate(lines):
        if not _is_amount(str(line.get("amount", "")).lstrip("-"), currency):
            yield f"/lines/{place}/amount"


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _is_amount(value: Any, currency: str) -> bool:
    exact = number(value)
    return exact is not None and 0 < exact < 10**18 and decimals(value) <= DIGITS.get(currency, 18)


def is_rate(value: Any) -> bool:
    """A positive decimal string of up to 28 significant digits and 18 decimals."""
    exact = number(value)
    if exact is None or exact <= 0:
        return False
    plain = value.lstrip("0")
    return decimals(value) <= 18 and len((plain.rstrip("0") if "." in plain else plain).replace(".", "").lstrip("0")) <= 28
