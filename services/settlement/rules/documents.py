"""Documents as facts: what is refused or waited for before a document is posted (events.md, "Facts, wishes, …").

What always holds: a document is posted once, with the rate, the party and the summary account it keeps; a number that is
taken, or lines that do not add up, are refused; what is not defined yet is waited for.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final

from services.settlement.rules.run.compute import period_need
from services.settlement.rules.run.conversion import rate_need
from services.settlement.rules.turn import Turn, blamed
from services.settlement.rules.values import PAYMENT, Distribution, Document, DocumentKey, Need, Waiting, detail
from shared.events.envelope import EventRef
from shared.events.inbound import CashDiscount, InvoicePosted, PaymentPosted
from shared.events.journals import SalesPaymentJournal
from shared.events.settlements import DocumentPosted, PostedLine
from shared.events.values import Ledger
from shared.money import ZERO, share
from shared.reference import AccountKey

OFFSETS: Final = {
    ("receivable", "invoice"): "sales",
    ("payable", "invoice"): "expense",
    ("receivable", "credit_note"): "sales_returns",
    ("payable", "credit_note"): "purchase_returns",
    ("receivable", "interest_note"): "interest_income",
    ("payable", "interest_note"): "interest_expense",
    ("receivable", "collection_letter"): "fee_income",
    ("payable", "collection_letter"): "fee_expense",
    ("receivable", "payment_fee"): "fee_income",
    ("payable", "payment_fee"): "fee_expense",
    ("receivable", "refund"): "cash",
    ("payable", "refund"): "cash",
}
TAX: Final = "sales_tax"
_SAME: Final = Fraction(1)


@dataclass(slots=True)
class Fact:
    """What an invoice, a payment or a sales payment says of its document."""

    key: DocumentKey
    kind: str
    account: str
    date: dt.date
    due_date: dt.date
    currency: str
    amount: Decimal
    exchange_rate: Decimal | None
    event: EventRef
    lines: list[PostedLine]
    dimensions: dict[str, str] = field(default_factory=dict)
    discounts: tuple[CashDiscount, ...] = ()
    posting_profile: str | None = None
    method_of_payment: str | None = None
    credits: str | None = None
    intercompany: tuple[str, str] | None = None


def invoice_fact(ledger: Ledger, data: InvoicePosted, event: EventRef) -> Fact:
    """The document of an invoice event; without lines it has one, by its kind."""
    given = data.lines
    lines = [PostedLine(line.account, line.amount, line.dimensions or data.dimensions) for line in given or ()]
    if not lines:
        lines = [PostedLine(OFFSETS[ledger, data.kind], data.amount, data.dimensions)]
    seller = data.intercompany_invoice
    return Fact(
        DocumentKey(ledger, data.company, data.document),
        data.kind,
        data.account,
        data.date,
        data.due_date or data.date,
        data.currency,
        data.amount,
        data.exchange_rate,
        event,
        lines,
        data.dimensions,
        tuple(data.cash_discounts),
        data.posting_profile,
        credits=data.credits,
        intercompany=(seller.company, seller.document) if seller is not None else None,
    )


def payment_fact(ledger: Ledger, data: PaymentPosted, event: EventRef) -> Fact:
    """The document of a payment."""
    line = PostedLine(data.offset, data.amount, data.dimensions)
    return Fact(
        DocumentKey(ledger, data.company, data.document),
        PAYMENT,
        data.account,
        data.date,
        data.date,
        data.currency,
        data.amount,
        data.exchange_rate,
        event,
        [line],
        data.dimensions,
        posting_profile=data.posting_profile,
        method_of_payment=data.method_of_payment,
    )


def sales_payment_fact(data: SalesPaymentJournal, event: EventRef) -> Fact:
    """The document of a sales payment journal in the seller's books."""
    key = DocumentKey("receivable", data.company, data.document)
    line = PostedLine(data.offset, data.amount, {})
    return Fact(key, PAYMENT, data.account, data.date, data.date, data.currency, data.amount, data.exchange_rate, event, [line])


def refused_fact(turn: Turn, fact: Fact) -> bool:
    """Refuses what contradicts, in the order of the table; True if it did."""
    company = turn.books.reference.company(fact.key.company)
    if company is not None and fact.currency == company.currency and fact.exchange_rate not in (None, 1):
        message = f"{fact.exchange_rate} is no rate for the company's own currency {fact.currency}: 1, or none, is right"
        turn.refuse("invalid", "/exchange_rate", message, scope="event", frees=True)
        return True
    if turn.books.documents.get(fact.key) is not None:
        message = f"{fact.key.ledger} document {fact.key.document} of {fact.key.company} has been posted by another event"
        turn.refuse("document-exists", "/document", message, scope="event", frees=True)
        return True
    total = sum((line.amount for line in fact.lines), ZERO)
    if total != fact.amount:
        turn.refuse("amounts-disagree", "/lines", f"the lines add up to {total}, the amount is {fact.amount}", scope="event", frees=True)
        return True
    return False


