"""One run in transaction currency: order, pairs, discounts, differences (rules.md, part 1, steps 2 to 7).

Invariant: a run is computed from copies (`Taker`, `Giver`); no document changes here.
"""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any

from tests.oracle.documents import Document, Giver, Mark, Rates, Record, Taker, Term
from tests.oracle.reference import ZERO, Key, Reference, number, rounded, total

Day = date


@dataclass(eq=False)
class Run:
    """The pairs of one settlement."""

    reference: Reference
    documents: dict[Key, Document]
    marks: list[Mark]
    when: Day
    payer: Document | None = None  # the payment whose marks these are
    primary: Document | None = None
    discount_date: Day | None = None
    automatic: bool = False  # nobody marked anything
    records: list[Record] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)  # the companies of the pairs looked at
    held: set[Key] = field(default_factory=set)
    shrunk: bool = False  # step 5 took from a discount

    def __post_init__(self) -> None:
        self.rates = Rates(self.reference)

    def parameter(self, document: Document, name: str) -> Any:
        """A settlement parameter of the document's company."""
        return self.reference.parameter(document.company, document.ledger, name)

    def within(self, document: Document, amount: Fraction, name: str) -> bool:
        """Whether an amount of the document is within a limit of its company (C9); a limit of 0.00 writes nothing off."""
        limit = number(self.parameter(document, name)) or ZERO
        return limit > 0 and document.value(amount, self.reference.currency(document.company)) <= limit

    # Step 4a: the shares of the discounts

    def share(self, mark: Mark, when: Day) -> tuple[Fraction, Term | None]:
        """The share p of R's terms at a date, and the tier that it reaches."""
        document = mark.document
        tier = document.tier(when, always=mark.use == "always")
        return (ZERO if mark.use == "never" else document.share(tier, self.parameter(document, "cash_discount_base"))), tier

    def tier(self, document: Document, when: Day) -> Term | None:
        """The tier that counts for a document: its own, for a discount of a credit note that of what it credits (C16)."""
        credited = self.documents.get((document.ledger, document.company, str(document.said.get("credits"))))
        its_own = document.kind != "credit_note" or not self.parameter(document, "cash_discounts_for_credit_notes")
        return (document if its_own else credited or document).tier(when)

    def own_share(self, document: Document, when: Day) -> tuple[Fraction, Term | None]:
        """The share of a credit note's own discount."""
        if document.kind != "credit_note" or not self.parameter(document, "cash_discounts_for_credit_notes"):
            return ZERO, None
        tier = self.tier(document, when)
        return document.share(tier, self.parameter(document, "cash_discount_base")), tier

    def better(self, mark: Mark) -> Fraction:
        """The discount that the terms save on what is open; a credit note's is its own."""
        document, when = mark.document, self.discount_date or (self.primary.date if self.primary else self.when)
        share, _ = self.share(mark, when) if document.raises else self.own_share(document, when)
        return rounded(document.balance * share, document.currency)

    # Step 2: the order; document number, as text, and company always break ties

    def ordered(self) -> tuple[list[Mark], list[Mark]]:
        """The R's and the L's in the order of the run."""
        marks = sorted(self.marks, key=self._by_default)
        if self.automatic:
            self._by_priority(marks)
        raising = [mark for mark in marks if mark.document.raises]
        lowering = sorted((mark for mark in marks if not mark.document.raises), key=lambda mark: mark.document.kind != "payment")
        offered = total(self._giver(mark).money(max(self.when, mark.document.date)) for mark in lowering)
        self.by_date = not self.automatic and self._wanted(raising) > offered  # F-B07
        if self.by_date:
            raising.sort(key=lambda mark: (mark.document.date, *self._by_default(mark)[1:]))
        return raising, lowering

    def _by_default(self, mark: Mark) -> tuple[Any, ...]:
        """C13: due date, better discount, date, voucher."""
        document = mark.document
        return (document.due_date, -self.better(mark), document.date, document.number, document.company)

    def _by_priority(self, marks: list[Mark]) -> None:
        """F-B13: the user's attributes, the first counts most."""
        priority = [pair for entry in self.parameter(marks[0].document, "settlement_priority") or [] for pair in entry.items()]
        if priority:
            marks.sort(key=lambda mark: (mark.document.number, mark.document.company))
        for name, direction in reversed(priority):
            attribute = partial(self._attribute, name, direction)
            marks.sort(key=attribute, reverse=direction == "descending")

    def _attribute(self, name: str, kinds: Any, mark: Mark) -> Any:
        document = mark.document
        if name == "transaction_type":
            return kinds.index(document.kind) if document.kind in kinds else len(kinds)
        if name == "cash_discount_date":
            tier = self.tier(document, self.when)
            return tier.until if tier and tier.until else date.max
        fields = {"transaction_date": "date", "due_date": "due_date", "transaction_amount": "amount", "voucher": "number"}
        return getattr(document, fields[name])

    def _wanted(self, raising: list[Mark]) -> Fraction:
        """The marks, less their discounts."""
        sizes = [mark.document.balance if mark.amount is None else mark.amount for mark in raising]
        less = [self.better(mark) if mark.typed is None else min(mark.typed, mark.document.balance) for mark in raising]
        return total(min(mark.document.balance - its, size) for mark, its, size in zip(raising, less, sizes, strict=True))

    def _giver(self, mark: Mark) -> Giver:
        document, offer = mark.document, mark.amount
        if offer is not None and self.payer is not None:
            offer = self.rates.worth(offer, self.payer, document)
        return Giver(document, document.balance, offer, lambda when: self.own_share(document, when))

    # Steps 3 to 7

    def compute(self) -> None:
        """Computes until no shortfall is written off that a mark only holds back."""
        raising, lowering = self.ordered()
        while True:
            self.records = []
            self.takers, self.givers = [Taker(mark, mark.document.balance) for mark in raising], [self._giver(mark) for mark in lowering]
            hub = next((giver for giver in self.givers if giver.document is self.primary), None)
            if hub is not None:
                self._enlarge(hub)
            for taker in self.takers:
                self._take(taker, [hub] if hub else self.givers)
            wrong = {taker.document.key for taker in self.takers if taker.short and self._held_back(taker)}
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

    def _agreed(self, taker: Taker, lowering: Document) -> Fraction | None:
        return taker.mark.agreed if lowering is self.payer else None

    def _discount(self, taker: Taker, lowering: Document) -> tuple[Fraction, Fraction, Term | None]:
        """The share p, the discount that would close R, and the tier whose account it has."""
        mark, document = taker.mark, taker.document
        share, tier = self.share(mark, self.discount_date or (self.primary or lowering).date)  # C28
        if lowering.kind == "credit_note" and not self.parameter(lowering, "cash_discounts_for_credit_notes"):
            share = ZERO
        if mark.typed is not None:
            return ZERO, (ZERO if taker.records else min(mark.typed, taker.left)), tier
        return share, min(rounded(taker.left * share, document.currency), taker.left), tier if share else None

    def _caps(self, taker: Taker, lowering: Document) -> tuple[Fraction | None, Fraction | None]:
        """What R's mark still lets it take: in L's currency where that is the payment's, else in R's own."""
        amount, payer, document, agreed = taker.mark.amount, self.payer, taker.document, taker.mark.agreed
        if amount is None:
            return None, None
        if payer is None or payer.currency == document.currency:
            left = amount - taker.taken - taker.taken_paid
            return (left, None) if payer is not None and lowering.currency == payer.currency else (None, left)
        if lowering.currency != payer.currency:
            gone = self.rates.worth(taker.taken_paid, payer, document, agreed) if taker.taken_paid else ZERO
            return None, self.rates.worth(amount, payer, document, agreed) - taker.taken - gone
        if taker.taken and self.rates.worth(amount, payer, document, agreed) <= taker.taken:
            return ZERO, None
        return amount - taker.taken_paid - (self.rates.cost(taker.taken, payer, document, agreed) if taker.taken else ZERO), None

    def _exchange(self, money: Fraction, want: Fraction, pair: tuple[Document, Document], agreed: Any = None) -> tuple[Fraction, Fraction]:
        """What L pays and what the other gets of what it wants; L keeps money that is worth nothing to it."""
        if pair[0].currency == pair[1].currency or not want:  # nothing costs nothing, at any rate
            return (min(money, want),) * 2
        worth, cost = self.rates.worth(money, *pair, agreed), self.rates.cost(want, *pair, agreed)
        if money >= cost or worth >= want:
            return min(cost, money), want
        return (money, worth) if worth else (ZERO, ZERO)

    def _take(self, taker: Taker, givers: list[Giver]) -> None:
        """Step 4: R takes from its L's in order."""
        for place, giver in enumerate(givers):
            if taker.left > 0:
                self._pair(taker, giver, givers[place + 1 :])
        keeps = self.parameter(taker.document, "cash_discounts_for_partial_payments") or taker.mark.use == "always"
        if taker.left > 0 and not taker.short and not keeps and taker.mark.typed is None:
            for record in taker.records:
                taker.left += record.discount
                record.discount = ZERO

    def _pair(self, taker: Taker, giver: Giver, further: list[Giver]) -> None:
        lowering, document, agreed = giver.document, taker.document, self._agreed(taker, giver.document)
        pair = (lowering, document)
        when = max(lowering.date, document.date, self.when)
        money = giver.money(when) + giver.pool
        if money <= 0:
            return
        self.pairs.append((lowering.company, document.company))
        share, discount, tier = self._discount(taker, lowering)
        need, (paid_cap, cap) = taker.left - discount, self._caps(taker, lowering)
        if need > 0 and any(each is not None and each <= 0 for each in (paid_cap, cap)):
            taker.limited = True
            return
        want = need if cap is None else min(need, cap)
        paid, applied = self._exchange(money if paid_cap is None else min(money, paid_cap), want, pair, agreed)
        if want < need:
            applied = min(applied, self.rates.worth(paid, lowering, document, agreed))
        if applied == 0 and want > 0:
            return
        if applied < need:
            enough = paid_cap is None or self._exchange(paid_cap, need, pair, agreed)[1] >= need
            taker.limited |= want < need or not enough
            more = any(each.money(max(each.document.date, document.date, self.when)) + each.pool > 0 for each in further)
            if (paid == paid_cap or applied == cap or not more) and self._writes_off(taker, need - applied, discount, lowering):
                taker.short = True
            elif taker.mark.typed is None:
                discount = min(rounded(applied / (1 - share) * share, document.currency), taker.left - applied)
        record = Record(lowering, document, when, paid, applied, discount, taker.mark, tier, giver.share_at(when)[1])
        record.own_discount = giver.give(paid, when)
        taker.left -= applied + discount
        if self.payer is not None and lowering.currency == self.payer.currency:
            taker.taken_paid += paid
        else:
            taker.taken += applied
        for records in (taker.records, giver.records, self.records):
            records.append(record)

    def _writes_off(self, taker: Taker, short: Fraction, discount: Fraction, lowering: Document) -> bool:
        """Whether step 7 would write R's shortfall off."""
        if taker.mark.full or taker.document.key in self.held:
            return False
        if self.within(taker.document, short, "maximum_penny_difference"):
            return True
        pays = any(each.kind == "payment" for each in [lowering, *(record.lowering for record in taker.records)])
        given = discount > 0 or any(record.discount for record in taker.records)
        allowed = self.parameter(lowering, "over_under_policy") == "classic" or given  # C8
        return pays and allowed and self.within(taker.document, short, "maximum_overpayment_or_underpayment")

    def _enlarge(self, hub: Giver) -> None:
        """Step 3: the other L's enlarge the primary, only as far as the marked R's need it."""
        lowering = hub.document
        room = total(self._needs(taker, lowering) for taker in self.takers) - hub.money(max(lowering.date, self.when))
        for giver in (each for each in self.givers if each is not hub):
            giver.enlarging, other, when = True, giver.document, max(lowering.date, giver.document.date, self.when)
            if room <= 0 or giver.money(when) <= 0:
                continue
            self.pairs.append((lowering.company, other.company))
            paid, lost = self._exchange(room, giver.money(when), (lowering, other))
            if paid and lost:
                record = Record(lowering, other, when, paid, lost, own_tier=giver.share_at(when)[1], enlarges=True)
                record.own_discount = giver.give(lost, when)
                hub.pool += paid
                room -= paid
                self.records.append(record)

    def _needs(self, taker: Taker, lowering: Document) -> Fraction:
        """What R needs of the primary, in its currency."""
        need, (paid_cap, cap) = taker.left - self._discount(taker, lowering)[1], self._caps(taker, lowering)
        self.pairs.append((lowering.company, taker.document.company))
        cost = self.rates.cost(need if cap is None else min(need, cap), lowering, taker.document, self._agreed(taker, lowering))
        return cost if paid_cap is None else min(cost, paid_cap)

    def _there(self) -> list[Giver]:
        return [giver for giver in self.givers if giver.balance + giver.pool > 0]

    def _held_back(self, taker: Taker) -> bool:
        """Whether an amount to settle, R's or a marked L's, holds back money that is still there."""
        there = self._there()
        return bool(there) and (taker.limited or any(giver.offer is not None and giver.balance > giver.offer for giver in there))

    def held_marks(self) -> list[Document]:
        """The documents whose own mark held money back: R's, and marked L's that offered less than they have."""
        found = [taker.document for taker in self.takers if taker.limited and self._there()]
        return found + [giver.document for giver in self.givers if giver.offer == 0 and giver.balance > 0]

    def discount_company(self, record: Record) -> str:
        """Where the discount of a record is posted."""
        lowering, other = record.lowering, record.other
        option = self.reference.option("post_cash_discount", lowering.ledger, lowering.company, other.company)
        return lowering.company if option == "payment" else other.company

    def _takers_of(self, giver: Giver) -> list[Taker]:
        return [taker for taker in self.takers if any(record.lowering is giver.document for record in taker.records)]

    def _unspecific(self, giver: Giver) -> None:
        """Step 5: what is left on a payment shrinks the discounts of the run, the last R's first (C10, C11)."""
        payment, mine = giver.document, self._takers_of(giver)
        specific = self.parameter(payment, "cash_discount_administration") != "unspecific"
        if payment.kind != "payment" or specific or giver.enlarging or any(taker.left > 0 for taker in mine):
            return
        for taker in (each for each in reversed(mine) if each.mark.typed is None):
            own = next(record for record in taker.records if record.lowering is payment)
            for record in [own, *(each for each in reversed(taker.records) if each is not own)]:
                if record.discount > 0 and giver.left() > 0 and self.discount_company(record) == payment.company:
                    self.shrunk = True
                    agreed = self._agreed(taker, payment)
                    paid, lost = self._exchange(giver.left(), record.discount, (payment, taker.document), agreed)
                    record.discount, own.applied, own.amount = record.discount - lost, own.applied + lost, own.amount + paid
                    giver.give(paid, own.date)

    def _full_settlement(self, taker: Taker) -> None:
        """Step 6: what R still has open becomes discount."""
        if taker.mark.full and taker.left > 0 and any(record.applied or record.discount for record in taker.records):
            taker.records[-1].discount += taker.left
            taker.left = ZERO

    def _left_over(self, giver: Giver) -> None:
        """Step 7: what an L has left after all its R's are closed."""
        document, left, mine = giver.document, giver.left(), self._takers_of(giver)
        if giver.enlarging or left <= 0 or left < giver.balance + giver.pool or not mine or any(taker.left > 0 for taker in mine):
            return
        if any(taker.limited for taker in self.takers):  # held back, be it by an R that took from others
            return
        given = any(record.discount > 0 for taker in mine for record in taker.records)
        allowed = self.parameter(document, "over_under_policy") == "classic" or given  # C8
        penny = self.within(document, left, "maximum_penny_difference")
        by_payment = document.kind == "payment" and not self.automatic and allowed
        if penny or (by_payment and self.within(document, left, "maximum_overpayment_or_underpayment")):
            giver.records[-1].over, giver.records[-1].penny = left, penny
            giver.balance = giver.pool = ZERO

    def _lacking(self, taker: Taker) -> None:
        """Step 7: what an R lacks."""
        short, records = taker.left, taker.records
        if short <= 0 or not records or self._held_back(taker) or not self._writes_off(taker, short, ZERO, records[-1].lowering):
            return
        records[-1].under, records[-1].penny = short, self.within(taker.document, short, "maximum_penny_difference")
        taker.left = ZERO
