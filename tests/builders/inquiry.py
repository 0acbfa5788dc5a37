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
from services.simulator.streams import scenario
from shared.events.codec import decode
from shared.events.envelope import Message, Record
from tests.builders.records import binary
from tests.builders.senders import on_topic_of
from tests.builders.settlement import GROUP, invoice

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


def refused_and_sent_again() -> tuple[list[Record], list[Record], list[Record]]:
    """What the topics have when a sender has said of vouchers of FAB, for which it speaks, and of FABE that it has them.

    Of FABE it was refused; then it was refused again; then, since the sender speaks for FABE too, it was taken.
    """
    said = {"type": "voucher.imported", "voucher": "AR-INV-000001", "erp_number": "GJ-1"}
    speaks = {"companies": ["FAB"], "sources": ["scenario"], "may": ["requests"]}
    events = [
        invoice("I-1"),
        invoice("I-2", company="FABE"),
        {**said, "id": "T1", "company": "FABE"},
        {**said, "id": "T2", "company": "FAB"},
    ]
    *before, of_another, own = [replace(each.record) for each in arrivals(scenario({**GROUP, "senders": {"erp": speaks}}, events))]
    simulation = Listening()
    for record in (*before, on_topic_of(of_another, "erp"), on_topic_of(own, "erp")):
        simulation.send(record)
    refused = [*simulation.records]
    simulation.send(on_topic_of(of_another, "erp"))
    refused_again = [*simulation.records]
    simulation.send(binary("sender.defined", {"sender": "erp", **speaks, "companies": "*"}, id_="D", source="operator"))
    simulation.send(on_topic_of(of_another, "erp"))
    return refused, refused_again, simulation.records


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
