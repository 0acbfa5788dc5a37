"""The values of the settlement rules: documents, records in force, what waits, sales payment journals.

Invariant: values are never changed, only replaced; amounts are positive, what is open included; the side of a
document follows from its kind (rules.md, "Raising and lowering documents").

Documents and records are made and replaced for every payment, so they are structs, which is done in C; they are kept as a list
of their fields, so a new field goes to the end and has a default.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from shared.events.envelope import EventRef, Message
from shared.events.inbound import CashDiscount
from shared.events.settlements import Why
from shared.events.values import Ledger
from shared.money import ZERO, at_rate
from shared.waiting import Need

LOWERING: Final = frozenset({"payment", "credit_note"})
PAYMENT: Final = "payment"
CREDIT_NOTE: Final = "credit_note"


class SettlementDefectError(RuntimeError):
    """The books contradict themselves: a defect of this program, never of what was sent."""


class DocumentKey(NamedTuple):
    """A document: its number is unique per company and ledger (events.md)."""

    ledger: Ledger
    company: str
    document: str


class Distribution(NamedTuple):
    """What of a document's net amount was posted under which dimensions (F-D17); none: under the document's."""

    dimensions: tuple[tuple[str, str], ...]
    amount: Decimal


class TaxLine(NamedTuple):
    """A sales tax line of a document: the account it was posted on, what is negative is on the other side (F-D18).

    Without dimensions the line has the document's.
    """

    account: str
    dimensions: dict[str, str]
    amount: Decimal


class Document(Struct, frozen=True, array_like=True, gc=False):
    """A posted document and what of it is open.

    `amount` and `open` are in `currency`, `accounting_amount` and `open_accounting_amount` in `accounting_currency`, all
    positive. `net` is the amount without sales tax. `manual_only`: automatic settlement leaves it out until it is marked.
    `marks_refused`: of a payment, its marks were refused or given up. `reference` is the other side's number of it.
    `records` counts the settlement records in force.
    Where the rate is the inverse of a published one, `inverse_rate` is that, and `exchange_rate` has its first 28 digits.

    What is open changes by `apply`, `give_back` and `reverse` alone: they raise SettlementDefectError where the books would
    contradict themselves. A document in a foreign currency may, by rounding, have a cent more or less open in accounting
    currency than its share, even less than 0.00; but not once it is closed, nor while nothing of it is settled.
    """

    ledger: Ledger
    company: str
    document: str
    kind: str
    party: str
    account: str
    date: dt.date
    due_date: dt.date
    currency: str
    amount: Decimal
    accounting_currency: str
    exchange_rate: Decimal
    accounting_amount: Decimal
    open: Decimal
    open_accounting_amount: Decimal
    summary_account: str
    dimensions: dict[str, str]
    discounts: tuple[CashDiscount, ...]
    net: Decimal
    distributions: tuple[Distribution, ...]
    event: EventRef
    credits: str | None = None
    intercompany_company: str | None = None
    intercompany_document: str | None = None
    method_of_payment: str | None = None
    posting_profile: str | None = None
    manual_only: bool = False
    marks_refused: bool = False
    is_reversed: bool = False
    records: int = 0
    reference: str | None = None
    text: str | None = None
    inverse_rate: Decimal | None = None
    tax_lines: tuple[TaxLine, ...] = ()

    @property
    def key(self) -> DocumentKey:
        """What names the document."""
        return DocumentKey(self.ledger, self.company, self.document)

    @property
    def lowers(self) -> bool:
        """Whether it lowers the party's balance (L), else it raises it (R)."""
        return self.kind in LOWERING

    @property
    def balance(self) -> Decimal:
        """What is open, debit positive: receivable invoices +, payable invoices -."""
        return self.open if self.lowers == (self.ledger == "payable") else -self.open

    def at_own_rate(self, amount: Decimal) -> Decimal:
        """An amount of the document in its company's accounting currency, at the rate that it was posted with (F-C15)."""
        if self.currency == self.accounting_currency:
            return amount
        if self.inverse_rate is not None:
            return at_rate(amount, self.inverse_rate, self.accounting_currency, inverse=True)
        return at_rate(amount, self.exchange_rate, self.accounting_currency)

    @property
    def rate(self) -> Fraction:
        """1 unit of the document's currency in its company's own, exactly."""
        return Fraction(self.exchange_rate) if self.inverse_rate is None else 1 / Fraction(self.inverse_rate)

    def apply(self, amount: Decimal, accounting_amount: Decimal, records: int, enlarged_by: Decimal = ZERO) -> Document:
        """What so many records of one run take from it, all in all: at least 0.00, less what these have enlarged a primary by."""
        changed = replace(
            self,
            open=self.open - amount,
            open_accounting_amount=self.open_accounting_amount - accounting_amount,
            records=self.records + records,
        )
        if not _may_be(changed, amount + enlarged_by):
            raise _defect(changed, f"{records} records take {amount} ({accounting_amount}) from it")
        return changed

    def give_back(self, amount: Decimal, accounting_amount: Decimal, records: int, enlarged_by: Decimal = ZERO) -> Document:
        """What so many records had taken is open again when they are reversed; nothing but a mark settles it from then on (F-F01)."""
        changed = replace(
            self,
            open=self.open + amount,
            open_accounting_amount=self.open_accounting_amount + accounting_amount,
            records=self.records - records,
            manual_only=True,
        )
        if not _may_be(changed, amount + enlarged_by):
            raise _defect(changed, f"{records} records give {amount} ({accounting_amount}) back to it")
        return changed

    def reverse(self) -> Document:
        """The document is reversed: nothing is open any more, its number stays taken (F-F03)."""
        if self.is_reversed or self.records:
            raise _defect(self, "it cannot be reversed")
        return replace(self, open=ZERO, open_accounting_amount=ZERO, is_reversed=True, manual_only=True)


