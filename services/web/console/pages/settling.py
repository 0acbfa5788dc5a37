"""What the fields of `/simulate` mean: the event that they ask for, and how the simulation's answer is laid out.

Amounts are plain decimals, in the currency of the payment or, of a document, in its own; a payment's marks are in the payment's.

Invariant: pure; the same fields over the same documents are the same event.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import date as day_of
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.web.console import formats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.web.console.reader import Reader

Row = dict[str, Any]

LEDGERS: Final = ("payable", "receivable")
USES: Final = ("normal", "always", "never")
_ACCOUNTS: Final = {"payable": "vendors", "receivable": "customers"}
_PAYMENTS: Final = {"payable": "vendor-payment", "receivable": "customer-payment"}


def key_of(document: Row) -> str:
    """What a document is called in the fields."""
    return f"{document['company']}/{document['document']}"


@dataclass(frozen=True, slots=True)
class EnteredMark:
    """What was entered for a marked document; None: as usual."""

    amount: str | None
    discount: str | None
    use: str


@dataclass(frozen=True, slots=True)
class Entered:
    """What was entered. `id`: the event's, the page's own from the beginning."""

    id: str
    ledger: str
    date: str
    party: str | None
    payer: str | None
    account: str | None
    document: str
    currency: str | None
    amount: str | None
    rate: str | None
    marks: Mapping[str, EnteredMark]

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]], reader: Reader) -> Entered:
        """The fields of a form, amounts in the reader's form or plain."""
        given = dict(pairs)

        def text(name: str) -> str | None:
            return given.get(name, "").strip() or None

        def amount(name: str) -> str | None:
            found = text(name)
            return None if found is None else formats.plain(reader.language, found)

        id_ = text("id") or secrets.token_hex(16)
        ledger = text("ledger")
        marked = [value for name, value in pairs if name == "mark"]
        marks = {key: EnteredMark(amount(f"take.{key}"), amount(f"discount.{key}"), text(f"use.{key}") or USES[0]) for key in marked}
        return cls(
            id_,
            ledger if ledger in LEDGERS else LEDGERS[0],
            _day(text("date")) or reader.day,
            text("party"),
            text("payer") or reader.company,
            text("account"),
            text("document") or f"PAY-{id_[:8].upper()}",
            text("currency"),
            amount("amount"),
            amount("rate"),
            marks,
        )


def wrong_figures(pairs: Sequence[tuple[str, str]], reader: Reader) -> dict[str, str]:
    """What was entered in a field for an amount or a rate and is none, by the field; of documents those that are marked."""
    marks = [value for name, value in pairs if name == "mark"]
    asked = {"amount", "rate", *(f"{what}.{mark}" for what in ("take", "discount") for mark in marks)}
    given = {name: value.strip() for name, value in pairs if name in asked and value.strip()}
    return {name: value for name, value in given.items() if not formats.is_plain(formats.plain(reader.language, value))}


@dataclass(slots=True)
class Settling:
    """The fields beside the party and the documents that they are about."""

    entered: Entered
    party: Row | None
    documents: list[Row]
    companies: list[str]
    accounts: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        """The party's accounts of the ledger, by company in scope; of each document what is owed: an invoice +, a payment -."""
        found = (self.party or {}).get(_ACCOUNTS[self.entered.ledger], {})
        self.accounts = {company: accounts for company, accounts in found.items() if company in self.companies}
        self.documents = [{**each, "owed": owed(self.entered.ledger, each["balance"])} for each in self.documents]

    @property
    def marked(self) -> list[Row]:
        """The marked documents, in the order of the list."""
        return [each for each in self.documents if key_of(each) in self.entered.marks]

    @property
    def is_request(self) -> bool:
        """Whether a payment that is there is among the marked documents: then no new one is posted, the marked ones are settled."""
        return any(each["kind"] == "payment" for each in self.marked)

    @property
    def payer(self) -> str | None:
        """The company that pays or receives: as entered, else the first one in which the party has an account."""
        return self.entered.payer if self.entered.payer in self.accounts else next(iter(self.accounts), None)

    @property
    def account(self) -> str | None:
        """The party's account there."""
        accounts = self.accounts.get(self.payer or "", [])
        return self.entered.account if self.entered.account in accounts else next(iter(accounts), None)

    @property
    def currency(self) -> str | None:
        """The payment's currency: as entered, else that of the first marked document, else of the first open one."""
        return self.entered.currency or next((each["currency"] for each in [*self.marked, *self.documents]), None)

    @property
    def amount(self) -> str | None:
        """The payment's amount: as entered, else what the marked documents of its currency need."""
        return self.entered.amount or self.needed

    @property
    def needed(self) -> str | None:
        """What pays the marked documents, less the discounts; None where nothing is marked or one is in another currency."""
        if not self.marked or any(each["currency"] != self.currency for each in self.marked):
            return None
        need = sum((self._need(each) for each in self.marked), Decimal(0))
        return str(need) if need > 0 else None

    def _need(self, document: Row) -> Decimal:
        mark = self.entered.marks[key_of(document)]
        sign = -1 if Decimal(document["owed"]) < 0 else 1
        if mark.amount is not None:
            return sign * _decimal(mark.amount)
        discount = mark.discount if mark.discount is not None else (document["discount"] or {}).get("amount")
        taken = Decimal(0) if mark.use == "never" else _decimal(discount or "0")
        return sign * (Decimal(document["open"]) - taken)


