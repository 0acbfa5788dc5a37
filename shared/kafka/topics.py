"""The topics as data, and their provisioning.

Invariant: topics are made here and by nothing else (a misspelt name must fail, not become a topic);
`intercompany.reference` has one partition, is compacted and keeps its order; of the others nothing is deleted by age (a
service that was away for a month must find every message) unless the environment's file, TOPICS_FILE, says how long
a topic keeps its messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.events.contract import INBOUND_TOPICS
from shared.events.envelope import Topic
from shared.events.senders import own_topics
from shared.events.values import LARGEST_MESSAGE
from shared.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from shared.events.reference import SenderDefined
    from shared.settings import Settings

FOR_ALL: Final = "default"
"""In an environment's file: what holds for every topic that says nothing else."""


class TopicsMissingError(Exception):
    """The broker has not all topics of a service, or does not show them to it; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is made; `config`: more of the broker's configuration of a topic, `retention_ms` -1: for ever.

    `partitions` and `replication_factor` None: the settings TOPIC_PARTITIONS and TOPIC_REPLICATION_FACTOR.
    """

    name: str
    partitions: int | None = None
    cleanup: str = "delete"
    retention_ms: int = -1
    replication_factor: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)

    def configuration(self) -> dict[str, str]:
        """The broker's configuration of this topic."""
        return {
            **self.config,
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


class TopicPlan(BaseModel):
    """What an environment's file says of a topic; `retention` is an ISO 8601 duration, `config` the broker's own names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partitions: Annotated[int | None, Field(ge=1, le=1000)] = None
    replication_factor: Annotated[int | None, Field(ge=1)] = None
    retention: timedelta | None = None
    config: dict[str, str] = {}

    def over(self, default: TopicPlan) -> TopicPlan:
        """This plan, and the default where it says nothing."""
        mine = self.model_dump(exclude_none=True)
        return default.model_copy(update={**mine, "config": {**default.config, **self.config}})

    def applied(self, spec: TopicSpec) -> TopicSpec:
        """The topic with what this plan says; partitions that the table gives stay."""
        return replace(
            spec,
            partitions=spec.partitions or self.partitions,
            replication_factor=self.replication_factor,
            retention_ms=spec.retention_ms if self.retention is None else self.retention // timedelta(milliseconds=1),
            config=self.config,
        )


_PLANS: Final = TypeAdapter(dict[str, TopicPlan])


def topics_of(settings: Settings, senders: Iterable[SenderDefined] = ()) -> tuple[TopicSpec, ...]:
    """The topics that this environment has, as TOPICS_FILE says of the table's; SettingsError if that file is none.

    With SENDERS=enforced each of the `senders` has topics of its own, made as the shared one in whose place it stands; what a
    sender says of reference data is kept as it came, in its order.
    """
    planned = _planned(settings)
    if not settings.enforces_senders:
        return planned
    specs = {spec.name: spec for spec in planned}
    own = [replace(specs[shared], name=name, cleanup="delete") for each in senders for shared, name in own_topics(each)]
    return (*(spec for spec in planned if spec.name == Topic.REFERENCE or spec.name not in INBOUND_TOPICS), *own)


def _planned(settings: Settings) -> tuple[TopicSpec, ...]:
    if settings.topics_file is None:
        return TOPICS
    plans = _read(settings.topics_file)
    unknown = sorted(plans.keys() - {FOR_ALL, *(spec.name for spec in TOPICS)})
    if unknown:
        msg = f"TOPICS_FILE: {unknown[0]} is not a topic of this system"
        raise SettingsError(msg)
    default = plans.get(FOR_ALL, TopicPlan())
    return tuple(plans.get(spec.name, TopicPlan()).over(default).applied(spec) for spec in TOPICS)


def _read(file: Path) -> dict[str, TopicPlan]:
    try:
        return _PLANS.validate_python(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError) as error:
        msg = f"TOPICS_FILE: {error}"
        raise SettingsError(msg) from error
    except ValidationError as error:
        lines = [f"TOPICS_FILE: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise SettingsError("\n".join(lines)) from None


async def provision(settings: Settings, connection: Mapping[str, object], senders: Iterable[SenderDefined] = ()) -> list[str]:
    """Makes the topics that are not there yet and gives their names; those that are stay as they are.

    `connection`: aiokafka's connection arguments; `senders`: those whose own topics are made too (SENDERS=enforced). Raises
    KafkaError if the broker is away or refuses a topic.
    """
    wanted = [_new_topic(spec, settings) for spec in topics_of(settings, senders)]
    made: list[str] = []
    admin = AIOKafkaAdminClient(**connection)
    try:
        await admin.start()
        answer = await admin.create_topics(wanted)
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if not code:
                made.append(name)
            elif error is not TopicAlreadyExistsError:
                raise error(name)
    finally:
        await admin.close()
    return made


async def check(settings: Settings, connection: Mapping[str, object], topics: Collection[str]) -> None:
    """TopicsMissingError unless the broker shows all these topics; for a service that may not make them."""
    admin = AIOKafkaAdminClient(**connection)
    try:
        await admin.start()
        there = await admin.list_topics()
        unfit = await _unfit(admin, settings) if settings.topic_name(Topic.REFERENCE) in there else None
    finally:
        await admin.close()
    if unfit is not None and Topic.REFERENCE in topics:
        raise TopicsMissingError(unfit)
    missing = sorted({settings.topic_name(topic) for topic in topics}.difference(there))
    if missing:
        msg = f"the broker shows no {', '.join(missing)}: `intercompany provision` makes the topics; this service needs rights on them"
        raise TopicsMissingError(msg)


async def _unfit(admin: AIOKafkaAdminClient, settings: Settings) -> str | None:
    """Why the reference topic does not keep what depends on it: one partition, so one order; compacted, so the last of each key stays."""
    name = settings.topic_name(Topic.REFERENCE)
    (described,) = await admin.describe_topics([name])
    if len(described["partitions"]) != 1:
        return f"{name} has {len(described['partitions'])} partitions: reference data is read in one order, make the topic with one"
    policy = await _cleanup_policy(admin, name)
    if policy is not None and "compact" not in policy:
        return f"{name} has cleanup.policy={policy}: set it to compact, or reference data ends with its retention"
    return None


async def _cleanup_policy(admin: AIOKafkaAdminClient, name: str) -> str | None:
    """A topic's cleanup policy; None where this principal may not read it."""
    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)]):
        for code, _, _, _, entries in answer.resources:
            for entry in entries if code == 0 else ():
                if entry[0] == "cleanup.policy":
                    return str(entry[1])
    return None


def _new_topic(spec: TopicSpec, settings: Settings) -> NewTopic:
    topic = NewTopic(
        name=settings.topic_name(spec.name),
        num_partitions=spec.partitions or settings.topic_partitions,
        replication_factor=1,
        topic_configs=spec.configuration(),
    )
    # aiokafka refuses -1 here, though it means "the broker's default" on the wire.
    topic.replication_factor = spec.replication_factor or settings.topic_replication_factor
    return topic
