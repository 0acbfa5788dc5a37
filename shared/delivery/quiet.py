"""Whether the system is quiet: every event has had all its effects.

What always holds: if it says yes, nothing that was in a topic when it was asked is still to be done. First one snapshot of
all services' positions and outboxes, then the ends of the logs: whatever was decided before the snapshot is in a log
(its outbox is empty), and whatever is in a log is read (positions = ends); what comes later was sent from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.delivery import kafka
from shared.delivery.ports import Partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService
    from shared.settings import Settings


def reader(settings: Settings) -> AIOKafkaConsumer:
    """A consumer without a group, for `is_quiet`; start and stop it as any."""
    return AIOKafkaConsumer(**kafka.connection(settings), enable_auto_commit=False)


async def is_quiet(connection: Connection, broker: AIOKafkaConsumer, services: Sequence[AnyService], settings: Settings) -> bool:
    """Asks all services' schemas and the broker. Topics and schemas must be there (services have started once)."""
    snapshot = await connection.fetchrow(_question(services, settings))
    if snapshot["unsent"]:
        return False
    ends = await _ends(broker, {topic for service in services for topic in service.subscriptions}, settings)
    read = {(service, topic, partition): offset for service, topic, partition, offset in snapshot["positions"] or ()}
    return all(_has_read(service, read, ends) for service in services)


def _has_read(service: AnyService, read: Mapping[tuple[str, str, int], int], ends: Mapping[Partition, int]) -> bool:
    """A partition that was never read counts as read up to 0.

    At least, not exactly: the embedded broker gives the first record of the last batch as the end (ListOffsets), and
    a batch of up to 500 records is read in one transaction; on Apache Kafka nobody has read beyond the end.
    """
    return all(read.get((service.name, *place), 0) >= end for place, end in ends.items() if place.topic in service.subscriptions)


def _question(services: Sequence[AnyService], settings: Settings) -> str:
    """One statement: one snapshot of all schemas."""
    schemas = [(service.name, settings.schema_name(service.name)) for service in services]
    positions = " union all ".join(
        f"select '{name}' as service, topic, partition, next_offset - base as read from \"{schema}\".positions"  # noqa: S608 - names of ours
        for name, schema in schemas
    )
    unsent = " or ".join(f'exists (select from "{schema}".outbox)' for _, schema in schemas)
    return f"select ({unsent}) as unsent, (select array_agg(p) from ({positions}) p) as positions"  # noqa: S608


async def _ends(broker: AIOKafkaConsumer, topics: Iterable[str], settings: Settings) -> dict[Partition, int]:
    places: dict[TopicPartition, Partition] = {}
    for topic in topics:
        name = settings.topic_name(topic)
        numbers: Any = broker.partitions_for_topic(name) or await _discovered(broker, name)
        places |= {TopicPartition(name, number): Partition(topic, number) for number in numbers}
    return {places[place]: end for place, end in (await broker.end_offsets(list(places))).items()}


async def _discovered(broker: AIOKafkaConsumer, name: str) -> Iterable[int]:
    """A reader without a group learns of a topic when it is first asked for."""
    await broker._client._wait_on_metadata(name)  # noqa: SLF001
    return broker.partitions_for_topic(name) or ()
