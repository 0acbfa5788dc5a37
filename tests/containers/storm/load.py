"""The load of the storm: units of a few events each, whose whole effect the rules say beforehand.

A unit is what one case of business sends: an invoice with its mirror and payment, a settlement asked for later, a reversal, marks that
are refused, a payment that waits for ever. Unit n, its companies and its parties follow from n alone.

Invariant: units of the same shape between the same companies come to the same, names and parties aside, in whatever order the events
arrive (tests/unit/containers/test_storm_load.py); no two units name the same document.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.scenarios.group_file import reference_entries
from services.scenarios.scenario_file import GROUP_SOURCE
from shared.events.producing import PartyBook, record_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shared.events.envelope import Record

SOURCE: Final = "storm"
COMPANIES: Final = tuple(f"C{number:02}" for number in range(1, 13))
CURRENCIES: Final = ("USD", "EUR")

_JOURNAL: Final = "ARPAY-IC"
_BEGIN: Final = datetime(2026, 2, 1, tzinfo=UTC)
_NOWHERE: Final = Path("storm")
_DISCOUNT: Final = [{"percent": "2", "days": 14}]

Data = dict[str, Any]
Written = tuple[str, str, Data]
"""An event: the first part of its id, its type, its data."""


class Roles(NamedTuple):
    """Who pays, for whom, to whom."""

    payer: str
    buyer: str
    seller: str


@dataclass(frozen=True, slots=True)
class Case:
    """What a unit's events are made from: its name, its pair of parties, its companies, and which of the amounts it has."""

    name: str
    pair: int
    roles: Roles
    variant: int

    @property
    def about(self) -> Data:
        """Date, currency and gross amount of its invoices."""
        return {"date": "2026-03-02", "currency": CURRENCIES[self.variant % 2], "amount": f"{(self.variant + 1) * 100}.00"}

    @property
    def discounted(self) -> bool:
        """Whether its invoices have a cash discount."""
        return self.variant % 3 == 0

    @property
    def paid(self) -> str:
        """What closes an invoice on the day of the payment."""
        return f"{(self.variant + 1) * (98 if self.discounted else 100)}.00"

    @property
    def _terms(self) -> Data:
        return {"cash_discounts": _DISCOUNT} if self.discounted else {}

    def sale(self) -> Written:
        """The seller's customer invoice."""
        seller = {"company": self.roles.seller, "account": f"C-{_pair(self.pair)}", "document": f"CI-{self.name}"}
        return "CI", "customer-invoice.posted", {**seller, **self.about, **self._terms}

    def bill(self) -> Written:
        """The buyer's vendor invoice of it."""
        kind, _, sale = self.sale()
        buyer = {"company": self.roles.buyer, "account": f"V-{_pair(self.pair)}", "document": f"VI-{self.name}"}
        mirrored = {"intercompany_invoice": {"company": self.roles.seller, "document": f"{kind}-{self.name}"}}
        return "VI", "vendor-invoice.posted", {**sale, **buyer, **mirrored}

    def other_bill(self) -> Written:
        """A vendor invoice from outside the group, in the buyer's books."""
        buyer = {"company": self.roles.buyer, "account": f"V-{_pair(self.pair)}", "document": f"VO-{self.name}"}
        return "VO", "vendor-invoice.posted", {**buyer, **self.about, **self._terms}

    def payment(self, *marked: Data, **more: Any) -> Written:
        """The payer's vendor payment with these marks."""
        payer = {"company": self.roles.payer, "account": f"V-{_pair(self.pair)}", "document": f"VP-{self.name}"}
        settle = {"settle": list(marked)} if marked else {}
        return "VP", "vendor-payment.posted", {**payer, **self.about, "date": "2026-03-12", "amount": self.paid, **settle, **more}

    def marked(self, kind: str = "VI", **more: str) -> Data:
        """A mark of the buyer's document."""
        return {"company": self.roles.buyer, "document": f"{kind}-{self.name}", **more}

    def collected(self, *marked: Data) -> Written:
        """The seller's customer payment, received by the payer, with these marks."""
        data = {"company": self.roles.payer, "account": f"C-{_pair(self.pair)}", "document": f"CP-{self.name}", **self.about}
        return "CP", "customer-payment.posted", {**data, "date": "2026-03-12", "amount": self.paid, "settle": list(marked)}


def _mirrored(case: Case) -> Iterator[Written]:
    """Paid for the buyer, and mirrored in the seller's books."""
    yield from (case.sale(), case.bill(), case.payment(case.marked()))


def _asked_for_later(case: Case) -> Iterator[Written]:
    """Paid without marks; the settlement is asked for by an event of its own."""
    yield from (case.bill(), case.sale(), case.payment())
    paid = {"company": case.roles.payer, "document": f"VP-{case.name}"}
    yield "SR", "settlement.requested", {"ledger": "payable", "settle": [case.marked(), paid], "date": "2026-03-12"}


def _collected(case: Case) -> Iterator[Written]:
    """A customer pays to another company than the one that sold."""
    sold = {"company": case.roles.seller, "document": f"CI-{case.name}"}
    yield from (case.sale(), case.collected(sold))


def _reversed_document(case: Case) -> Iterator[Written]:
    """An invoice that is taken back."""
    yield case.sale()
    sold = {"company": case.roles.seller, "document": f"CI-{case.name}"}
    yield "DR", "document-reversal.requested", {"ledger": "receivable", "document": sold, "reason": "sent twice"}


def _reversed_settlement(case: Case) -> Iterator[Written]:
    """The settlement that a payment brought is taken back, its payment stays; nothing is mirrored."""
    yield from (case.other_bill(), case.payment(case.marked("VO")))
    yield _settlement_reversal(case)