class OpenPlace(NamedTuple):
    """Where automatic settlement finds documents: one side of an account in one currency."""

    ledger: Ledger
    company: str
    account: str
    currency: str
    lowers: bool

    @property
    def other_side(self) -> OpenPlace:
        """What this side settles with."""
        return self._replace(lowers=not self.lowers)


def open_place(document: Document, *, lowers: bool) -> OpenPlace:
    """One side of the account and currency of a document."""
    return OpenPlace(document.ledger, document.company, document.account, document.currency, lowers)


def _may_be(document: Document, gave: Decimal) -> bool:
    """Whether what is open can be: between 0.00 and all, in both currencies, and all where no record is in force.

    `gave` is what the records took of it (or give back), what enlarged it left aside: never less than 0.00. What enlarged a
    primary and none of its R's could take stays open on it (rules.md, step 3 and step 7): only there is more open than its amount.
    """
    may_be_enlarged = document.lowers and document.records > 0
    in_bounds = document.open >= ZERO and (document.open <= document.amount or may_be_enlarged)
    in_bounds = in_bounds and gave >= ZERO and document.records >= 0 and not document.is_reversed
    if document.currency == document.accounting_currency:
        agrees = document.open == document.open_accounting_amount
    else:
        agrees = bool(document.open) or not document.open_accounting_amount
    whole = document.open == document.amount and document.open_accounting_amount == document.accounting_amount
    return in_bounds and agrees and (whole or document.records > 0)


def _defect(document: Document, what: str) -> SettlementDefectError:
    name = f"{document.ledger} {document.company} {document.document}"
    is_open = f"open {document.open} ({document.open_accounting_amount}) of {document.amount} ({document.accounting_amount})"
    state = f"{is_open}, {document.records} records in force{', reversed' if document.is_reversed else ''}"
    return SettlementDefectError(f"{name}: {what}: {state}")


class RecordKey(NamedTuple):
    """A settlement record: its run, ledger and number there."""

    run: EventRef
    ledger: Ledger
    number: int


class RecordInForce(Struct, frozen=True, array_like=True, gc=False):
    """A posted record, with what it took from its two documents (a reversal gives exactly that back).

    `lowering` is L or the primary; `raising` is R, or with `enlarges` the document that enlarged the primary. A taken
    amount is negative where a primary was enlarged. `why` says what decided; None of what was posted before it was written.
    """

    run: EventRef
    ledger: Ledger
    number: int
    date: dt.date
    lowering: DocumentKey
    raising: DocumentKey
    enlarges: bool
    taken_from_lowering: Decimal
    accounting_amount_from_lowering: Decimal
    taken_from_raising: Decimal
    accounting_amount_from_raising: Decimal
    amount: Decimal
    cash_discount: Decimal
    credit_note_discount: Decimal
    overpayment: Decimal
    underpayment: Decimal
    penny_difference: Decimal
    realized_gain: Decimal
    currency: str
    is_reversed: bool = False
    why: Why | None = None

    @property
    def key(self) -> RecordKey:
        """What names the record."""
        return RecordKey(self.run, self.ledger, self.number)

    @property
    def debit_and_credit(self) -> tuple[DocumentKey, DocumentKey]:
        """The document whose side is debited by the original and the one credited, as `settlements` lists them."""
        raising_is_debit = (self.ledger == "receivable") != self.enlarges
        return (self.raising, self.lowering) if raising_is_debit else (self.lowering, self.raising)


