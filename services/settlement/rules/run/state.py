"""A run at work: its open items, what each still has, and the matches made so far (rules.md, "A run, step by step").

Invariant: open items and matches live inside one run and are changed only by its steps; the documents behind them stay
as they are until the whole run has been computed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from services.settlement.rules.run.cash_discount import NO_DISCOUNT, AvailableDiscount, CashDiscountTerms, OwnDiscount
from services.settlement.rules.run.conversion import Conversion
from services.settlement.rules.values import PAYMENT, Document, DocumentKey
from shared.events.envelope import EventRef
from shared.events.inbound import Mark
from shared.events.reference import SettlementParametersDefined
from shared.events.values import Ledger
from shared.money import ZERO
from shared.reference import Reference


class OpenItem(Struct, eq=False):
    """A document in a run. `left` is what it has open, `limit` what its mark lets through (None: all).

    The limit of a lowering document is in its own currency and falls with what it gives; that of a raising one is in the
    currency of the run's marks: `paid` is what was paid on it in that currency, `applied` what others applied to it, in its
    own. `is_limited`: its mark let it take less than it needed. `is_short`: what it lacks is written off (C35); `stays_open`:
    that turned out to be held back by a mark. `enlarged_by` is what other documents have added to a primary, beside what is
    `left` of its own. `settings` are the parameters of its company and ledger. `entered_discount_rule` is the rule that an
    entered discount is posted with: F-D10, in a mirror the one that made the discount which it mirrors (F-G03).
    """

    document: Document
    key: DocumentKey
    settings: SettlementParametersDefined
    mark: Mark | None
    position: int
    terms: CashDiscountTerms
    left: Decimal
    limit: Decimal | None = None
    paid: Decimal = ZERO
    applied: Decimal = ZERO
    enlarged_by: Decimal = ZERO
    is_limited: bool = False
    is_short: bool = False
    stays_open: bool = False
    matches: list[Match] = []
    entered_discount_rule: str = "F-D10"

    @property
    def is_payment(self) -> bool:
        """Whether it is a payment (an over- or underpayment needs one, C8)."""
        return self.document.kind == PAYMENT

    @property
    def entered_discount(self) -> Decimal | None:
        """The discount entered on the mark (F-D10)."""
        return None if self.mark is None else self.mark.cash_discount_to_take

    @property
    def use_cash_discount(self) -> str:
        """`normal`, `always` or `never` (F-D08)."""
        return "normal" if self.mark is None else self.mark.use_cash_discount

    @property
    def rest(self) -> Decimal:
        """All that is left of it, what enlarged it included."""
        return self.left + self.enlarged_by

    @property
    def agreed_rate(self) -> Decimal | None:
        """1 unit of the payment's currency in its own, as the mark says (F-C14)."""
        return None if self.mark is None else self.mark.cross_rate

    @property
    def wants_full_settlement(self) -> bool:
        """Whether the mark closes it whatever is paid (F-B17)."""
        return self.mark is not None and self.mark.full_settlement

    def restart(self, limit: Decimal | None) -> None:
        """As it was before anything was matched."""
        self.left, self.limit = self.document.open, limit
        self.paid = self.applied = self.enlarged_by = ZERO
        self.is_limited = self.is_short = False
        self.matches = []

    @property
    def discount_taken(self) -> bool:
        """Whether it has a discount in this run."""
        return any(match.discount for match in self.matches)


class Values(Struct, frozen=True, gc=False):
    """What a gain or loss is the difference of, in I's accounting currency: `received` + `discount` less the two others.

    `applied` is R's accounting amount of the applied part; `discount_before` that of the discount at R's own rate. Where a
    document enlarged the primary, `received` is that document's accounting amount and `applied` the primary's.
    """

    received: Decimal
    applied: Decimal
    discount: Decimal = ZERO
    discount_before: Decimal = ZERO


class Match(Struct, eq=False):
    """One settlement record in the making: L pays R, or with `enlarges` R's place is taken by a document that enlarges L.

    `amount` and `remainder` are in L's currency; `applied`, `discount` and `shortfall` in R's; `credit_note_discount` in that
    of the credit note. With `enlarges`, L is the primary.

    What decided is noted where it is decided, for `why_of`: `open_before` is what R still had open, `money` what L offered,
    `let_through` what R's mark let through (None: all), `is_partial` that the discount was found from what was paid,
    `discount_lost` and `applied_for_discount` what step 5 moved, `discount_added` what step 6 added.
    """

    lowering: OpenItem
    raising: OpenItem
    date: dt.date
    conversion: Conversion
    enlarges: bool = False
    amount: Decimal = ZERO
    applied: Decimal = ZERO
    discount: Decimal = ZERO
    discount_account: str | None = None
    discount_rule: str = ""
    credit_note_discount: Decimal = ZERO
    credit_note_account: str | None = None
    remainder: Decimal = ZERO
    remainder_is_penny: bool = False
    shortfall: Decimal = ZERO
    shortfall_is_penny: bool = False
    open_before: Decimal = ZERO
    money: Decimal = ZERO
    let_through: Decimal | None = None
    available: AvailableDiscount = NO_DISCOUNT
    own: OwnDiscount | None = None
    is_partial: bool = False
    discount_lost: Decimal = ZERO
    discount_added: Decimal = ZERO
    applied_for_discount: Decimal = ZERO
    values: Values | None = None


