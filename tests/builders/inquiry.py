"""What the topics have of a scenario, and what the inquiry service makes of it in whatever order it is read."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.fold import fold
from services.inquiry.rules.projection import KEYS, tables
from services.inquiry.service import SERVICE
from services.scenarios.scenario_file import Scenario, arrivals
from services.scenarios.simulation import Simulation
from shared.events.codec import decode
from shared.events.envelope import Message, Record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

_BEGINNING_MS = 1_767_225_600_000
"""1 January 2026, when the broker takes the first record."""


class Listening(Simulation):
    """The services with inquiry reading along; `records`: what the topics then have, each with its offset and the broker's time."""

    def __init__(self) -> None:
        super().__init__(inquiry=True)
        self.records: list[Record] = []
        self._ends: dict[str, int] = {}

    def _deliver(self, record: Record) -> None:
        offset = self._ends.get(record.topic, 0)
        self._ends[record.topic] = offset + 1
        self.records.append(replace(record, offset=offset, timestamp_ms=_BEGINNING_MS + 1000 * len(self.records)))
        super()._deliver(record)


def listening(scenario: Scenario) -> Listening:
    """What comes of a scenario, read along."""
    simulation = Listening()
    for arrival in arrivals(scenario):
        simulation.send(replace(arrival.record))
    return simulation


def messages_of(records: Iterable[Record]) -> list[Message]:
    """Those of the records that inquiry takes."""
    read = [decode(record) for record in records]
    return [each for each in read if isinstance(each, Message) and each.record and SERVICE.takes(each.record.topic, each.type)]


def folded(messages: Iterable[Message]) -> InquiryBooks:
    """What these messages say, read in this order."""
    books = InquiryBooks()
    for message in messages:
        fold(books, message)
    return books


def interleaved(random: Random, records: Iterable[Record]) -> list[Record]:
    """The records in another order that the topics allow: each topic keeps its own, among them there is none."""
    of_topics: dict[str, list[Record]] = {}
    for record in records:
        of_topics.setdefault(record.topic, []).append(record)
    mixed: list[Record] = []
    while of_topics:
        topic = random.choice(sorted(of_topics))
        mixed.append(of_topics[topic].pop(0))
        if not of_topics[topic]:
            del of_topics[topic]
    return mixed


def rows(books: InquiryBooks) -> dict[str, list[dict[str, Any]]]:
    """All tables in the order of their keys, JSON read."""
    return in_order(tables(books))


def in_order(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Tables in the order of their keys, JSON read."""
    return {name: sorted(map(_read, each), key=itemgetter(*KEYS[name])) for name, each in found.items()}


def _read(row: dict[str, Any]) -> dict[str, Any]:
    json = {"data", "original", "dimensions", "cash_discounts", "why"}
    return {name: orjson.loads(value) if name in json and value is not None else value for name, value in row.items()}
