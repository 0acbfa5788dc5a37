"""What the payment service says on `intercompany.journals`: payment journals and sales payment journals.

`payment-journal.posted`, `payment.refused`, `sales-payment-journal.created`, `.posted`, `.reversed`, `.waiting`, and
`sales-payment-journals.answered` for a run that makes none.

Invariant: a payment is carried with the id and digest of its own event, since settlement alone tells duplicates from new ones.
Records of earlier versions stay on the topic: a new field has a default, a renamed one is in earlier_names.py.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from shared.events.envelope import EventRef
from shared.events.inbound import PaymentPosted
from shared.events.structs import EventData
from shared.events.values import Ledger


class PaymentJournal(EventData, gc=False):
    """A payment as the payment journal says it (`payment-journal.posted`).

    `event` is the payment event itself, `digest` (hex) is over its data: the settlement service tells a duplicate from
    a conflict by them. `replay` counts an operator's replays. `sender` is whose own topic the event came on, if on one: whether
    it may speak for the company is settlement's to judge. `digest_as_written` (hex) is what 0.1 would have had for `digest`.
    """

    ledger: Ledger
    event: EventRef
    digest: str
    payment: PaymentPosted
    replay: int = 0
    sender: str | None = None
    digest_as_written: str | None = None


class PaymentRefused(EventData, gc=False):
    """A payment whose form is wrong (`payment.refused`); the settlement service, which knows all ids, refuses it.

    `event`, `digest` (hex) and `replay` as in PaymentJournal; `code`, `field` (JSON pointer) and `message` are the
    refusal, `original` the event itself as one JSON document.
    """

    event: EventRef
    digest: str
    code: str
    field: str
    message: str
    original: dict[str, Any]
    replay: int = 0


class SalesMark(EventData, gc=False):
    """What a sales payment settles: `amount_to_settle` without the discount, in the journal's currency.

    `cross_rate` is the agreed rate of the vendor payment's mark (F-C14). `cash_discount_rule` is the rule that made the discount
    there; empty: the terms of the invoice did.
    """

    company: str
    document: str
    amount_to_settle: Decimal
    cash_discount_to_take: Decimal
    cross_rate: Decimal | None = None
    cash_discount_rule: str = ""


class SalesPaymentJournal(EventData, gc=False):
    """The payment of a group company as its seller sees it (`sales-payment-journal.created|posted|reversed`).

    `exchange_rate` is the vendor payment's where both companies keep the same accounting currency, else None: the one
    published for the seller; with `inverse_rate` it is exactly 1 / that. `mirrors` is the vendor payment. `run` is the
    vendor payment's run, `reply_count` the number of messages that together reply to it (0: this is not a reply: the journal
    had waited or was approved). `payer` is the event of the vendor payment, `approval` the event that posted a journal which
    was only created, `reference` the other side's number of the vendor payment. Journals that had waited and are made together
    are a `batch` of `batch_size`, so that what waits for one of them comes after all of them.
    """

    company: str
    journal: str
    document: str
    account: str
    date: dt.date
    currency: str
    amount: Decimal
    offset: str
    exchange_rate: Decimal | None
    marks: list[SalesMark]
    mirrors: tuple[str, str]
    run: EventRef
    reply_count: int
    payer: EventRef
    approval: EventRef | None = None
    reference: str | None = None
    inverse_rate: Decimal | None = None
    batch: EventRef | None = None
    batch_size: int = 0


class SalesPaymentsReply(EventData, gc=False):
    """A reply to a run without a journal: it makes none (`sales-payment-journals.answered`) or one waits (`….waiting`)."""

    run: EventRef
    reply_count: int
