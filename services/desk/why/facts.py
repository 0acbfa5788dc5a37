"""What is known about a line when it is explained, and what an explanation is made of.

Invariant: facts are never changed; nothing here asks a database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.events.settlements import Why
from shared.money import ZERO

if TYPE_CHECKING:
    from services.settlement.rules.values import Document, RecordInForce
    from shared.events.envelope import EventRef
    from shared.events.vouchers import Voucher, VoucherLine


class Money(NamedTuple):
    """An amount and its currency."""

    amount: Decimal
    currency: str


class Asked(NamedTuple):
    """A parameter that decided: its name, whose it is, towards which company, in which ledger."""

    name: str
    company: str
    partner: str | None
    ledger: str
    profile: str | None = None
    """Of `summary_account`: the document's posting profile."""


class Parameter(NamedTuple):
    """A parameter as it was in force: its value, the event that set it and since when. Without `of` it is the default.

    `of` is the kind of definition that says it: `intercompany_accounting`, `centralized_payments`, `settlement_parameters`,
    `posting_profile`, `chart`, `company`.
    """

    asked: Asked
    value: str
    of: str | None = None
    event: EventRef | None = None
    since: str | None = None


Lookup = Callable[[Asked], Parameter]
"""Gives a parameter as it was in force when the record was made."""


class Reversal(NamedTuple):
    """What reversed something: the event that asked for it, its reason (empty: it gave none), and who had it sent, if a person did."""

    event: EventRef
    reason: str
    actor: str | None = None


class Bought(NamedTuple):
    """What a sales payment mirrors, in the payer's books: the vendor payment, and the invoice that R is in the seller's books."""

    payment: Document
    invoice: Document


@dataclass(frozen=True, slots=True)
class Facts:
    """A line (`place` in the voucher's lines) with the record, documents and voucher that it comes of.

    `lowering` and `raising` are L and R of the record, `document` the voucher's own if it posts one; `original` is the voucher
    that a reversal mirrors, `reversal` what asked for it; `bought` is of a mirrored discount. Each is None where it is not known.
    """

    voucher: Voucher
    place: int
    lookup: Lookup
    record: RecordInForce | None = None
    lowering: Document | None = None
    raising: Document | None = None
    document: Document | None = None
    original: Voucher | None = None
    reversal: Reversal | None = None
    bought: Bought | None = None

    @property
    def line(self) -> VoucherLine:
        """The line itself."""
        return self.voucher.lines[self.place]

    @property
    def posted(self) -> Money:
        """The line's amount, whatever its side."""
        return Money(self.line.debit + self.line.credit, self.line.currency)

    @property
    def posted_accounting(self) -> Money:
        """The line's accounting amount, whatever its side."""
        return Money(self.line.accounting_debit + self.line.accounting_credit, self.voucher.accounting_currency)

    @property
    def is_foreign(self) -> bool:
        """Whether the line is in another currency than the company keeps its books in."""
        return self.line.currency != self.voucher.accounting_currency


class Settled(NamedTuple):
    """A record with both its documents and what decided it; `why` is empty for records of before that was written."""

    record: RecordInForce
    lowering: Document
    raising: Document
    why: Why

    @property
    def applied(self) -> Decimal:
        """What was applied to R, in its currency."""
        record, beside = self.record, self.record.cash_discount + self.shortfall
        return record.taken_from_raising - (record.credit_note_discount if record.enlarges else beside)

    @property
    def remainder(self) -> Decimal:
        """What L had left and wrote off, in its currency."""
        record = self.record
        if record.enlarges:
            return ZERO
        return record.taken_from_lowering - record.amount - record.credit_note_discount

    @property
    def shortfall(self) -> Decimal:
        """What R lacked and was written off, in its currency."""
        record = self.record
        if record.enlarges:
            return ZERO
        return record.underpayment + record.penny_difference - (self.remainder - record.overpayment)


@dataclass(slots=True)
class Explained:
    """What a line was found to be: clauses (key of the texts, values), and the figures that these give.

    `amounts` and `accounting` are what the arithmetic may give; the line is explained if its own are among them.
    """

    clauses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    amounts: list[Decimal] = field(default_factory=list)
    accounting: list[Decimal] = field(default_factory=list)
    rules: tuple[str, ...] = ()
    parameters: list[Parameter] = field(default_factory=list)
    mirrors: dict[str, Any] | None = None

    def say(self, key: str, **values: Any) -> None:
        """Adds a clause."""
        self.clauses.append((key, values))