def fact_need(turn: Turn, fact: Fact) -> Need | None:
    """What a document waits for: company, account, exchange rate, period, in this order."""
    reference = turn.books.reference
    ledger, name, _ = fact.key
    company = reference.company(name)
    if company is None:
        return Need("company", detail(company=name), ("company", name))
    if reference.party(ledger, name, fact.account) is None:
        return Need("account", detail(company=name, ledger=ledger, account=fact.account), ("account", ledger, name, fact.account))
    if _rate(turn, fact, company.currency) is None:
        return rate_need(name, fact.currency, company.currency, fact.date)
    if reference.is_closed(name, fact.date):
        return period_need(name, fact.date.isoformat())
    return None


def _rate(turn: Turn, fact: Fact, own: str) -> Fraction | None:
    """The event's own rate first, else the published one."""
    if fact.currency == own:
        return _SAME
    if fact.exchange_rate is not None:
        return Fraction(fact.exchange_rate)
    return turn.books.reference.rate(fact.key.company, fact.currency, own, fact.date)


def post(turn: Turn, fact: Fact) -> Document:
    """Posts a document that waits for nothing, and says so."""
    reference = turn.books.reference
    ledger, company, number = fact.key
    own = reference.currency(company)
    rate = _rate(turn, fact, own) or _SAME
    account = AccountKey(ledger, company, fact.account)
    value = fact.amount if fact.currency == own else share(fact.amount, rate, own)
    document = Document(
        ledger=ledger,
        company=company,
        document=number,
        kind=fact.kind,
        party=reference.party_of[account],
        account=fact.account,
        date=fact.date,
        due_date=fact.due_date,
        currency=fact.currency,
        amount=fact.amount,
        accounting_currency=own,
        exchange_rate=_as_decimal(rate),
        accounting_amount=value,
        open=fact.amount,
        open_accounting=value,
        summary_account=reference.summary_account(account, fact.posting_profile),
        dimensions=fact.dimensions,
        discounts=fact.discounts,
        net=fact.amount - _tax(turn, fact),
        distributions=_distributions(turn, fact),
        event=fact.event,
        credits=fact.credits,
        intercompany_company=fact.intercompany[0] if fact.intercompany else None,
        intercompany_document=fact.intercompany[1] if fact.intercompany else None,
        method_of_payment=fact.method_of_payment,
        posting_profile=fact.posting_profile,
    )
    turn.books.documents.put(document.key, document)
    turn.say("document.posted", 0, document.party, _posted(document, fact.lines))
    turn.wake("document", *document.key)
    return document


def _posted(document: Document, lines: list[PostedLine]) -> DocumentPosted:
    return DocumentPosted(
        document.ledger,
        document.company,
        document.document,
        document.kind,
        document.party,
        document.account,
        document.date,
        document.currency,
        document.amount,
        document.accounting_currency,
        document.exchange_rate,
        document.accounting_amount,
        document.summary_account,
        document.dimensions,
        lines,
    )


def _as_decimal(rate: Fraction) -> Decimal:
    """A rate as Decimal: exact where it is one, else to 28 digits, far beyond any currency's."""
    return Decimal(1) if rate is _SAME else Decimal(rate.numerator) / Decimal(rate.denominator)


def _is_tax(turn: Turn, fact: Fact, line: PostedLine) -> bool:
    if line.account == TAX:
        return True
    chart = turn.books.reference.companies[fact.key.company].accounts
    return chart.get(TAX) == line.account


def _tax(turn: Turn, fact: Fact) -> Decimal:
    return sum((line.amount for line in fact.lines if _is_tax(turn, fact, line)), ZERO)


def _distributions(turn: Turn, fact: Fact) -> tuple[Distribution, ...]:
    """The net amount by dimensions, in the order of the lines (F-D17)."""
    amounts: dict[tuple[tuple[str, str], ...], Decimal] = {}
    for line in fact.lines:
        if not _is_tax(turn, fact, line):
            dimensions = tuple(sorted(line.dimensions.items()))
            amounts[dimensions] = amounts.get(dimensions, ZERO) + line.amount
    return tuple(Distribution(dimensions, amount) for dimensions, amount in amounts.items() if amount)


def waiting_fact(turn: Turn, need: Need, sequence: int) -> Waiting:
    """A document that waits; it reserves nothing."""
    return Waiting(sequence, "document", blamed(turn.message), turn.message, need)
