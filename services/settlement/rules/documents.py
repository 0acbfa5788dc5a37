"""Documents as facts: what is refused or waited for before a document is posted (docs/events.md, "Waiting").

Invariant: a document is posted once, with the rate, the party and the summary account it keeps; a number that is
taken, or lines that do not add up, are refused; what is not defined yet is waited for.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

from services.settlement.rules.books import Books
from services.settlement.rules.incoming import IncomingDocument
from services.settlement.rules.turn import Turn
from services.settlement.rules.values import Distribution, Document, DocumentKey, PostingTerms, TaxLine
from services.settlement.rules.waiting import document_key
from shared.events.reference import CompanyDefined
from shared.events.settlements import DocumentPosted, PostedLine
from shared.events.values import AMOUNT_DIGITS
from shared.money import ZERO, share
from shared.reference import AccountKey, Reference
from shared.waiting import Need, for_account, for_company, for_exchange_rate, for_period

TAX: Final = "sales_tax"
_SAME: Final = Fraction(1)
_ONE: Final = Decimal(1)
_TOO_LARGE: Final = Decimal(10) ** AMOUNT_DIGITS
_RATE: Final = Context(prec=28)


def refuse_document(turn: Turn, incoming: IncomingDocument) -> bool:
    """Refuses what contradicts, by the first code of the table that applies (events.md); True if it did."""
    found = _contradiction(turn.books, incoming)
    if found is not None:
        turn.refuse(*found, scope="event", frees_id=True)
    return found is not None


def _contradiction(books: Books, incoming: IncomingDocument) -> tuple[str, str, str] | None:
    """Code, field and message of the first that applies."""
    company = books.reference.company(incoming.key.company)
    if company is not None and incoming.currency == company.currency and incoming.exchange_rate not in (None, 1):
        message = f"{incoming.exchange_rate} cannot be a rate of the company's own currency {incoming.currency}: send 1, or none"
        return "invalid", "/exchange_rate", message
    if company is not None and incoming.currency != company.currency:
        found = _too_large(_rate(books, incoming, company.currency), company, incoming)
        if found is not None:
            return found
    document = books.documents.get(incoming.key)
    if document is not None:
        return "document-exists", "/document", taken_number(document)
    total = sum([line.amount for line in incoming.lines], ZERO)
    if total != incoming.amount:
        return "amounts-disagree", "/lines", f"the lines add up to {total}, the amount is {incoming.amount}"
    return None


def _too_large(rate: Fraction | None, company: CompanyDefined, incoming: IncomingDocument) -> tuple[str, str, str] | None:
    """No book holds more digits than the contract lets an amount have: neither the document's nor a line's own."""
    if rate is None:
        return None
    lines = [(f"/lines/{n}/amount", line.amount) for n, line in enumerate(incoming.lines) if line.amount != incoming.amount]
    for field, amount in (("/amount", incoming.amount), *lines):
        value = abs(share(amount, rate, company.currency))
        if value >= _TOO_LARGE:
            return "invalid", field, f"{amount} is {value} in {company.currency}: at most {AMOUNT_DIGITS} digits before the point are kept"
    return None


def taken_number(document: Document) -> str:
    """What is said of a document number that another event has taken."""
    key, by = document.key, document.event
    what = f"{document.kind.replace('_', ' ')} of {document.date} over {document.amount} {document.currency}, account {document.account}"
    return f"{key.ledger} document {key.document} of {key.company} has been posted by the event {by.id} of {by.source}: {what}"


def need_of(turn: Turn, incoming: IncomingDocument) -> Need | None:
    """What the document waits for."""
    return need_to_post(turn.books.reference, incoming.key, posting_terms(incoming))


def posting_terms(incoming: IncomingDocument) -> PostingTerms:
    """What posting the document depends on."""
    has_rate = incoming.exchange_rate is not None or incoming.inverse_rate is not None
    return PostingTerms(incoming.account, incoming.date, incoming.currency, has_rate)


def need_to_post(reference: Reference, key: DocumentKey, terms: PostingTerms) -> Need | None:
    """What posting a document waits for: company, account, exchange rate, period, in this order."""
    name = key.company
    company = reference.company(name)
    if company is None:
        return for_company(name)
    own = company.currency
    if reference.party(key.ledger, name, terms.account) is None:
        return for_account(key.ledger, name, terms.account)
    if not terms.has_rate and reference.rate(name, terms.currency, own, terms.date) is None:
        return for_exchange_rate(name, terms.currency, own, terms.date)
    if reference.is_closed(name, terms.date):
        return for_period(name, terms.date)
    return None


def _rate(books: Books, incoming: IncomingDocument, own: str) -> Fraction | None:
    """The event's own rate first, else the published one."""
    if incoming.currency == own:
        return _SAME
    if incoming.inverse_rate is not None:
        return 1 / _exactly(incoming.inverse_rate)
    if incoming.exchange_rate is not None:
        return _exactly(incoming.exchange_rate)
    return books.reference.rate(incoming.key.company, incoming.currency, own, incoming.date)


