"""What the settlement service says on `intercompany.settlements`, complete enough to post from.

`document.posted`, `document.reversed`, `settlement.posted`, `settlement.reversed`, `sales-payment-journal.approved`,
`sales-payment-journal.refused`.
Invariant: amounts are positive in their own document's currency unless a comment says otherwise; values are
in the accounting currency of the company named; a record is named by its run, the ledger and its number, for ever.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

from msgspec import field
from typing_extensions import TypedDict

from shared.events.envelope import EventRef
from shared.events.structs import EventData


class PostedLine(EventData, gc=False):
    """An offset line of a document: `account` is a posting type or main account, negative is the other side.

    `accounting_amount` is the amount at the document's exact rate, rounded by itself; None: at `exchange_rate`. Without
    dimensions the line has the document's.
    """

    account: str
    amount: Decimal
    dimensions: dict[str, str] = field(default_factory=dict)
    accounting_amount: Decimal | None = None


class DocumentPosted(EventData, gc=False):
    """A document became a fact of its company's books (`document.posted`).

    `kind` is one of kinds.py's documents. `summary_account` is the receivable or payable main account, or the posting type
    where the company has none. `exchange_rate` is 1 unit of `currency` in `accounting_currency`. `reference` is the other
    side's number, `text` what the lines say.
    """

    ledger: str
    company: str
    document: str
    kind: str
    party: str
    account: str
    date: dt.date
    currency: str
    amount: Decimal
    accounting_currency: str
    exchange_rate: Decimal
    accounting_amount: Decimal
    summary_account: str
    dimensions: dict[str, str]
    lines: list[PostedLine]
    reference: str | None = None
    text: str | None = None


class DocumentReversed(EventData, gc=False):
    """A document of any kind was reversed (`document.reversed`): its voucher is mirrored, its balance is 0.00.

    `text` is that of the document's lines, where it gave one.
    """

    ledger: str
    company: str
    document: str
    date: dt.date
    reason: str = ""
    text: str | None = None


class SettledDocument(EventData, gc=False):
    """What is to be known of a document to post a settlement of it.

    `cross_rate` is the agreed rate of its mark, 1 unit of the payment's currency in the document's (F-C14). With
    `inverse_rate` the document's rate is exactly 1 / that, and `exchange_rate` its first 28 digits.
    """

    company: str
    document: str
    kind: str
    account: str
    date: dt.date
    currency: str
    accounting_currency: str
    exchange_rate: Decimal
    summary_account: str
    dimensions: dict[str, str]
    intercompany_company: str | None = None
    intercompany_document: str | None = None
    mark: int = 0  # position among the marks of the run; a run without marks: its order there
    event: EventRef | None = None  # of a payment: the event that posted it
    reference: str | None = None
    cross_rate: Decimal | None = None
    inverse_rate: Decimal | None = None


class DiscountPart(EventData, gc=False):
    """A part of a discount with dimensions of its own (F-D17); without any it has the document's."""

    dimensions: dict[str, str]
    amount: Decimal
    accounting_amount: Decimal


class DiscountTax(EventData, gc=False):
    """The tax in a discount (F-D18) on one tax line of the document: negative on the other side.

    `account` is that on which the line was posted, whatever the chart says now; without dimensions it has the document's.
    `accounting_amount` is in the document's company.
    """

    account: str
    dimensions: dict[str, str]
    amount: Decimal
    accounting_amount: Decimal


class Discount(EventData, gc=False):
    """A cash discount of a record. `amount` in the document's currency, its `tax` included.

    `accounting_amount` is that of the whole, in the company of the document that has the discount;
    `posted_accounting_amount` that of what is posted to `cash_discount` (the whole less its tax), in the company that posts it.
    `account` overrides the company's account for `cash_discount`. `parts` add up to what is posted to `cash_discount`.
    """

    amount: Decimal
    accounting_amount: Decimal
    posted_by_payment: bool
    posted_accounting_amount: Decimal
    account: str | None
    rule: str
    parts: list[DiscountPart]
    tax: list[DiscountTax] = field(default_factory=list)


class Gain(EventData, gc=False):
    """A realized gain (a loss is negative): `accounting_amount` in I's accounting currency, `posted_accounting_amount` in the poster's."""

    accounting_amount: Decimal
    posted_by_payment: bool
    posted_accounting_amount: Decimal


class Difference(EventData, gc=False):
    """An over- or underpayment or penny difference: `amount` in the document's currency, `accounting_amount` in its company's."""

    amount: Decimal
    accounting_amount: Decimal
    penny: bool


class WhyDiscount(TypedDict, total=False):
    """What decided the amount of a discount. Of a tier: `percent` or `tier_amount`, and `until`, its last day.

    `date` is the date that counted, `whose` whether the `request`'s or the `primary`'s; without them the lowering document's.
    `net` and `gross`: the share is the percentage times net / gross, or an amount / gross. `share` stands where the bounds of
    0 and 1 made another one of it. `of` is the amount that the share was taken of. `how`: `partial` (of what was paid),
    `entered`, `mirrored` (from the vendor payment), `rest` (full settlement alone); without it the full discount.
    `lost`: what step 5 took off; `added`: step 6 added.
    """

    percent: Decimal
    tier_amount: Decimal
    until: dt.date
    date: dt.date
    whose: str
    net: Decimal
    gross: Decimal
    share: Decimal
    of: Decimal
    how: str
    lost: Decimal
    added: Decimal