def _reversed_mirrored(case: Case) -> Iterator[Written]:
    """The same where the payment is mirrored: whether the seller had settled it by then is a matter of order."""
    yield from (*_mirrored(case), _settlement_reversal(case))


def _settlement_reversal(case: Case) -> Written:
    reversal = {"ledger": "payable", "settlement": f"VP-{case.name}", "settlement_source": SOURCE, "reason": "the wrong invoice"}
    return "RS", "settlement-reversal.requested", reversal


def _reversed_payment(case: Case) -> Iterator[Written]:
    """A payment that settled nothing is taken back."""
    yield from (case.payment(), _payment_reversal(case))


def _still_settled(case: Case) -> Iterator[Written]:
    """A payment whose settlement stands cannot be taken back: the request is refused."""
    yield from (*_mirrored(case), _payment_reversal(case))


def _payment_reversal(case: Case) -> Written:
    paid = {"company": case.roles.payer, "document": f"VP-{case.name}"}
    return "RP", "payment-reversal.requested", {"ledger": "payable", "payment": paid, "reason": "returned by the bank"}


def _refused_marks(case: Case) -> Iterator[Written]:
    """More is to be settled than the invoice has open: the payment stands, its marks are refused."""
    yield from (case.bill(), case.sale(), case.payment(case.marked(amount_to_settle="99999.00")))


def _refused_event(case: Case) -> Iterator[Written]:
    """An invoice with more digits than its currency has, and one that is right."""
    kind, type_, bill = case.bill()
    yield "VX", type_, {**bill, "document": f"VX-{case.name}", "amount": "100.001"}
    yield from (case.sale(), (kind, type_, bill))


def _waiting(case: Case) -> Iterator[Written]:
    """A payment of an invoice that never comes."""
    yield from (case.sale(), case.payment(case.marked("VN")))


SHAPES: Final[tuple[Callable[[Case], Iterator[Written]], ...]] = (
    *(_mirrored, _reversed_document, _mirrored, _asked_for_later, _mirrored, _collected, _mirrored, _reversed_settlement),
    *(_refused_marks, _mirrored, _reversed_payment, _reversed_mirrored, _mirrored, _refused_event, _still_settled, _waiting),
)
"""In turn: half of the units are what business mostly is."""
VARIANTS: Final = 6
KINDS: Final = len(SHAPES) * VARIANTS
"""Units n and n + KINDS have the same shape and amounts."""


class Unit(NamedTuple):
    """The events of a unit, in the order in which they are sent."""

    number: int
    records: tuple[Record, ...]


class Load:
    """Units between `pairs` pairs of parties, each pair with a trading relation between two of the companies."""

    def __init__(self, pairs: int = len(COMPANIES)) -> None:
        self.pairs = pairs
        self._parties = PartyBook()

    def reference(self, pairs: Iterable[int] | None = None) -> list[Record]:
        """The group's reference data with these pairs, all of them if None; to be called before `unit`: keys of events are parties."""
        entries = reference_entries(_NOWHERE, _group(range(self.pairs) if pairs is None else pairs))
        return [record_of(str(number), GROUP_SOURCE, each.type, each.data, _BEGIN, self._parties) for number, each in enumerate(entries)]

    def pair(self, number: int) -> int:
        """The pair of parties of a unit: neighbours have others, and every shape comes between all companies."""
        return (number + number // KINDS) % self.pairs

    def kind(self, number: int) -> tuple[int, Roles]:
        """What a unit's outcome depends on: its shape with the amounts, and its companies."""
        return number % KINDS, roles(self.pair(number))

    def unit(self, number: int) -> Unit:
        """The unit of this number."""
        time = _BEGIN + timedelta(milliseconds=number)
        shape, variant = SHAPES[number % len(SHAPES)], number // len(SHAPES) % VARIANTS
        case = Case(name_of(number), self.pair(number), roles(self.pair(number)), variant)
        written = [record_of(f"{kind}-{case.name}", SOURCE, type_, data, time, self._parties) for kind, type_, data in shape(case)]
        return Unit(number, tuple(written))


def roles(pair: int) -> Roles:
    """The companies of a pair of parties: three neighbours in the list of companies."""
    return Roles(*(COMPANIES[(pair + step) % len(COMPANIES)] for step in range(3)))


def name_of(number: int) -> str:
    """A unit's name, which is part of all its ids and document numbers."""
    return f"U{number:07}"


def _pair(number: int) -> str:
    return f"P{number:05}"


def _group(pairs: Iterable[int]) -> Data:
    parties: Data = {}
    trading = []
    for pair in pairs:
        who, name = roles(pair), _pair(pair)
        parties[f"EAST-{name}"] = {"customers": {who.seller: f"C-{name}", who.payer: f"C-{name}"}}
        parties[f"WEST-{name}"] = {"vendors": {who.payer: f"V-{name}", who.buyer: f"V-{name}"}}
        relation = {"seller": {"company": who.seller, "customer": f"C-{name}"}, "buyer": {"company": who.buyer, "vendor": f"V-{name}"}}
        trading.append({**relation, "payment_journal": _JOURNAL, "post_automatically": True})
    rates = (("2026-03-01", "1.10"), ("2026-03-10", "1.12"))
    return {
        "companies": {code: {"name": code, "currency": CURRENCIES[turn % 2]} for turn, code in enumerate(COMPANIES)},
        "parties": parties,
        "centralized_payments": {code: {"post_cash_discount": "invoice", "post_exchange_gain_or_loss": "payment"} for code in COMPANIES},
        "payment_journals": {code: {_JOURNAL: {"offset": "cash"}} for code in COMPANIES},
        "exchange_rates": [{"from": "EUR", "to": "USD", "date": day, "rate": rate} for day, rate in rates],
        "trading": trading,
    }
