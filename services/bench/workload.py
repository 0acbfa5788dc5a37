"""The events of the benchmark: intercompany vendor payments with mirror, each of its own invoice, in the shape of ic-4.

Invariant: payment number n and its two invoices follow from n alone. The payer pays for the buyer what the buyer
owes the seller; every third invoice has a cash discount, of each nine three are in a second currency whose rate moved between
invoice and payment. Which of three companies has which part depends on the parties.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka.partitioner import murmur2

from services.scenarios.group_file import reference_entries
from services.scenarios.scenario_file import GROUP_SOURCE
from shared.events.producing import PartyBook, record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.events.envelope import Record

COMPANIES: Final = ("FAB", "FABE", "FABW")
SOURCE: Final = "bench"
SHAPES: Final = 9
"""Payments n and n + SHAPES have the same vouchers, amounts and parties aside."""

_JOURNAL: Final = "ARPAY-IC"
_CURRENCY: Final = "USD"
_SECOND_CURRENCY: Final = "EUR"
_DISCOUNT: Final = {"percent": "2", "days": 14}
_BEGIN: Final = datetime(2026, 2, 1, tzinfo=UTC)
_NOWHERE: Final = Path("bench")


class Hot(StrEnum):
    """On what all payments come together."""

    NONE = "none"
    PARTY = "party"
    PAIR = "pair"
    PARTITION = "partition"


class Roles(NamedTuple):
    """Who pays, for whom, to whom."""

    payer: str
    buyer: str
    seller: str


class Payment(NamedTuple):
    """The events of one payment: the seller's customer invoice, the buyer's vendor invoice, the vendor payment."""

    number: int
    invoices: tuple[Record, Record]
    payment: Record


@dataclass(frozen=True, slots=True)
class Numbering:
    """How events are named and timed: `tag` is part of every id and document number; `every` after `begin` one comes."""

    tag: str = "B"
    begin: datetime = _BEGIN
    every: timedelta = timedelta(milliseconds=1)


def roles(pair: int) -> Roles:
    """The companies of a pair of parties."""
    turn = pair // SHAPES % len(COMPANIES)
    return Roles(*(COMPANIES[turn:] + COMPANIES[:turn]))


class Workload:
    """`parties`: half of them buyers, half sellers, each with one trading relation. `hot`: see Hot."""

    def __init__(self, parties: int, hot: Hot = Hot.NONE, partitions: int = 1) -> None:
        self.pairs = list(range(max(parties // 2, 1)))
        self._used = [pair for pair in self.pairs if _is_used(pair, hot, partitions)]
        self._parties = PartyBook()

    def reference(self, pairs: Iterable[int] | None = None) -> list[Record]:
        """The group's reference data, with these pairs of parties; all of them if None."""
        entries = reference_entries(_NOWHERE, _group(self.pairs if pairs is None else pairs))
        return [record_of(str(number), GROUP_SOURCE, each.type, each.data, _BEGIN, self._parties) for number, each in enumerate(entries)]

    def pair(self, number: int) -> int:
        """The pair of parties of payment `number`."""
        return self._used[number % len(self._used)]

    def payments(self, first: int, count: int, numbering: Numbering = Numbering()) -> Iterator[Payment]:
        """Payments in the order of their numbers; `reference` must have been called before, keys are parties."""
        for number in range(first, first + count):
            time = numbering.begin + number * numbering.every
            events = [
                record_of(f"{kind}-{name}", SOURCE, type_, data, time, self._parties)
                for name in [f"{numbering.tag}-{number:07}"]
                for kind, type_, data in _events(name, number, self.pair(number))
            ]
            yield Payment(number, (events[0], events[1]), events[2])


def _is_used(pair: int, hot: Hot, partitions: int) -> bool:
    if hot is Hot.PARTY:
        return pair == 0
    if hot is Hot.PAIR:
        return roles(pair) == COMPANIES
    keys = (_buyer(pair), _seller(pair))
    return hot is Hot.NONE or all((murmur2(key.encode()) & 0x7FFFFFFF) % partitions == 0 for key in keys)


def _buyer(pair: int) -> str:
    return f"EAST-{pair}"


def _seller(pair: int) -> str:
    return f"WEST-{pair}"


def _group(pairs: Iterable[int]) -> dict[str, Any]:
    parties: dict[str, Any] = {}
    trading = []
    for pair in pairs:
        payer, buyer, seller = roles(pair)
        parties[_buyer(pair)] = {"customers": {seller: f"C-{pair}"}}
        parties[_seller(pair)] = {"vendors": {payer: f"V-{pair}", buyer: f"V-{pair}"}}
        relation = {"seller": {"company": seller, "customer": f"C-{pair}"}, "buyer": {"company": buyer, "vendor": f"V-{pair}"}}
        trading.append({**relation, "payment_journal": _JOURNAL, "post_automatically": True})
    return {
        "companies": {code: {"name": code, "currency": _CURRENCY} for code in COMPANIES},
        "parties": parties,
        "centralized_payments": {code: {"post_cash_discount": "invoice", "post_exchange_gain_or_loss": "payment"} for code in COMPANIES},
        "payment_journals": {code: {_JOURNAL: {"offset": "cash"}} for code in COMPANIES},
        "exchange_rates": [
            {"from": _SECOND_CURRENCY, "to": _CURRENCY, "date": "2026-03-01", "rate": "1.10"},
            {"from": _SECOND_CURRENCY, "to": _CURRENCY, "date": "2026-03-10", "rate": "1.12"},
        ],
        "trading": trading,
    }


def _events(name: str, number: int, pair: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    payer, buyer, seller = roles(pair)
    amount = Decimal(100 + number * 37 % 900)
    discounts = [_DISCOUNT] * (number % 3 == 0)
    paid = amount * Decimal("0.98") if discounts else amount
    currency = _SECOND_CURRENCY if number // 3 % 3 == 0 else _CURRENCY
    owed = {"date": "2026-03-02", "currency": currency, "amount": f"{amount:.2f}", "cash_discounts": discounts}
    sale, bill, payment = f"CI-{name}", f"VI-{name}", f"VP-{name}"
    yield "CI", "customer-invoice.posted", {"company": seller, "account": f"C-{pair}", "document": sale, **owed}
    billed = {"company": buyer, "account": f"V-{pair}", "document": bill, **owed}
    yield "VI", "vendor-invoice.posted", {**billed, "intercompany_invoice": {"company": seller, "document": sale}}
    marks = {"settle": [{"company": buyer, "document": bill}]}
    about = {"date": "2026-03-12", "currency": currency, "amount": f"{paid:.2f}", **marks}
    yield "VP", "vendor-payment.posted", {"company": payer, "account": f"V-{pair}", "document": payment, **about}
