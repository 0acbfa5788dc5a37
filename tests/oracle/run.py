"""One run in transaction currency: order, pairs, discounts, differences (rules.md, part 1, steps 2 to 7).

Invariant: a run is computed from copies (`Taker`, `Giver`); no document changes here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.documents import Document, Term
from tests.oracle.money import ZERO, rounded
from tests.oracle.rates import Rates
from tests.oracle.reference import Reference, Row


@dataclass
class Mark:
    """What was said of a document to be settled; amounts as they were typed."""

    document: Document
    amount: Fraction | None = None
    use: str = "normal"
    typed: Fraction | None = None
    full: bool = False
    account: str | None = None
    agreed: Fraction | None = None


@dataclass
class Record:
    """One pair of the run: `lowering` gave, `other` lost. `enlarges`: the other is a lowering document that enlarges the primary."""

    lowering: Document
    other: Document
    date: date
    amount: Fraction  # in the lowering document's currency, as over
    applied: Fraction  # in the other's currency, as discount and under
    discount: Fraction = ZERO
    own_discount: Fraction = ZERO  # in the credit note's currency
    over: Fraction = ZERO
    under: Fraction = ZERO
    penny: Fraction = ZERO
    penny_over: bool = False
    enlarges: bool = False
    mark: Mark | None = None
    tier: Term | None = None
    own_tier: Term | None = None


@dataclass
class Taker:
    """A raising document R in the run."""

    document: Document
    mark: Mark
    left: Fraction
    records: list[Record] = field(default_factory=list)
    taken_paid: Fraction = ZERO  # in the payment's currency, by those in it
    taken: Fraction = ZERO  # in R's currency, by the others
    limited: bool = False
    short: bool = False  # C35: the shortfall is written off
    typed: bool = False


@dataclass
class Giver:
    """A lowering document L in the run; `pool` is what other L's have given a primary."""

    document: Document
    balance: Fraction
    offer: Fraction | None
    share_at: Any  # date -> (share, tier) of its own discount
    pool: Fraction = ZERO
    records: list[Record] = field(default_factory=list)
    enlarging: bool = False

    def money(self, when: date) -> Fraction:
        """What it has of its own, its own discount taken off, at most its offer."""
        own = self.balance - rounded(self.balance * self.share_at(when)[0], self.document.currency)
        return own if self.offer is None else min(own, self.offer)

    def give(self, amount: Fraction, when: date) -> Fraction:
        """Gives the amount, its own money first; the discount that this takes on a credit note."""
        own = min(amount, self.money(when))
        share = self.share_at(when)[0]
        whole = rounded(self.balance * share, self.document.currency)
        discount = ZERO
        if own > 0 and own == self.balance - whole:
            discount = whole
        elif own > 0:
            discount = min(rounded(own / (1 - share) * share, self.document.currency), self.balance - own)
        self.pool -= amount - own
        self.balance -= own + discount
        if self.offer is not None:
            self.offer -= own
        return discount

    def left(self) -> Fraction:
        """What it may still give, its own discount not taken off."""
        return self.pool + (self.balance if self.offer is None else min(self.balance, self.offer))


