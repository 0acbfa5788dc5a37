"""What an event says (events.md): when two spellings are the same event, and which values cannot be.

Invariant: nothing here looks at what is posted. Unknown fields and wrong types are the contract's, not part 1's; no scenario
for the oracle has them.
"""

from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.currencies import DIGITS
from tests.oracle.documents import OFFSETS, POSTED
from tests.oracle.reference import LEDGERS, WITHDRAWABLE, Reference, Row, number
from tests.oracle.waiting import refuse

REQUESTS = {
    *("settlement.requested", "settlement-reversal.requested", "document-reversal.requested"),
    *("payment-reversal.requested", "journal-approval.requested"),
}
SAID_OF_VOUCHERS = {"voucher.imported", "voucher.import-failed"}
_NUMBERS = {"amount", "exchange_rate", "percent", "amount_to_settle", "cash_discount_to_take", "cross_rate", "rate"}


def seen_as(value: Any) -> Any:
    """Data as they are judged: nulls left out, texts trimmed, dates as texts."""
    if isinstance(value, dict):
        return {str(key): seen_as(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [seen_as(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value.strip() if isinstance(value, str) else value


def canonical(name: str, data: Row) -> Row:
    """What the data says: numbers by value, empty lists left out, defaults filled in."""
    said: Row = _said(data)
    if name in POSTED:
        said = {"kind": "invoice" if "invoice" in name else "payment", "due_date": said.get("date"), **said}
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
    """Refuses a value that cannot be."""
    wrong = []
    if name == "reference.withdrawn":
        key = WITHDRAWABLE.get(str(data.get("event")))
        wrong = ["/event"] if key is None else [f"/{field}" for field in key if field not in data and key[-1] != "date"]
    elif name == "company.defined" and data["company"] in reference.companies:
        wrong = ["/currency"] if data["currency"] != reference.currency(data["company"]) else []
    elif name in POSTED:
        wrong = list(_wrong_values(name, data))
    for field in wrong[:1]:
        refuse("invalid", field, "event")


def _wrong_values(name: str, data: Row) -> list[str]:
    missing = [f"/{field}" for field in ("company", "account", "document", "date", "currency", "amount") if field not in data]
    if missing:
        return missing
    currency, lines = data["currency"], data.get("lines", [])
    rates = {"/exchange_rate": data.get("exchange_rate", "1")}
    amounts = {"/amount": data["amount"], **{f"/lines/{place}/amount": str(line["amount"]).lstrip("-") for place, line in enumerate(lines)}}
    for place, mark in enumerate(data.get("settle", [])):
        amounts[f"/settle/{place}/amount_to_settle"] = mark.get("amount_to_settle", data["amount"])
        rates[f"/settle/{place}/cross_rate"] = mark.get("cross_rate", "1")
    wrong = [] if currency in DIGITS else ["/currency"]
    wrong += [field for field, amount in amounts.items() if not _positive(amount, 10**18) or decimals(amount) > DIGITS.get(currency, 18)]
    wrong += [field for field, rate in rates.items() if not _positive(rate, None) or decimals(rate) > 18 or _significant(rate) > 28]
    wrong += [f"/{field}" for field, most in (("reference", 140), ("text", 200)) if len(data.get(field, "")) > most]
    wrong += ["/lines"] if "offset" in data and lines else []
    return wrong + (["/credits"] if "credits" in data and data.get("kind") != "credit_note" and "invoice" in name else [])


def _positive(value: str, below: int | None) -> bool:
    exact = number(value)
    return exact is not None and exact > 0 and (below is None or exact < Fraction(below))


def _significant(rate: str) -> int:
    plain = rate.strip()
    return len((plain.rstrip("0") if "." in plain else plain).replace(".", "").lstrip("0"))


def decimals(value: str) -> int:
    """How many digits a decimal string has behind the point, zeros at the end aside."""
    return len(value.strip().partition(".")[2].rstrip("0"))
