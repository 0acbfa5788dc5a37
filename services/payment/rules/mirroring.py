"""From a run to its sales payment journals: which there are, with which number, amount and marks (C47, F-G03).

Invariant: one journal per vendor payment, seller company and customer account; numbers count through all journals
of a vendor payment in the order of its marks and are never given twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from services.payment.rules.allocation import PaymentShares, Share, payment_shares
from services.payment.rules.books import Books, paid_by
from services.payment.rules.values import JournalDraft, MirroredPayment
from shared.events.emitting import caused_by
from shared.events.envelope import EventRef, Message
from shared.events.journals import SalesMark, SalesPaymentJournal
from shared.events.reference import ReferenceWithdrawn, TradingRelationDefined
from shared.events.settlements import SettledDocument, SettlementPosted
from shared.money import ZERO
from shared.reference import Reference
from shared.waiting import (
    Need,
    WakeKey,
    for_account,
    for_company,
    for_exchange_rate,
    for_payment_journal,
    for_period,
    for_trading_relation,
    payment_journal_key,
    period_key,
)


class MirrorTerms(NamedTuple):
    """What the seller's reference data says: the relation, and the offset of its journal."""

    relation: TradingRelationDefined
    offset: str


def drafts_of(books: Books, message: Message) -> list[JournalDraft]:
    """The sales payment journals of a run (`settlement.posted`), payments in the order in which they pay."""
    settlement: SettlementPosted = message.data
    drafts: list[JournalDraft] = []
    for payment in payment_shares(settlement):
        for shares in _by_customer(books.reference, payment):
            draft = _draft(books, message, payment.payment, shares, len(drafts))
            if draft is not None:
                drafts.append(draft)
    return drafts


def _by_customer(reference: Reference, payment: PaymentShares) -> Iterable[list[Share]]:
    """The shares in intercompany invoices by seller company and customer account, in the order of the marks."""
    groups: dict[Hashable, list[Share]] = {}
    for share in sorted(payment.shares, key=lambda each: each.invoice.mark):
        if share.invoice.intercompany_company is not None:
            groups.setdefault(_customer(reference, share.invoice), []).append(share)
    return groups.values()


def _customer(reference: Reference, invoice: SettledDocument) -> Hashable:
    """Seller company and customer account; as long as the trading relation is not known, what leads to it."""
    seller = invoice.intercompany_company or ""
    relation = reference.trading.get((seller, invoice.company, invoice.account))
    return (seller, relation.seller.customer) if relation is not None else (seller, invoice.company, invoice.account)


def _draft(books: Books, message: Message, payment: SettledDocument, shares: list[Share], place: int) -> JournalDraft | None:
    """None where the payment gave nothing: a payment journal has a positive amount."""
    amount = sum((share.amount + share.written_off for share in shares), ZERO)
    if amount <= 0:
        return None
    invoice, run = shares[0].invoice, message.data.run
    return JournalDraft(
        seller=invoice.intercompany_company or "",
        buyer=invoice.company,
        vendor=invoice.account,
        payer=_payer(payment, run),
        number=books.next_number(paid_by(payment.company, payment.document)),
        amount=amount,
        marks=_marks(shares),
        run=run,
        cause=caused_by(message),
        place=place,
    )


def _payer(payment: SettledDocument, run: EventRef) -> MirroredPayment:
    return MirroredPayment(
        payment.company,
        payment.document,
        payment.date,
        payment.currency,
        payment.exchange_rate,
        payment.accounting_currency,
        payment.event or run,
        payment.reference,
        payment.inverse_rate,
    )


def _marks(shares: list[Share]) -> tuple[SalesMark, ...]:
    """One mark for each customer invoice: two vendor invoices may name the same one, agreed rate and rule are then the first's."""
    marks: dict[tuple[str, str], SalesMark] = {}
    for share in shares:
        key = (share.invoice.intercompany_company or "", share.invoice.intercompany_document or "")
        before = marks.get(key)
        if before is None:
            before = SalesMark(*key, ZERO, ZERO, share.cross_rate, share.cash_discount_rule)
        amount, discount = before.amount_to_settle + share.amount, before.cash_discount_to_take + share.cash_discount
        marks[key] = SalesMark(*key, amount, discount, before.cross_rate, before.cash_discount_rule)
    return tuple(marks.values())