@lru_cache(maxsize=4096)  # many documents have the same rate
def _exactly(rate: Decimal) -> Fraction:
    return Fraction(rate)


def post(turn: Turn, incoming: IncomingDocument) -> Document:
    """Posts a document that waits for nothing: `document.posted`."""
    reference = turn.books.reference
    ledger, company, number = incoming.key
    own = reference.currency(company)
    rate = _rate(turn.books, incoming, own) or _SAME
    exchange_rate, inverse_rate = _kept(rate)
    account = AccountKey(ledger, company, incoming.account)
    value = incoming.amount if incoming.currency == own else share(incoming.amount, rate, own)
    taxes = _tax_accounts(turn, incoming)
    tax_lines = tuple(
        [
            TaxLine(reference.main_account(company, line.account), line.dimensions, line.amount)
            for line in incoming.lines
            if line.account in taxes
        ]
    )
    seller, invoice_there = incoming.intercompany or (None, None)
    document = Document(
        ledger,
        company,
        number,
        incoming.kind,
        reference.party_of[account],
        incoming.account,
        incoming.date,
        incoming.due_date,
        incoming.currency,
        incoming.amount,
        own,
        exchange_rate,
        value,
        incoming.amount,  # open
        value,  # and that in accounting currency
        reference.summary_account(account, incoming.posting_profile),
        incoming.dimensions,
        incoming.discounts,
        incoming.amount - sum([line.amount for line in tax_lines], ZERO) if tax_lines else incoming.amount,  # net
        _distributions(incoming, taxes),
        incoming.event,
        incoming.credits,
        seller,
        invoice_there,
        incoming.method_of_payment,
        incoming.posting_profile,
        reference=incoming.reference,
        text=incoming.text,
        inverse_rate=inverse_rate,
        tax_lines=tax_lines,
    )
    turn.books.documents.put(incoming.key, document)
    lines = incoming.lines if document.inverse_rate is None else [_valued(document, line) for line in incoming.lines]
    turn.emit("document.posted", 0, document.party, _posted(document, lines))
    turn.wake(document_key(incoming.key))
    return document


def _valued(document: Document, line: PostedLine) -> PostedLine:
    """A line with its accounting amount, where the exact rate has more digits than are sent."""
    return replace(line, accounting_amount=document.at_own_rate(line.amount))


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
        document.reference,
        document.text,
    )


def _kept(rate: Fraction) -> tuple[Decimal, Decimal | None]:
    """A rate as a document keeps it: a decimal; where it is none, its first 28 digits, and the published rate that it is the inverse of."""
    if rate is _SAME:
        return _ONE, None
    exact = (rate.numerator, rate.denominator)
    first_digits = _RATE.divide(*exact)
    return first_digits, None if first_digits.as_integer_ratio() == exact else _RATE.divide(*reversed(exact))


def _tax_accounts(turn: Turn, incoming: IncomingDocument) -> Container[str]:
    """What a line's account is called if the line is sales tax."""
    chart = turn.books.reference.companies[incoming.key.company].accounts
    return (TAX, *chart.get(TAX, ()))


def _distributions(incoming: IncomingDocument, taxes: Container[str]) -> tuple[Distribution, ...]:
    """The net amount by the lines' own dimensions, in the order of the lines (F-D17); none: those of the document."""
    amounts: dict[tuple[tuple[str, str], ...], Decimal] = {}
    for line in incoming.lines:
        if line.account not in taxes:
            dimensions = tuple(sorted(line.dimensions.items())) if line.dimensions else ()
            amounts[dimensions] = amounts.get(dimensions, ZERO) + line.amount
    return tuple([Distribution(dimensions, amount) for dimensions, amount in amounts.items() if amount])