def event_of(settling: Settling, source: str) -> Row | None:
    """The event that is entered for; None where something is still to be entered."""
    entered = settling.entered
    if settling.is_request:
        data: Row = {"ledger": entered.ledger, "date": entered.date, "settle": [_mark(settling, each) for each in settling.marked]}
        kind = "settlement.requested"
    elif settling.payer is None or settling.account is None or settling.amount is None or settling.currency is None:
        return None
    else:
        kind = f"{_PAYMENTS[entered.ledger]}.posted"
        data = {
            "company": settling.payer,
            "account": settling.account,
            "document": entered.document,
            "date": entered.date,
            "currency": settling.currency,
            "amount": settling.amount,
            "settle": [_mark(settling, each) for each in settling.marked],
        }
        if entered.rate is not None:
            data["exchange_rate"] = entered.rate
    return {"specversion": "1.0", "id": entered.id, "source": source, "type": f"intercompany.{kind}.v1", "data": data}


def _mark(settling: Settling, document: Row) -> Row:
    mark = settling.entered.marks[key_of(document)]
    found = {"company": document["company"], "document": document["document"]}
    if mark.amount is not None:
        found["amount_to_settle"] = mark.amount
    if mark.discount is not None:
        found["cash_discount_to_take"] = mark.discount
    if mark.use != USES[0]:
        found["use_cash_discount"] = mark.use
    return found


def digest(event: Row) -> str:
    """Tells events apart."""
    return hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def figures(settling: Settling, simulated: Row) -> Row | None:
    """Amount, what the marks take of it, and the rest, as the simulation has them; of what settles payments that are there, theirs.

    Of what waits it is not known yet what the marks will take: `marked` and `rest` are None then. None: there is nothing to add up.
    """
    return _of_marked_payments(settling, simulated) if settling.is_request else _of_the_payment(settling, simulated)


def _of_the_payment(settling: Settling, simulated: Row) -> Row | None:
    own = (settling.payer, settling.entered.document)
    after = next((each["after"] for each in simulated["open"] if (each["company"], each["document"]) == own), None)
    if settling.amount is None or after is None:
        return None
    return _figures(_decimal(settling.amount), abs(Decimal(after)), settling.currency, simulated)


def _of_marked_payments(settling: Settling, simulated: Row) -> Row | None:
    payments = {key_of(each): abs(Decimal(each["open"])) for each in settling.marked if each["kind"] == "payment"}
    currencies = {each["currency"] for each in settling.marked if each["kind"] == "payment"}
    if len(currencies) != 1:
        return None
    after = {key_of(each): abs(Decimal(each["after"])) for each in simulated["open"] if each["after"] is not None}
    rest = sum((after.get(key, left) for key, left in payments.items()), Decimal(0))
    return _figures(sum(payments.values(), Decimal(0)), rest, currencies.pop(), simulated)


def _figures(amount: Decimal, rest: Decimal, currency: str | None, simulated: Row) -> Row:
    marked = amount - rest
    known = None if simulated["waiting"] else (str(marked), str(rest))
    return {"amount": str(marked + rest), "marked": known and known[0], "rest": known and known[1], "currency": currency}


def holders(settling: Settling, simulated: Row) -> list[Row]:
    """What the simulated event waits for; where that is a document which something has reserved, with what that is."""
    reserved = {key_of(each): each["reserved_by"] for each in settling.documents if each.get("reserved_by")}
    return [
        {**each, "reserved_by": reserved.get(f"{each['key'].get('company')}/{each['key'].get('document')}")}
        for each in simulated["waiting"]
    ]


def by_company(vouchers: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """The vouchers of each company, in their order."""
    found: dict[str, list[Row]] = {}
    for each in vouchers:
        found.setdefault(each["company"], []).append(each)
    return list(found.items())


def _decimal(plain: str) -> Decimal:
    """An amount that was entered; nothing where it is none, which the simulation then says."""
    return Decimal(plain) if formats.is_plain(plain) else Decimal(0)


def _day(text: str | None) -> str | None:
    try:
        return None if text is None else day_of.fromisoformat(text).isoformat()
    except ValueError:
        return None


def owed(ledger: str, balance: str | None) -> str | None:
    """What is open of a document as its ledger speaks of it: an invoice is positive, a payment negative. `balance`: debit positive."""
    return None if balance is None else str(-Decimal(balance) if ledger == "payable" else Decimal(balance))
