"""The values of the payment rules: sales payment journals, and those that still wait.

Invariant: values are never changed, only replaced; amounts are positive and in the vendor payment's currency.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final, NamedTuple

from shared.events.emitting import Cause
from shared.events.envelope import EventRef
from shared.events.journals import SalesMark, SalesPaymentJournal
from shared.waiting import Need

CREATED: Final = "created"
POSTED: Final = "posted"
REVERSED: Final = "reversed"


class JournalKey(NamedTuple):
    """A sales payment journal: its number is unique in the seller's company."""

    company: str
    document: str


class WaitingKey(NamedTuple):
    """A sales payment journal without a number yet: the vendor payment it mirrors, and its count there."""

    company: str
    payment: str
    number: int


class MirroredPayment(NamedTuple):
    """The vendor payment as its company's books have it; `exchange_rate` is 1 unit of `currency` in `accounting_currency`."""

    company: str
    document: str
    date: dt.date
    currency: str
    exchange_rate: Decimal
    accounting_currency: str
    event: EventRef
    reference: str | None = None
    inverse_rate: Decimal | None = None


class JournalDraft(NamedTuple):
    """What a sales payment journal will say, but for what the seller's reference data decides.

    `buyer` and `vendor` are the invoice's company and its account of the seller. `number` is n of the journal's number.
    `amount` is what the payment gave, overpayments written off included. `place` counts the journals of one run's event.
    """

    seller: str
    buyer: str
    vendor: str
    payer: MirroredPayment
    number: int
    amount: Decimal
    marks: tuple[SalesMark, ...]
    run: EventRef
    cause: Cause
    place: int

    @property
    def key(self) -> WaitingKey:
        """What names it as long as it has no number."""
        return WaitingKey(self.payer.company, self.payer.document, self.number)


class WaitingJournal(NamedTuple):
    """A sales payment journal that waits; `sequence` is its place in the order of arrival, `arrived` when its cause came."""

    draft: JournalDraft
    need: Need
    sequence: int
    arrived: dt.datetime | None = None

    @property
    def waits_since(self) -> dt.datetime:
        """From when on WAIT_AT_MOST counts."""
        return self.draft.cause.time if self.arrived is None else self.arrived


class SalesPayment(NamedTuple):
    """A sales payment journal that was made: `status` is created, posted or reversed; `first` began its chain."""

    data: SalesPaymentJournal
    status: str
    first: EventRef

    @property
    def key(self) -> JournalKey:
        """What names it."""
        return JournalKey(self.data.company, self.data.document)


class WaitingApproval(NamedTuple):
    """An approval that waited here when the settlement service began to take approvals: it is refused, to be sent again.

    `identity` is the id it has taken, `original` the event itself.
    """

    event: EventRef
    identity: EventRef
    company: str
    journal: str
    document: str
    time: dt.datetime
    traceparent: str | None
    original: dict[str, Any]
    sequence: int
    need: Need
    arrived: dt.datetime | None = None


class WaitingEntry(NamedTuple):
    """An entry of the list of what waits: by the event that caused it, what it waits for, and since when."""

    event: EventRef
    reason: str
    key: dict[str, str]
    since: dt.datetime
