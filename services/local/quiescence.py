"""Whether the system is quiescent: every event has had all its effects.

Invariant: if it says yes, nothing that was in a topic when it was asked is still to be done. First one snapshot of
all services' positions and outboxes, then the ends of the logs: whatever was decided before the snapshot is in a log
(its outbox is empty), and whatever is in a log is read (positions = ends); what comes later was sent from outside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.local.queries import snapshot
from shared.kafka.log_ends import end_offsets, end_offsets_at_least, partitions_of, reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiokafka import AIOKafkaConsumer

    from shared.delivery.ports import Connection, Partition
    from shared.delivery.service import AnyService
    from shared.settings import Settings

    Positions = Mapping[tuple[str, str, int], int]

__all__ = ["as_it_reads", "is_quiescent", "reader", "what_is_left"]


def as_it_reads(service: AnyService, settings: Settings) -> AnyService:
    """The service with the topics alone that it reads as they are: with SENDERS=enforced not the shared inbound ones."""
    read = service.topics_read(enforces_senders=settings.enforces_senders)
    return replace(service, subscriptions={topic: types for topic, types in service.subscriptions.items() if topic in read})


async def is_quiescent(connection: Connection, broker: AIOKafkaConsumer, services: Sequence[AnyService], settings: Settings) -> bool:
    """Asks all services' schemas and the broker (a `reader`). Topics and schemas must be there: services have started once."""
    return await what_is_left(connection, broker, services, settings) is None


async def what_is_left(connection: Connection, broker: AIOKafkaConsumer, services: Sequence[AnyService], settings: Settings) -> str | None:
    """What is still to be done, in words; None: the system is quiescent. Asks as `is_quiescent` does."""
    now = await snapshot(connection, {service.name: settings.schema_name(service.name) for service in services})
    if now.unsent:
        return f"{' and '.join(now.unsent)} {'have' if len(now.unsent) > 1 else 'has'} something to send or to resume"
    places = await partitions_of(broker, sorted({topic for service in services for topic in service.subscriptions}), settings)
    least = await end_offsets_at_least(broker, places, settings)
    return _unread(services, now.read, least) or _unread(services, now.read, await end_offsets(broker, least, settings))


def _unread(services: Sequence[AnyService], read: Positions, ends: Mapping[Partition, int]) -> str | None:
    """What the services have not read up to these ends; one that was never read is read up to 0."""
    left = [
        f"{service.name} has read {so_far} of {end} records of {place.topic} {place.number}"
        for service in services
        for place, end in ends.items()
        if place.topic in service.subscriptions and (so_far := read.get((service.name, *place), 0)) < end
    ]
    return "; ".join(left) or None
