"""The topics as data, and their provisioning.

What always holds: topics are made here and by nothing else (a misspelt name must fail, not become a topic);
`intercompany.reference` has one partition and keeps its order; nothing is ever deleted by age: a service that was
away for a month must find every message, so how long a topic keeps them is left to whoever runs the broker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.events.envelope import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.settings import Settings

LARGEST_MESSAGE: Final = 8 * 1024 * 1024
"""Bytes of the largest record: a run over thousands of documents is one event. Producers keep to it too."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is made. `partitions` None: the setting TOPIC_PARTITIONS. `retention_ms` -1: for ever."""

    name: str
    partitions: int | None = None
    cleanup: str = "delete"
    retention_ms: int = -1

    def configuration(self) -> dict[str, str]:
        """The broker's configuration of this topic."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(LARGEST_MESSAGE),
        }


TOPICS: Final = (
    TopicSpec(Topic.REFERENCE, partitions=1, cleanup="compact"),
    TopicSpec(Topic.INVOICES),
    TopicSpec(Topic.PAYMENTS),
    TopicSpec(Topic.REQUESTS),
    TopicSpec(Topic.JOURNALS),
    TopicSpec(Topic.SETTLEMENTS),
    TopicSpec(Topic.VOUCHERS),
    TopicSpec(Topic.REJECTIONS),
)


async def provision(settings: Settings, connection: Mapping[str, object]) -> None:
    """Makes the topics that are not there yet; those that are stay as they are.

    `connection`: aiokafka's connection arguments. Raises KafkaError if the broker is away or refuses a topic.
    """
    admin = AIOKafkaAdminClient(**connection)
    try:
        await admin.start()
        answer = await admin.create_topics([_new_topic(spec, settings) for spec in TOPICS])
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(name)
    finally:
        await admin.close()


def _new_topic(spec: TopicSpec, settings: Settings) -> NewTopic:
    topic = NewTopic(
        name=settings.topic_name(spec.name),
        num_partitions=spec.partitions or settings.topic_partitions,
        replication_factor=1,
        topic_configs=spec.configuration(),
    )
    # aiokafka refuses -1 here, though it means "the broker's default" on the wire.
    topic.replication_factor = settings.topic_replication_factor
    return topic
