"""What the broker's log has of a storm: the ids on each topic, how often each came, and which vouchers were told under which ids."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events.attributes import ref_said
from shared.events.bundles import is_bundle, unbundled
from shared.events.envelope import Record, Topic
from shared.kafka.log_ends import end_offsets, end_offsets_at_least, partitions_of
from shared.kafka.security import client_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.settings import Settings

INBOUND: Final = (Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS)
OWN: Final = (Topic.JOURNALS, Topic.SETTLEMENTS, Topic.VOUCHERS, Topic.REJECTIONS)
_AT_ONCE: Final = 5_000
_WAIT_MS: Final = 1_000


@dataclass(slots=True)
class Log:
    """By topic how often each id is there; by voucher (company, number) the ids under which it was told."""

    ids: defaultdict[str, Counter[bytes]] = field(default_factory=lambda: defaultdict(Counter))
    told: defaultdict[tuple[str, str], set[bytes]] = field(default_factory=lambda: defaultdict(set))

    def records(self, topics: Iterable[str]) -> int:
        """How many records these topics have."""
        return sum(self.ids[topic].total() for topic in topics)

    def events(self, topics: Iterable[str]) -> int:
        """How many different ids."""
        return sum(len(self.ids[topic]) for topic in topics)

    def add(self, topic: str, record: Any) -> None:
        """Takes a record in."""
        for id_ in ids_of(topic, record):
            self.ids[topic][id_] += 1
            if topic == Topic.VOUCHERS:
                said = orjson.loads(record.value)
                self.told[said["company"], said["voucher"]].add(id_)


def ids_of(topic: str, raw: Any) -> list[bytes]:
    """The ids of the events that a record holds."""
    record = Record(topic, raw.key, raw.value, tuple(raw.headers))
    return [ref_said(each).id.encode() for each in (unbundled(record) if is_bundle(record) else [record])]


async def read_log(settings: Settings) -> Log:
    """Reads all topics but the reference data from their beginnings to their ends."""
    log, consumer = Log(), AIOKafkaConsumer(**client_arguments(settings), enable_auto_commit=False)
    await consumer.start()
    try:
        places = await partitions_of(consumer, (*INBOUND, *OWN), settings)
        ends = await end_offsets(consumer, await end_offsets_at_least(consumer, places, settings), settings)
        left = {TopicPartition(settings.topic_name(place.topic), place.number): (place.topic, end) for place, end in ends.items() if end}
        consumer.assign(list(left))
        await consumer.seek_to_beginning()
        while left:
            for place, records in (await consumer.getmany(timeout_ms=_WAIT_MS, max_records=_AT_ONCE)).items():
                for record in records:
                    log.add(left[place][0], record)
            for place in [place for place, (_, end) in left.items() if await consumer.position(place) >= end]:
                consumer.pause(place)
                del left[place]
    finally:
        await consumer.stop()
    return log