def terms_of(reference: Reference, draft: JournalDraft) -> MirrorTerms | Need:
    """The seller's terms of a journal, or the first thing, in the order of the table, that it has to wait for (events.md).

    What is posted at once waits for all that posting needs; what is only created, until it is approved, for its account.
    """
    if reference.company(draft.seller) is None:
        return for_company(draft.seller)
    relation = reference.trading.get((draft.seller, draft.buyer, draft.vendor))
    if relation is None:
        return for_trading_relation(draft.seller, draft.buyer, draft.vendor)
    customer, payer = relation.seller.customer, draft.payer
    needs = posting_needs(reference, draft.seller, customer, payer.date, payer.currency, _rate_of(reference, draft))
    need = next(needs, None)
    if need is not None and (relation.post_automatically or need.reason == "account"):
        return need
    journal = reference.payment_journals.get((draft.seller, relation.payment_journal))
    if journal is None:
        return for_payment_journal(draft.seller, relation.payment_journal)
    return MirrorTerms(relation, journal.offset)


def judged_again(reference: Reference, data: Any) -> Iterator[WakeKey]:
    """What besides what it brings a reference event lets be looked at again, by its wake keys.

    Without a rate that is withdrawn, journals and approvals that wait for something further down the table may lack the rate first.
    """
    if not isinstance(data, ReferenceWithdrawn) or data.event != "exchange-rate.published":
        return
    sellers = {name for name, company in reference.companies.items() if company.currency in (data.from_, data.to)}
    yield from map(period_key, sorted(sellers))
    relations = (each for each in reference.trading.values() if each.seller.company in sellers)
    yield from sorted({payment_journal_key(each.seller.company, each.payment_journal) for each in relations})


def posting_needs(  # noqa: PLR0913 - what posting a payment in the seller's books depends on
    reference: Reference, company: str, account: str, on: dt.date, currency: str, exchange_rate: Decimal | None
) -> Iterator[Need]:
    """What a payment in the books of a company that is defined waits for, in the order of the table."""
    own = reference.currency(company)
    if reference.party("receivable", company, account) is None:
        yield for_account("receivable", company, account)
    if exchange_rate is None and reference.rate(company, currency, own, on) is None:
        yield for_exchange_rate(company, currency, own, on)
    if reference.is_closed(company, on):
        yield for_period(company, on)


def _rate_of(reference: Reference, draft: JournalDraft) -> Decimal | None:
    """The payment's rate where both companies keep the same accounting currency, else None: the one published for the seller."""
    return draft.payer.exchange_rate if _keeps_the_same(reference, draft) else None


def _keeps_the_same(reference: Reference, draft: JournalDraft) -> bool:
    return reference.currency(draft.seller) == draft.payer.accounting_currency


def sales_payment_journal(reference: Reference, draft: JournalDraft, terms: MirrorTerms, reply_count: int) -> SalesPaymentJournal:
    """The journal as the seller sees it."""
    journal, payer = terms.relation.payment_journal, draft.payer
    return SalesPaymentJournal(
        company=draft.seller,
        journal=journal,
        document=f"{journal}-{paid_by(payer.company, payer.document)}-{draft.number}",
        account=terms.relation.seller.customer,
        date=payer.date,
        currency=payer.currency,
        amount=draft.amount,
        offset=terms.offset,
        exchange_rate=_rate_of(reference, draft),
        marks=list(draft.marks),
        mirrors=(payer.company, payer.document),
        run=draft.run,
        reply_count=reply_count,
        payer=payer.event,
        reference=payer.reference,
        inverse_rate=payer.inverse_rate if _keeps_the_same(reference, draft) else None,
    )