class Run(Struct, eq=False):
    """What a run is asked to settle. `id` is the event that caused it, `date` that of the document or request.

    `payment` is the payment whose marks these are, None for a request; `primary` the item that all matches contain.
    Of an automatic run the items are in order from the start, and `further_raising` and `further_lowering` give those that
    nobody has asked for yet; `continues`: it has made as many matches as one run does (`most`, if its records must be fewer than
    any automatic run's), a further one takes up what is left.
    `matched`: the items of the matches, each once, in order, from when they are final.
    `looked_at`: the companies of the pairs that money was looked for in; where a rate is missing, they count already.
    """

    id: EventRef
    ledger: Ledger
    reference: Reference
    date: dt.date
    raising: list[OpenItem]
    lowering: list[OpenItem]
    payment: OpenItem | None = None
    primary: OpenItem | None = None
    discount_date: dt.date | None = None
    automatic: bool = False
    continues: bool = False
    most: int | None = None
    matches: list[Match] = []
    matched: list[OpenItem] = []
    looked_at: dict[tuple[str, str], None] = {}
    further_raising: Iterator[OpenItem] = iter(())
    further_lowering: Iterator[OpenItem] = iter(())
    _conversions: dict[tuple[OpenItem, OpenItem], Conversion] = {}

    @property
    def items(self) -> list[OpenItem]:
        """All open items."""
        return [*self.raising, *self.lowering]

    @property
    def sources(self) -> list[OpenItem]:
        """What the raising documents take from: the primary, else all lowering ones in order."""
        return self.lowering if self.primary is None else [self.primary]

    def raising_at(self, place: int) -> OpenItem | None:
        """The raising document at a place in the order; None: there are no more."""
        return _at(self.raising, self.further_raising, place)

    def source_at(self, place: int) -> OpenItem | None:
        """Of what the raising documents take from, that at a place in the order; None: there are no more."""
        if self.primary is not None:
            return None if place else self.primary
        return _at(self.lowering, self.further_lowering, place)

    @property
    def order_date(self) -> dt.date:
        """The date at which discounts are compared before anything is matched (step 2)."""
        if self.discount_date is not None:
            return self.discount_date
        return self.primary.document.date if self.primary is not None else self.date

    def discount_date_of(self, lowering: OpenItem) -> dt.date:
        """The date at which a discount is taken: that of the request, else L's (C28)."""
        return self.discount_date if self.discount_date is not None else lowering.document.date

    def record_date(self, lowering: OpenItem, raising: OpenItem) -> dt.date:
        """The later of the two documents, but not before what caused the run (F-B10)."""
        return max(lowering.document.date, raising.document.date, self.date)

    def conversion(self, lowering: OpenItem, raising: OpenItem) -> Conversion:
        """Between the currencies and companies of two items."""
        key = (lowering, raising)
        found = self._conversions.get(key)
        if found is None:
            agreed = raising.agreed_rate if lowering is self.payment else None
            found = self._conversions[key] = Conversion(self.reference, lowering.document, raising.document, agreed)
        return found

    def match(self, lowering: OpenItem, raising: OpenItem, *, enlarges: bool = False) -> Match:
        """A match to be worked out; `add` makes it part of the run."""
        date = self.record_date(lowering, raising)
        return Match(lowering, raising, date, self.conversion(lowering, raising), enlarges)

    def look_at(self, match: Match) -> None:
        """Its pair counts for what the run waits for, whether or not it comes to anything."""
        self.looked_at[match.lowering.document.company, match.raising.document.company] = None

    def add(self, match: Match) -> None:
        """A match with its amounts becomes part of the run."""
        self.matches.append(match)
        if not match.enlarges:
            match.lowering.matches.append(match)
            match.raising.matches.append(match)

    def restart(self) -> None:
        """Forgets all matches; the order stays."""
        self.matches = []
        for item in self.items:
            limit = None if item.mark is None else item.mark.amount_to_settle
            if limit is not None and self.payment is not None and item.document.lowers:
                limit = self.conversion(self.payment, item).worth(limit)
            item.restart(limit)

    def end(self) -> None:
        """What it has made is taken over: items and matches let go of one another, so that no collector has to look for them."""
        for item in self.items:
            item.matches = []

    def end_matching(self) -> None:
        """The matches are final. Those of an automatic run are numbered by their documents: nobody has marked them in an order."""
        self.matched = list(dict.fromkeys([item for match in self.matches for item in (match.lowering, match.raising)]))
        if self.automatic:
            for place, item in enumerate(sorted(self.matched, key=lambda item: item.document.document)):
                item.position = place

    def discount_by_payment(self, match: Match) -> bool:
        """Whether P posts R's discount: across companies, by option (F-C04, F-C05)."""
        payment, invoice = match.lowering.document.company, match.raising.document.company
        return payment != invoice and self.reference.posting_option("post_cash_discount", self.ledger, payment, invoice) == "payment"

    def gain_by_payment(self, match: Match) -> bool:
        """Whether P posts the gain or loss: across companies, by option, and only where the main lines are in neither's own currency."""
        lowering, raising = match.lowering.document, match.raising.document
        if lowering.company == raising.company or lowering.currency in (lowering.accounting_currency, raising.accounting_currency):
            return False
        option = self.reference.posting_option("post_exchange_gain_or_loss", self.ledger, lowering.company, raising.company)
        return option != "invoice"


def _at(items: list[OpenItem], further: Iterator[OpenItem], place: int) -> OpenItem | None:
    while place >= len(items):
        item = next(further, None)
        if item is None:
            return None
        items.append(item)
    return items[place]