class AppliedAmounts(NamedTuple):
    """What records take from one document, all in all: its own currency, its company's accounting currency, how many they are.

    `enlarged_by` is what they put into a primary, already taken off `amount`.
    """

    amount: Decimal = ZERO
    accounting_amount: Decimal = ZERO
    records: int = 0
    enlarged_by: Decimal = ZERO

    def plus(self, amount: Decimal, accounting_amount: Decimal, enlarged_by: Decimal) -> AppliedAmounts:
        """With one more record."""
        return AppliedAmounts(
            self.amount + amount, self.accounting_amount + accounting_amount, self.records + 1, self.enlarged_by + enlarged_by
        )


def applied_amounts(records: Iterable[RecordInForce]) -> dict[DocumentKey, AppliedAmounts]:
    """What these records take from each document. Of a primary only the sum counts: it was enlarged before it gave."""
    sums: dict[DocumentKey, AppliedAmounts] = {}
    for record in records:
        enlarged_by = record.amount if record.enlarges else ZERO
        for key, amount, accounting_amount, into in (
            (record.lowering, record.taken_from_lowering, record.accounting_amount_from_lowering, enlarged_by),
            (record.raising, record.taken_from_raising, record.accounting_amount_from_raising, ZERO),
        ):
            before = sums.get(key)
            sums[key] = (
                AppliedAmounts(amount, accounting_amount, 1, into) if before is None else before.plus(amount, accounting_amount, into)
            )
    return sums


NOTHING_YET: Final = Need("document", {}, ())
"""Of something that is looked at for the first time."""


class Parked(NamedTuple):
    """A document, instruction or reversal that waits. `sequence` is its place in the order of arrival, kept until it resumes.

    `stage`: `document` (the document waits), `run` (its marks or the request), `reversal`, `approval`, `automatic` (what an automatic run
    has left for a further one: it waits for its turn alone). `event` is the event that
    caused it; `reserves` the documents of a run, `concerns` those of a reversal or what an approval posts; `after`: runs
    and approvals whose sales payments come first.
    """

    sequence: int
    stage: str
    event: EventRef
    message: Message
    need: Need
    reserves: tuple[DocumentKey, ...] = ()
    after: tuple[EventRef, ...] = ()
    concerns: tuple[DocumentKey, ...] = ()


CREATED: Final = "created"
APPROVED: Final = "approved"
POSTED: Final = "posted"
REVERSED: Final = "reversed"


class PostingTerms(Struct, frozen=True, array_like=True, gc=False):
    """What posting a sales payment depends on in the seller's books; `has_rate`: it brings its own."""

    account: str
    date: dt.date
    currency: str
    has_rate: bool


class ReservedSalesPayment(NamedTuple):
    """A sales payment journal as settlement knows it: which run made it, what it reserves until it is posted, who approved it.

    `status`: created, approved (the payment service has been told to post it), posted or reversed. `terms` are None of a
    journal of an earlier version: nothing is known then of what its approval may have to wait for, and it waits once posted.
    """

    company: str
    document: str
    journal: str
    status: str
    run: EventRef
    sequence: int
    reserves: tuple[DocumentKey, ...]
    approval: EventRef | None = None
    terms: PostingTerms | None = None

    @property
    def key(self) -> DocumentKey:
        """The document that it posts in the seller's books."""
        return DocumentKey("receivable", self.company, self.document)


class PendingReplies(NamedTuple):
    """How often the payment service was asked for a run's sales payment journals, or to post an approved one, and its replies.

    Each request is answered by n messages that each say n; `received` counts the messages by that n, as pairs.
    """

    run: EventRef
    requested: int
    received: tuple[tuple[int, int], ...] = ()

    def with_reply(self, reply_count: int) -> PendingReplies:
        """One more of the messages that answer a request, `reply_count` of them in all."""
        received = dict(self.received)
        received[reply_count] = received.get(reply_count, 0) + 1
        return self._replace(received=tuple(received.items()))

    @property
    def is_complete(self) -> bool:
        """Whether every request is answered."""
        return sum(messages // reply_count for reply_count, messages in self.received) >= self.requested


class Request(NamedTuple):
    """A request that was carried out: its id is taken, a reversal may name it."""

    event: EventRef
    type: str