class Run:
    """The pairs of one settlement. `payer`: the payment whose marks these are; `automatic`: nobody marked anything."""

    def __init__(
        self, reference: Reference, lookup: Any, marks: list[Mark], when: date, *, payer: Document | None = None,
        primary: Document | None = None, discount_date: date | None = None, automatic: bool = False, trail: set[str] | None = None,
    ) -> None:  # fmt: skip
        self.reference, self.lookup, self.rates = reference, lookup, Rates(reference)
        self.marks, self.when, self.payer, self.primary = marks, when, payer, primary
        self.discount_date, self.automatic = discount_date, automatic
        self.trail: set[str] = set() if trail is None else trail
        self.held: set[Any] = set()
        self.records: list[Record] = []
        self.visited: list[tuple[str, str]] = []  # companies of L and R of the pairs looked at
        self.compute()

    # What settings say

    def parameter(self, document: Document, name: str) -> Any:
        """A settlement parameter of the document's company."""
        return self.reference.parameter(document.company, document.ledger, name)

    def limit(self, document: Document, name: str) -> Fraction:
        """A tolerance of the document's company."""
        return self.reference.limit(document.company, document.ledger, name)

    def discount_day(self, lowering: Document) -> date:
        """C28: the date that counts for the discount of an R that takes from L."""
        return self.discount_date or (self.primary or lowering).date

    def order_day(self) -> date:
        """The date for `better discount`."""
        return self.discount_date or (self.primary.date if self.primary else self.when)

    def share(self, document: Document, when: date, use: str) -> tuple[Fraction, Term | None]:
        """p of R's terms (step 4a)."""
        tier = document.tier(when, always=use == "always")
        return (ZERO if use == "never" else document.share(tier, self.parameter(document, "cash_discount_base"))), tier

    def own_share(self, document: Document, when: date) -> tuple[Fraction, Term | None]:
        """The share of a credit note's own discount: its terms, or those of the document it credits (C16)."""
        if document.kind != "credit_note" or not self.parameter(document, "cash_discounts_for_credit_notes"):
            return ZERO, None
        source = self.lookup((document.ledger, document.company, document.credits)) if document.credits else document
        tier = source.tier(when) if source else None
        if tier is None:
            return ZERO, None
        return document.share(tier, self.parameter(document, "cash_discount_base")), tier

    def record_date(self, lowering: Document, other: Document) -> date:
        """The later of the two documents, but not before what caused the run."""
        return max(lowering.date, other.date, self.when)

    # Step 2: the order

    def better(self, mark: Mark) -> Fraction:
        """The discount that could be saved on what is open, by the terms."""
        document = mark.document
        return rounded(document.balance * self.share(document, self.order_day(), mark.use)[0], document.currency)

    def default_order(self, mark: Mark) -> tuple[Any, ...]:
        """C13."""
        document = mark.document
        saved = self.better(mark) if document.raises else ZERO
        return (document.due_date, -saved, document.date, document.number, document.company)

    def date_order(self, mark: Mark) -> tuple[Any, ...]:
        """F-B07."""
        return (mark.document.date, -self.better(mark), mark.document.number, mark.document.company)

    def priority(self, mark: Mark) -> tuple[Any, ...]:
        """The user's priority; the document number always breaks ties."""
        document, keys = mark.document, []
        for entry in self.parameter(document, "settlement_priority"):
            ((attribute, direction),) = entry.items()
            if attribute == "transaction_type":
                value: Any = direction.index(document.kind) if document.kind in direction else len(direction)
            else:
                value = self._attribute(document, attribute)
            keys.append(_Backwards(value) if direction == "descending" else value)
        return (*keys, document.number, document.company)

    def _attribute(self, document: Document, attribute: str) -> Any:
        if attribute == "cash_discount_date":
            tier = document.tier(self.when)
            return tier.until if tier and tier.until else date.max
        if attribute == "transaction_amount":
            return document.amount
        return {"transaction_date": document.date, "due_date": document.due_date, "voucher": document.number}[attribute]

    def ordered(self) -> tuple[list[Mark], list[Mark]]:
        """The R's and the L's in the order of the run."""
        raising = [mark for mark in self.marks if mark.document.raises]
        lowering = [mark for mark in self.marks if not mark.document.raises]
        if self.automatic and self.parameter(self.marks[0].document, "settlement_priority"):
            self.trail.add("F-B13")
            raising.sort(key=self.priority)
            lowering.sort(key=self.priority)
        else:
            raising.sort(key=self.default_order)
            lowering.sort(key=self.default_order)
        lowering.sort(key=lambda mark: mark.document.kind != "payment")
        if not self.automatic and self._wanted(raising) > self._offered(lowering):
            self.trail.add("F-B07")
            raising.sort(key=self.date_order)
        return raising, lowering

    def _wanted(self, raising: list[Mark]) -> Fraction:
        total = ZERO
        for mark in raising:
            document, saved = mark.document, self.better(mark)
            need = document.balance - (saved if mark.typed is None else min(mark.typed, document.balance))
            total += need if mark.amount is None else min(need, mark.amount)
        return total

    def _offered(self, lowering: list[Mark]) -> Fraction:
        total = ZERO
        for mark in lowering:
            document = mark.document
            day = max(self.when, document.date)
            money = document.balance - rounded(document.balance * self.own_share(document, day)[0], document.currency)
            total += money if mark.amount is None else min(money, mark.amount)
        return total

    # Steps 3 to 7

    def compute(self) -> None:
        """Computes until no shortfall is written off that a mark only held back."""
        raising, lowering = self.ordered()
        while True:
            self.records, self.visited = [], []
            self.takers = [Taker(mark.document, mark, mark.document.balance) for mark in raising]
            self.givers = [self._giver(mark) for mark in lowering]
            hub = next((giver for giver in self.givers if giver.document is self.primary), None)
            if hub is not None:
                self.trail.add("F-B08")
                self._enlarge(hub)
            for taker in self.takers:
                self._take(taker, [hub] if hub else self.givers)
            wrong = {id(taker.document) for taker in self.takers if taker.short and self._held_back(taker)}
            if not wrong:
                break
            self.held |= wrong
        for giver in self.givers:
            self._unspecific(giver)
        for taker in self.takers:
            self._full_settlement(taker)
        for giver in self.givers:
            self._left_over(giver)
        for taker in self.takers:
            self._lacking(taker)

    def _giver(self, mark: Mark) -> Giver:
        document, offer = mark.document, mark.amount
        if offer is not None and self.payer is not None and document.currency != self.payer.currency:
            offer = self.rates.worth(offer, self.payer, document.company, document.currency)
        return Giver(document, document.balance, offer, lambda when: self.own_share(document, when))

    def _agreed(self, taker: Taker, lowering: Document) -> Fraction | None:
        return taker.mark.agreed if lowering is self.payer else None

    def _visit(self, lowering: Document, other: Document) -> None:
        if lowering.company != other.company:
            self.visited.append((lowering.company, other.company))

    def _discount(self, taker: Taker, lowering: Document) -> tuple[Fraction, Fraction, Term | None]:
        """p, the discount that would close R, and the tier that the date reaches."""
        document, mark = taker.document, taker.mark
        share, tier = self.share(document, self.discount_day(lowering), mark.use)
        if lowering.kind == "credit_note" and not self.parameter(lowering, "cash_discounts_for_credit_notes"):
            share = ZERO
        if mark.typed is not None:
            return ZERO, (ZERO if taker.records else min(mark.typed, taker.left)), tier
        return share, min(rounded(taker.left * share, document.currency), taker.left), tier

    def _caps(self, taker: Taker, lowering: Document) -> tuple[Fraction | None, Fraction | None]:
        """What R's mark still lets it take: in L's currency where that is the payment's, else in R's own."""
        amount, payer, document = taker.mark.amount, self.payer, taker.document
        if amount is None:
            return None, None
        if payer is None or (payer.currency == document.currency and lowering.currency != payer.currency):
            return None, amount - taker.taken - taker.taken_paid
        if payer.currency == document.currency:
            return amount - taker.taken - taker.taken_paid, None
        agreed, where = taker.mark.agreed, (payer, document.company, document.currency)
        if lowering.currency == payer.currency:
            if not taker.taken:
                return amount - taker.taken_paid, None
            left = self.rates.worth(amount, *where, agreed) - taker.taken
            return (amount - taker.taken_paid - self.rates.cost(taker.taken, *where, agreed) if left > 0 else ZERO), None
        gone = self.rates.worth(taker.taken_paid, *where, agreed) if taker.taken_paid else ZERO
        return None, self.rates.worth(amount, *where, agreed) - taker.taken - gone

    def _take(self, taker: Taker, givers: list[Giver]) -> None:
        """Step 4: R takes from its L's in order."""
        document = taker.document
        for place, giver in enumerate(givers):
            if taker.left <= 0:
                break
            self._pair(taker, giver, givers[place + 1 :])
        keeps = self.parameter(document, "cash_discounts_for_partial_payments") or taker.mark.use == "always" or taker.typed
        if taker.left > 0 and not taker.short and not keeps:
            for record in taker.records:
                self.trail.add("C36")
                taker.left += record.discount
                record.discount = ZERO

    def _pair(self, taker: Taker, giver: Giver, further: list[Giver]) -> None:
        lowering, document = giver.document, taker.document
        when = self.record_date(lowering, document)
        money = giver.money(when) + giver.pool
        if money <= 0:
            return
        self._visit(lowering, document)
        share, discount, tier = self._discount(taker, lowering)
        need = taker.left - discount
        paid_cap, cap = self._caps(taker, lowering)
        if (paid_cap is not None and paid_cap <= 0) or (cap is not None and cap <= 0):
            taker.limited = True
            return
        available = money if paid_cap is None else min(money, paid_cap)
        want = need if cap is None else min(need, cap)
        paid, applied = self._exchange(taker, lowering, available, want)
        if applied == 0 and want > 0:
            return
        closes = applied == need
        if not closes:
            taker.limited = taker.limited or want < need or (paid_cap is not None and self._exchange(taker, lowering, paid_cap, need)[1] < need)
            exhausted = paid == paid_cap or applied == cap
            beyond = exhausted or not any(each.money(self.record_date(each.document, document)) + each.pool > 0 for each in further)
            if beyond and self._would_write_off(taker, need - applied, discount, lowering):
                self.trail.add("C35")
                taker.short = True
            elif taker.mark.typed is None:
                discount = min(rounded(applied / (1 - share) * share, document.currency), taker.left - applied)
        record = Record(lowering, document, when, paid, applied, discount, mark=taker.mark, tier=tier)
        record.own_tier = giver.share_at(when)[1]
        record.own_discount = giver.give(paid, when)
        taker.typed = taker.typed or taker.mark.typed is not None
        taker.left -= applied + discount
        self._count(taker, lowering, paid, applied)
        for owner in (taker, giver):
            owner.records.append(record)
        self.records.append(record)

    def _count(self, taker: Taker, lowering: Document, paid: Fraction, applied: Fraction) -> None:
        if self.payer is not None and lowering.currency == self.payer.currency:
            taker.taken_paid += paid
        else:
            taker.taken += applied

    def _exchange(self, taker: Taker, lowering: Document, money: Fraction, want: Fraction) -> tuple[Fraction, Fraction]:
        """What L pays and what R gets of what it wants."""
        where = (lowering, taker.document.company, taker.document.currency, self._agreed(taker, lowering))
        if lowering.currency == taker.document.currency:
            return (min(money, want),) * 2
        worth, cost = self.rates.worth(money, *where), self.rates.cost(want, *where)
        if money >= cost or worth >= want:
            return min(cost, money), want
        return (money, worth) if worth else (ZERO, ZERO)

    def _would_write_off(self, taker: Taker, short: Fraction, discount: Fraction, lowering: Document) -> bool:
        """Whether step 7 would write the shortfall off."""
        if taker.mark.full or id(taker.document) in self.held:
            return False
        document = taker.document
        value = document.value(short, self.reference.currency(document.company))
        if self.limit(document, "maximum_penny_difference") > 0 and value <= self.limit(document, "maximum_penny_difference"):
            return True
        pays = any(each.kind == "payment" for each in [lowering, *(record.lowering for record in taker.records)])
        allowed = self.parameter(lowering, "over_under_policy") == "classic" or discount > 0 or any(r.discount for r in taker.records)
        most = self.limit(document, "maximum_overpayment_or_underpayment")
        return pays and allowed and most > 0 and value <= most

    def _enlarge(self, hub: Giver) -> None:
        """Step 3: the other L's enlarge the primary, only as far as the marked R's need it."""
        lowering = hub.document
        short = -hub.money(max(lowering.date, self.when))
        needs = [self._needs(taker, lowering) for taker in self.takers]
        for giver in self.givers:
            if giver is hub:
                continue
            giver.enlarging = True
            when = self.record_date(lowering, giver.document)
            money = giver.money(when)
            if sum(needs, short) <= 0 or money <= 0:
                continue
            self._visit(lowering, giver.document)
            place = (lowering, giver.document.company, giver.document.currency)
            room = sum(needs, short) - hub.pool
            if room <= 0:
                continue
            if lowering.currency == giver.document.currency:
                paid = lost = min(room, money)
            else:
                worth, cost = self.rates.worth(room, *place), self.rates.cost(money, *place)
                paid, lost = (min(cost, room), money) if room >= cost or worth >= money else (room, worth)
            if not paid or not lost:
                continue
            record = Record(lowering, giver.document, when, paid, lost, enlarges=True, own_tier=giver.share_at(when)[1])
            record.own_discount = giver.give(lost, when)
            hub.pool += paid
            giver.records.append(record)
            self.records.append(record)

    def _needs(self, taker: Taker, lowering: Document) -> Fraction:
        """What R needs of the primary, in its currency."""
        need = taker.left - self._discount(taker, lowering)[1]
        paid_cap, cap = self._caps(taker, lowering)
        self._visit(lowering, taker.document)
        want = need if cap is None else min(need, cap)
        cost = self.rates.cost(want, lowering, taker.document.company, taker.document.currency, self._agreed(taker, lowering))
        return cost if paid_cap is None else min(cost, paid_cap)

    def _held_back(self, taker: Taker) -> bool:
        """Whether an amount to settle holds back money that is still there, on R's mark or on a marked L."""
        there = [giver for giver in self.givers if giver.balance + giver.pool > 0]
        return bool(there) and (taker.limited or any(giver.offer is not None and giver.balance > giver.offer for giver in there))

    def held_marks(self) -> list[Document]:
        """The documents whose own mark held money back: R's, and marked L's that offered less than they have."""
        there = any(giver.balance + giver.pool > 0 for giver in self.givers)
        found = [taker.document for taker in self.takers if there and taker.limited]
        return found + [giver.document for giver in self.givers if giver.offer == 0 and giver.balance > 0]

    def discount_company(self, record: Record) -> str:
        """Where the discount of a record is posted."""
        lowering, other = record.lowering, record.other
        option = self.reference.option("post_cash_discount", lowering.ledger, lowering.company, other.company)
        return lowering.company if option == "payment" else other.company

    def _unspecific(self, giver: Giver) -> None:
        """Step 5: what is left on a payment shrinks the discounts of the run."""
        payment = giver.document
        if payment.kind != "payment" or self.parameter(payment, "cash_discount_administration") != "unspecific" or giver.enlarging:
            return
        mine = [taker for taker in self.takers if any(record.lowering is payment for record in taker.records)]
        if any(taker.left > 0 for taker in mine):
            return
        for taker in reversed(mine):
            if taker.typed:
                continue
            own = next(record for record in taker.records if record.lowering is payment)
            for record in [own, *(each for each in reversed(taker.records) if each is not own)]:
                if record.discount > 0 and giver.left() > 0 and self.discount_company(record) == payment.company:
                    self._shrink(giver, taker, own, record)

    def _shrink(self, giver: Giver, taker: Taker, own: Record, record: Record) -> None:
        paid_cap, cap = self._caps(taker, giver.document)
        money = giver.left() if paid_cap is None else min(giver.left(), paid_cap)
        want = record.discount if cap is None else min(record.discount, cap)
        if money <= 0 or want <= 0:
            return
        paid, lost = self._exchange(taker, giver.document, money, want)
        self.trail.add("F-E05")
        record.discount -= lost
        own.applied += lost
        own.amount += paid
        giver.give(paid, own.date)
        self._count(taker, giver.document, paid, lost)

    def _full_settlement(self, taker: Taker) -> None:
        """Step 6."""
        if taker.mark.full and taker.left > 0 and any(record.applied or record.discount for record in taker.records):
            self.trail.add("F-B17")
            taker.records[-1].discount += taker.left
            taker.left = ZERO

    def _concerned(self, records: list[Record]) -> bool:
        """C8: whether an R of these records has a discount in this run."""
        others = {id(record.other) for record in records}
        return any(record.discount > 0 for record in self.records if id(record.other) in others)

    def _left_over(self, giver: Giver) -> None:
        """Step 7: what an L has left after all its R's are closed."""
        document, left = giver.document, giver.left()
        mine = [taker for taker in self.takers if any(record.lowering is document for record in taker.records)]
        if giver.enlarging or not giver.records or left <= 0 or left < giver.balance + giver.pool or any(t.left > 0 for t in mine):
            return
        value, record = document.value(left, self.reference.currency(document.company)), giver.records[-1]
        penny, most = self.limit(document, "maximum_penny_difference"), self.limit(document, "maximum_overpayment_or_underpayment")
        allowed = self.parameter(document, "over_under_policy") == "classic" or self._concerned(giver.records)
        if penny > 0 and value <= penny:
            record.penny, record.penny_over = left, True
        elif document.kind == "payment" and allowed and most > 0 and value <= most and not self.automatic:
            record.over = left
        else:
            return
        giver.balance = giver.pool = ZERO

    def _lacking(self, taker: Taker) -> None:
        """Step 7: what an R lacks."""
        document, short = taker.document, taker.left
        if short <= 0 or not taker.records or self._held_back(taker) or taker.mark.full:
            return
        record = taker.records[-1]
        if not self._would_write_off(taker, short, ZERO, record.lowering):
            return
        value, penny = document.value(short, self.reference.currency(document.company)), self.limit(document, "maximum_penny_difference")
        if penny > 0 and value <= penny:
            if record.penny:
                return
            record.penny = short
        else:
            record.under = short
        taker.left = ZERO


class _Backwards:
    """A sort key in descending order."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: _Backwards) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


def mark_of(document: Document, said: Row, number: Any) -> Mark:
    """A mark as an event says it."""
    return Mark(
        document, number(said.get("amount_to_settle")), said.get("use_cash_discount") or "normal", number(said.get("cash_discount_to_take")),
        bool(said.get("full_settlement")), said.get("cash_discount_account"), number(said.get("cross_rate")),
    )  # fmt: skip