class WhyLimit(TypedDict):
    """The limit within which a difference was written off, in the accounting currency of the company whose it is."""

    limit: Decimal
    company: str
    value: Decimal


class WhyGain(TypedDict, total=False):
    """The gain or loss is `received` + `discount` less `settled` and `discount_before`, all in I's accounting currency."""

    received: Decimal
    settled: Decimal
    discount: Decimal
    discount_before: Decimal


WhyRate = TypedDict("WhyRate", {"from": str, "to": str, "rate": Decimal, "date": dt.date, "of": str, "company": str}, total=False)
"""A rate that was used beside the documents' own: 1 `from` in `to`; `of`: `published`, or `event` (agreed on the mark)."""


class Why(TypedDict, total=False):
    """What decided the amounts of a record. What is usual is left out, so most records say little.

    `open_before` is what the raising document had open (absent: the record took all of it), `money` what the lowering one offered
    (absent: it gave all of it), `let_through` what the mark let through where that held money back;
    `moved` what unspecific administration moved from discounts into this record's applied part; `value_left` the accounting
    amount the lowering document had left, where closing took that rest. `rules` are those of the amounts, beside the line's own.
    """

    open_before: Decimal
    money: Decimal
    let_through: Decimal
    moved: Decimal
    value_left: Decimal
    discount: WhyDiscount
    own_discount: WhyDiscount
    remainder: WhyLimit
    shortfall: WhyLimit
    gain: WhyGain
    rates: list[WhyRate]
    rules: tuple[str, ...]


SPARSE: Final = frozenset({"Why", "WhyDiscount", "WhyGain", "WhyRate"})
"""The classes of which only those fields are written that say something."""


class SettlementRecord(EventData, gc=False):
    """One pair in one run (rules.md, "Settlement record" and "Lines of a record").

    `lowering` (L) and `raising` (R) are positions in the event's `documents`. P is the company of L, I that of R. With
    `enlarges`, L is the primary and another lowering document stands in R's place: signs follow the documents (F-C03).
    `amount` is what L gave in L's currency, `applied` the same in R's. `accounting_amount_in_payment_company` is the main
    line's value in P's accounting currency, `accounting_amount_in_invoice_company` in I's. `remainder` is what L had left and
    wrote off (L's currency), `shortfall` what R lacked (R's currency). `credit_note_discount` is the own discount of the
    credit note of the pair. `why` says what decided; None in messages of before it was written.
    """

    number: int
    date: dt.date
    lowering: int
    raising: int
    enlarges: bool
    amount: Decimal
    applied: Decimal
    accounting_amount_in_payment_company: Decimal
    accounting_amount_in_invoice_company: Decimal
    discount: Discount | None = None
    credit_note_discount: Discount | None = None
    gain: Gain | None = None
    remainder: Difference | None = None
    shortfall: Difference | None = None
    why: Why | None = None


class SettlementPosted(EventData, gc=False):
    """One run (`settlement.posted`): all its records, or it does not happen. A run of very many is told in several messages.

    `primary` is the position in `documents` of the run's primary, whose number is the document of all its vouchers; None: of
    each record's vouchers it is L's. `reply_expected` asks the payment
    service to say which sales payment journals it makes of the run.
    """

    ledger: str
    run: EventRef
    party: str
    primary: int | None
    documents: list[SettledDocument]
    records: list[SettlementRecord]
    reply_expected: bool = False


class ReversedRecord(EventData, gc=False):
    """A record that is mirrored, and the date of the mirror."""

    ledger: str
    run: EventRef
    number: int
    date: dt.date


class SettlementReversed(EventData, gc=False):
    """Runs were reversed (`settlement.reversed`): the vouchers of `records` are mirrored under new numbers (C21).

    `runs` are the runs reversed whole; sales payment journals that still wait for one of them are dropped. `journals`
    are the documents (company, document) of the sales payment journals that became `reversed` by it. A reversal of very many
    records is told in several messages, of which the first alone has `runs` and `journals`.
    """

    ledger: str
    records: list[ReversedRecord]
    runs: list[EventRef]
    journals: list[tuple[str, str]]
    reason: str = ""


class SalesPaymentJournalApproved(EventData, gc=False):
    """A sales payment journal that was only created is to be posted (`sales-payment-journal.approved`).

    `approval` is the event that asked for it. The `sales-payment-journal.posted` that follows replies to it.
    """

    company: str
    document: str
    approval: EventRef


class SalesPaymentJournalRefused(EventData, gc=False):
    """The number of a sales payment journal is taken in the seller's books (`sales-payment-journal.refused`)."""

    company: str
    document: str
