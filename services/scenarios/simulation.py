"""Runs scenarios through the three cores in one process: no broker, no database; the oracle of the distributed run.

Invariant: the same decoding, duplicates and refusals as the shell's (shared.delivery.folding); a message goes
to every service that takes it, payment, settlement, posting in this order, first in, first out, and a scenario's next
event comes when all queues are empty.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from services.desk.rows import BooksOfAll, Result, collect
from services.desk.why.rows import with_reasons
from services.registry import INQUIRY, PROCESSES, SERVICES
from services.scenarios.quotes import quotes_advice
from services.scenarios.scenario_file import GROUP_SOURCE, Arrival, Scenario, arrivals
from services.scenarios.yaml_files import FileError
from shared.delivery.folding import Folded, fold_alone, fold_batch
from shared.delivery.inbox import Inbox
from shared.events.attributes import words_said
from shared.events.codec import decode, encode
from shared.events.envelope import EventRef, Outgoing, Record, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from services.inquiry.rules.books import InquiryBooks
    from shared.delivery.service import AnyService
    from shared.events.vouchers import Rejection

_READ_BY_INQUIRY_ALONE: Final = (Topic.VOUCHERS, Topic.REJECTIONS)


class CoreFailedError(Exception):
    """A core failed on a message: a defect of ours, not a refusal. Names the service and the message."""


class Simulation:
    """The three services with complete books in memory. `rejections`: what was refused so far, in order.

    `on_sent` is called with every event that a service sends. With `inquiry` that service reads along, into `inquiry_books`.
    """

    def __init__(self, on_sent: Callable[[Outgoing], None] | None = None, *, inquiry: bool = False) -> None:
        self._on_sent = on_sent
        self._reads_along = inquiry
        services = PROCESSES if inquiry else SERVICES
        self._parts: list[tuple[AnyService, Any, Inbox]] = [(service, service.new_books(), Inbox()) for service in services]
        self._queue: deque[Record] = deque()
        self._offset = 0
        self._rejections: dict[EventRef, Rejection] = {}

    @property
    def books(self) -> BooksOfAll:
        """The books of the three services."""
        return BooksOfAll(*(books for _, books, _ in self._parts[: len(SERVICES)]))

    @property
    def inquiry_books(self) -> InquiryBooks:
        """What the inquiry service has read; ValueError if it does not read along."""
        service, books, _ = self._parts[-1]
        if service is not INQUIRY:
            msg = "this simulation runs without the inquiry service"
            raise ValueError(msg)
        read: InquiryBooks = books
        return read

    @property
    def rejections(self) -> list[Rejection]:
        """What was refused."""
        return list(self._rejections.values())

    def send(self, record: Record) -> None:
        """Takes in a record and all that follows from it; CoreFailedError if a core fails."""
        self._queue.append(record)
        while self._queue:
            self._deliver(self._queue.popleft())

    def _deliver(self, record: Record) -> None:
        if record.topic not in _READ_BY_INQUIRY_ALONE:
            record.offset = self._offset = self._offset + 1
        elif not self._reads_along:
            return
        event = decode(record)
        for service, books, inbox in self._parts:
            folded = fold_batch(service, books, inbox, [event])
            _raise_defect(service, folded, record)
            books.commit()
            self._send_on(folded.outgoing)
            self._resume_released(service, books, inbox)

    def _resume_released(self, service: AnyService, books: Any, inbox: Inbox) -> None:
        """What is more than one message resumes at once, slice after slice, as the shell does."""
        while service.resume_released is not None and (released := min(books.released, default=None)) is not None:
            folded = fold_alone(books, inbox, partial(service.resume_released, books, released))
            books.commit()
            self._send_on(folded.outgoing)

    def _send_on(self, outgoing: Iterable[Outgoing]) -> None:
        for each in outgoing:
            if self._on_sent is not None:
                self._on_sent(each)
            if each.topic == Topic.REJECTIONS:
                self._rejections.setdefault(each.ref, each.data)
            if each.topic not in _READ_BY_INQUIRY_ALONE or self._reads_along:
                key, value, headers = encode(each)
                self._queue.append(Record(each.topic, key, value, tuple(headers)))


def _raise_defect(service: AnyService, folded: Folded, record: Record) -> None:
    if folded.defect is not None:
        msg = f"{service.name} failed on {words_said(record)}: {folded.defect[1]!r}"
        raise CoreFailedError(msg) from folded.defect[1]


def simulate(scenario: Scenario) -> Result:
    """What comes out of a scenario. FileError if its group is refused; CoreFailedError if a core fails."""
    return _simulated(scenario, Simulation())


def simulate_with_why(scenario: Scenario, language: str = "en") -> Result:
    """The same, and why each line is there, in a language."""
    simulation = Simulation()
    result = _simulated(scenario, simulation)
    return replace(result, vouchers=with_reasons(simulation.books, result.vouchers, language))


def _simulated(scenario: Scenario, simulation: Simulation) -> Result:
    arriving = arrivals(scenario)
    group, events = split(arriving)
    for arrival in group:
        simulation.send(arrival.record)
    refuse_wrong_group(scenario, arriving, simulation.rejections)
    for arrival in events:
        simulation.send(arrival.record)
    return collect(scenario.id, simulation.books, simulation.rejections, refs(arriving))


def split(arriving: Iterable[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """The group's entities and the events."""
    group = [arrival for arrival in arriving if arrival.reference]
    return group, [arrival for arrival in arriving if not arrival.reference]


def refs(arriving: Iterable[Arrival]) -> list[EventRef]:
    """The names of the events that arrive, trimmed as the services do."""
    headers = [dict(arrival.record.headers) for arrival in arriving]
    return [EventRef(each["ce_source"].decode(), each.get("ce_id", b"").decode().strip()) for each in headers]


def refuse_wrong_group(scenario: Scenario, arriving: Iterable[Arrival], rejections: Iterable[Rejection]) -> None:
    """FileError with the services' own words if an entity of the group was refused: nothing can be said of the rest."""
    entries = dict(zip(refs(arriving), scenario.group, strict=False))  # the group's entities arrive first
    for each in rejections:
        if each.source == GROUP_SOURCE:
            entry = entries[EventRef(each.source, each.event)]
            advice = quotes_advice(scenario.path, entry.place, entry.type, entry.data, each.field)
            raise FileError(scenario.path, entry.place + each.field.replace("/", "."), f"{each.code}: {each.message}{advice}")
