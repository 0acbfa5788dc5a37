"""The parts of a run: marks, what takes and what gives, the records that come of them, and the orders of settlement.

Invariant: `Taker` and `Giver` are copies; a document does not change before its record is posted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.documents import Document, Term
from tests.oracle.money import ZERO, number, rounded
from tests.oracle.reference import Row

Day = date


@dataclass
class Mark:
    """What was said of a document to be settled; amounts as they were typed."""

    document: Document
    said: Row = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.amount, self.typed = number(self.said.get("amount_to_settle")), number(self.said.get("cash_discount_to_take"))
        self.agreed, self.use = number(self.said.get("cross_rate")), self.said.get("use_cash_discount") or "normal"
        self.full = bool(self.said.get("full_settlement"))


@dataclass
class Wanted:
    """What is to be settled. `payer`: the payment whose marks these are; `automatic`: nobody marked anything."""

    marks: list[Mark]
    when: Day
    payer: Document | None = None
    primary: Document | None = None
    discount_date: Day | None = None
    automatic: bool = False


@dataclass
class Record:
    """One pair of the run: `lowering` gave, `other` lost. `enlarges`: the other is a lowering document that enlarges the primary."""

    lowering: Document
    other: Document
    date: Day
    amount: Fraction  # in the lowering document's currency, as over
    applied: Fraction  # in the other's currency, as discount and under
    discount: Fraction = ZERO
    mark: Mark | None = None
    tier: Term | None = None
    own_tier: Term | None = None
    own_discount: Fraction = ZERO  # in the credit note's currency
    over: Fraction = ZERO
    under: Fraction = ZERO
    penny: bool = False  # over or under is a penny difference
    enlarges: bool = False


@dataclass
class Taker:
    """A raising document R in the run."""

    mark: Mark
    left: Fraction
    records: list[Record] = field(default_factory=list)
    taken_paid: Fraction = ZERO  # in the payment's currency, by those in it
    taken: Fraction = ZERO  # in R's currency, by the others
    limited: bool = False  # its mark let it take less than it needed
    short: bool = False  # C35: the shortfall is written off

    def __post_init__(self) -> None:
        self.document = self.mark.document


@dataclass
class Giver:
    """A lowering document L in the run; `pool` is what other L's have given a primary, `share_at` the share of its own discount."""

    document: Document
    balance: Fraction
    offer: Fraction | None
    share_at: Callable[[Day], tuple[Fraction, Term | None]]
    pool: Fraction = ZERO
    records: list[Record] = field(default_factory=list)
    enlarging: bool = False

    def money(self, when: Day) -> Fraction:
        """What it has of its own, its own discount taken off, at most its offer."""
        own = self.balance - rounded(self.balance * self.share_at(when)[0], self.document.currency)
        return own if self.offer is None else min(own, self.offer)

    def give(self, amount: Fraction, when: Day) -> Fraction:
        """Gives the amount, its own money first; the discount that this takes on a credit note, pair by pair as in step 4b."""
        own, share, currency, discount = min(amount, self.money(when)), self.share_at(when)[0], self.document.currency, ZERO
        if own > 0:
            whole = rounded(self.balance * share, currency)
            closes = own == self.balance - whole
            discount = whole if closes else min(rounded(own / (1 - share) * share, currency), self.balance - own)
        self.pool -= amount - own
        self.balance -= own + discount
        self.offer = None if self.offer is None else self.offer - own
        return discount

    def left(self) -> Fraction:
        """What it may still give, its own discount not taken off."""
        return self.pool + (self.balance if self.offer is None else min(self.balance, self.offer))


# The orders of settlement: the document number, as text, then the company always break ties


def by_default(better: Callable[[Mark], Fraction], *, due: bool = True) -> Callable[[Mark], tuple[Any, ...]]:
    """C13: due date, better discount, date, voucher; F-B07: date, better discount, voucher."""

    def key(mark: Mark) -> tuple[Any, ...]:
        document = mark.document
        return (document.due_date if due else document.date, -better(mark), document.date, document.number, document.company)

    return key


def sort_by_priority(marks: list[Mark], priority: list[Row], tier: Callable[[Document], Term | None]) -> None:
    """F-B13: the user's attributes, the first counts most."""
    marks.sort(key=lambda mark: (mark.document.number, mark.document.company))
    for attribute, direction in reversed([pair for entry in priority for pair in entry.items()]):
        marks.sort(key=_attribute(attribute, direction, tier), reverse=direction == "descending")


def _attribute(name: str, kinds: Any, tier: Callable[[Document], Term | None]) -> Callable[[Mark], Any]:
    def last_date(document: Document) -> Day:
        reached = tier(document)
        return reached.until if reached and reached.until else date.max

    attributes: dict[str, Callable[[Document], Any]] = {
        "transaction_date": lambda document: document.date,
        "due_date": lambda document: document.due_date,
        "transaction_amount": lambda document: document.amount,
        "cash_discount_date": last_date,
        "voucher": lambda document: document.number,
        "transaction_type": lambda document: kinds.index(document.kind) if document.kind in kinds else len(kinds),
    }
    return lambda mark: attributes[name](mark.document)
