"""What units come to: vouchers, documents, settlement records, refusals and what waits, as texts without the unit's name.

Invariant: the same texts are made of the books of the pure simulation and of the services' tables, by the same functions; of a voucher
only its number and digest are left out, which depend on what others post between. Every entry counts, so twice is not once; a refusal
alone is there or not: an event that was refused has its id back, so sent twice it may be refused twice.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

from services.desk.rows import rejection_row
from services.scenarios.simulation import Simulation
from shared.rows import voucher_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.settlement.rules.values import Document, RecordInForce
    from shared.events.envelope import EventRef, Record
    from shared.events.vouchers import Rejection, Voucher
    from tests.containers.storm.load import Load

Entry = tuple[int, str]
"""The number of a unit, and something that became of it."""
Outcome = Counter[str]

_OF_ITS_PLACE: Final = {"voucher", "number", "digest"}
_UNIT: Final = re.compile(r"U(\d{7})")
_NAMES: Final = (
    (_UNIT, "U"),
    (re.compile(r"P\d{5}"), "P"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "id"),
)


def of_voucher(voucher: Voucher) -> Entry:
    """A voucher, without what depends on its place among others."""
    row = voucher_row(voucher)
    return _entry("voucher", {name: value for name, value in row.items() if name not in _OF_ITS_PLACE})


def of_document(document: Document) -> Entry:
    """A document with what is open of it."""
    return _entry("document", document)


def of_record(record: RecordInForce) -> Entry:
    """A settlement record, reversed or not, without what decided it."""
    return _entry("record", {name: getattr(record, name) for name in record.__struct_fields__ if name != "why"})


def of_refusal(refusal: Rejection) -> Entry:
    """A refusal."""
    return _entry("refused", rejection_row(refusal))


def of_wait(event: EventRef, reason: str, key: Any) -> Entry:
    """Something that waits."""
    return _entry("waits", (event.id, reason, dict(key)))


def _entry(what: str, said: object) -> Entry:
    text = f"{what}: {said}"
    if (found := _UNIT.search(text)) is None:
        msg = f"this is of no unit of the load: {text}"
        raise LookupError(msg)
    for name, instead in _NAMES:
        text = name.sub(instead, text)
    return int(found[1]), text


def of_simulation(simulation: Simulation) -> Iterator[Entry]:
    """All that is in the books of a simulation."""
    books = simulation.books
    yield from map(of_voucher, books.posting.vouchers)
    yield from map(of_document, books.settlement.documents)
    yield from map(of_record, books.settlement.records)
    yield from set(map(of_refusal, simulation.rejections))
    yield from {of_wait(each.event, each.reason, each.key) for each in books.payment.list_waiting()}
    yield from {of_wait(each.event, each.need.reason, each.need.key) for each in books.settlement.waiting}


def simulated(reference: Iterable[Record], records: Iterable[Record]) -> Outcome:
    """What a unit's records come to in this order."""
    simulation = Simulation()
    for record in (*reference, *records):
        simulation.send(record)
    return Counter(text for _, text in of_simulation(simulation))


class Expected:
    """What units must come to. A shape with a request that others overtake has more than one right outcome: one for each order."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._first: dict[Any, int] = {}
        self._in_order = cache(self._simulated)
        self._in_any_order = cache(self._permuted)

    def in_order(self, number: int) -> Outcome:
        """What comes of the unit if its events arrive in the order in which they are sent."""
        return self._in_order(self._like(number))

    def in_any_order(self, number: int) -> list[Outcome]:
        """All that can come of the unit, whatever the order of arrival."""
        return self._in_any_order(self._like(number))

    def _like(self, number: int) -> int:
        """The first unit that has the same shape, amounts and companies."""
        kind = self._load.kind(number)
        return self._first.setdefault(kind, number)

    def _simulated(self, number: int) -> Outcome:
        return simulated(self._load.reference([self._load.pair(number)]), self._load.unit(number).records)

    def _permuted(self, number: int) -> list[Outcome]:
        reference, records = self._load.reference([self._load.pair(number)]), self._load.unit(number).records
        found: list[Outcome] = []
        for order in permutations(records):
            if (outcome := simulated(reference, order)) not in found:
                found.append(outcome)
        return found
