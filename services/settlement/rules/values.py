"""The values of the settlement rules: documents, records in force, what waits, sales payment journals.

Invariant: values are never changed, only replaced; amounts are positive, what is open included; the side of a
document follows from its kind (rules.md, "Raising and lowering documents").
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final, NamedTuple

from shared.events.envelope import EventRef, Message
from shared.events.inbound import CashDiscount
from shared.events.values import Ledger

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
    """What of a document's net amount was posted under which dimensions (F-D17)."""

    dimensions: tuple[tuple[str, str], ...]
    amount: Decimal


class Document(NamedTuple):
    """A posted document and what of it is open.

    `amount` and `open` are in `currency`, `accounting_amount` and `open_accounting` in `accounting_currency`, all
    positive. `net` is the amount without sales tax. `by_hand`: automatic settlement leaves it out until it is marked.
    `records` counts the settlement records in force. `sequence` is the order of posting.
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
    open_accounting: Decimal
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
    by_hand: bool = False
    refused: bool = False
    reversed: bool = False
    records: int = 0

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


class RecordKey(NamedTuple):
    """A settlement record: its run, ledger and number there."""

    run: EventRef
    ledger: Ledger
    number: int


class RecordInForce(NamedTuple):
    """A posted record, with what it took from its two documents (a reversal gives exactly that back).

    `lowering` is L or the primary; `raising` is R, or with `enlarges` the document that enlarged the primary. A taken
    amount is negative where a primary was enlarged.
    """

    run: EventRef
    ledger: Ledger
    number: int
    date: dt.date
    lowering: DocumentKey
    raising: DocumentKey
    enlarges: bool
    taken_from_lowering: Decimal
    value_from_lowering: Decimal
    taken_from_raising: Decimal
    value_from_raising: Decimal
    amount: Decimal
    cash_discount: Decimal
    credit_note_discount: Decimal
    overpayment: Decimal
    underpayment: Decimal
    penny_difference: Decimal
    realized_gain: Decimal
    currency: str
    reversed: bool = False

    @property
    def key(self) -> RecordKey:
        """What names the record."""
        return RecordKey(self.run, self.ledger, self.number)

    @property
    def debit_and_credit(self) -> tuple[DocumentKey, DocumentKey]:
        """The document whose side is debited by the original and the one credited, as `settlements` lists them."""
        raising_is_debit = (self.ledger == "receivable") != self.enlarges
        return (self.raising, self.lowering) if raising_is_debit else (self.lowering, self.raising)


WakeKey = tuple[str, ...]
"""What has arrived, as what waits for it is found (waiting.py)."""


class Need(NamedTuple):
    """What something waits for: the word of events.md, the missing thing as it is shown, and what wakes it (waiting.py)."""

    reason: str
    key: dict[str, str]
    wake_key: WakeKey


NOTHING_YET: Final = Need("document", {}, ())
"""Of something that is looked at for the first time."""


class Parked(NamedTuple):
    """A document, instruction or reversal that waits. `sequence` is its place in the order of arrival, kept until it resumes.

    `stage`: `document` (the document waits), `run` (its marks or the request), `reversal`. `event` is the event that
    caused it; `reserves` the documents of a run; `after` runs whose sales payments must come first.
    """

    sequence: int
    stage: str
    event: EventRef
    message: Message
    need: Need
    reserves: tuple[DocumentKey, ...] = ()
    after: tuple[EventRef, ...] = ()


class ReservedSalesPayment(NamedTuple):
    """A sales payment journal as settlement knows it: which run made it, what it reserves while it is only created."""

    company: str
    document: str
    journal: str
    status: str
    run: EventRef
    sequence: int
    reserves: tuple[DocumentKey, ...]


class PendingReplies(NamedTuple):
    """How often the payment service was asked for a run's sales payment journals, and what it has replied.

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


def detail(**key: Any) -> dict[str, str]:
    """The missing thing of a wait as an object of texts."""
    return {name: str(value) for name, value in key.items() if value is not None}
