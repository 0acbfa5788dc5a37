"""Who may do what at the broker: for every program one principal, for every principal its topics and consumer groups.

Invariant: what the services may do is what their wiring says, so it cannot differ from what they do; nobody else
writes the topics that a service publishes; only `provision` makes topics, and it reads and writes none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from services.inquiry.rebuild import NAME as REBUILD
from services.registry import INQUIRY, PROCESSES
from shared.events.contract import INBOUND_TOPICS
from shared.events.envelope import Topic
from shared.events.senders import own_topics
from shared.kafka.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.delivery.service import AnyService
    from shared.events.reference import SenderDefined
    from shared.settings import Settings

_ALL: Final = frozenset(spec.name for spec in TOPICS)
_SAID: Final = frozenset({Topic.VOUCHERS, Topic.REJECTIONS})
_PREFIX_ENDS: Final = "."
_PREFIXED: Final = ("--resource-pattern-type", "prefixed")
_MAKING: Final = ("Create", "Describe")


@dataclass(frozen=True, slots=True)
class Access:
    """What one principal may do. `groups`: the consumer groups that it may be in, `prefix`: and all that begin so.

    A topic that ends with a full stop stands for all whose names begin so.
    """

    principal: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()
    prefix: str = ""
    makes: frozenset[str] = field(default=frozenset())


def accesses(senders: Iterable[SenderDefined] | None = None) -> list[Access]:
    """All principals: services, who sends to them (`erp`), who takes what they say, operators, the HTTP API, who makes the topics.

    With `senders` (SENDERS=enforced) each of them in place of `erp`, and the topics that are read then.
    """
    if senders is not None:
        return _enforced(senders)
    return [
        *(_of(service) for service in PROCESSES),
        Access("intercompany-erp", reads=_SAID, writes=INBOUND_TOPICS, prefix="erp-"),
        Access("intercompany-operator", writes=INBOUND_TOPICS | {Topic.VOUCHERS}),
        Access("intercompany-web", reads=frozenset(INQUIRY.subscriptions), writes=INBOUND_TOPICS),
        Access("intercompany-provision", makes=_ALL),
    ]


def _of(service: AnyService) -> Access:
    names = (service.name, REBUILD) if service is INQUIRY else (service.name,)
    groups = [group for name in names for group in (name, *([f"{name}.reference"] if Topic.REFERENCE in service.subscriptions else []))]
    return Access(f"intercompany-{service.name}", frozenset(service.subscriptions), service.publishes, tuple(groups))


def _enforced(senders: Iterable[SenderDefined]) -> list[Access]:
    """Nobody but an operator, the HTTP API for masters, and settlement for senders writes the reference topic.

    Nobody at all writes the shared inbound ones.
    """
    own = frozenset(f"{topic}." for topic in INBOUND_TOPICS)
    return [
        *(_reading_own_topics(service) for service in PROCESSES),
        *(_of_sender(each) for each in senders),
        Access("intercompany-operator", writes=own | {Topic.REFERENCE, Topic.VOUCHERS}),
        Access("intercompany-web", reads=_reading_own_topics(INQUIRY).reads, writes=own | {Topic.REFERENCE}),
        Access("intercompany-provision", makes=(_ALL - INBOUND_TOPICS) | own | {Topic.REFERENCE}),
    ]


def _reading_own_topics(service: AnyService) -> Access:
    access = _of(service)
    read = service.topics_read(enforces_senders=True) | {f"{topic}." for topic in service.sender_topics}
    return replace(access, reads=read, writes=access.writes | (service.sender_topics & {Topic.REFERENCE}))


def _of_sender(defined: SenderDefined) -> Access:
    writes = frozenset(own for _, own in own_topics(defined))
    return Access(f"intercompany-sender-{defined.sender}", reads=_SAID, writes=writes, prefix=f"sender.{defined.sender}.")


def acls(access: Access, settings: Settings) -> Iterator[tuple[str, ...]]:
    """The options of Apache Kafka's `kafka-acls.sh` that give a principal what it may do, one tuple per call of it.

    `Read` and `Write` bring `Describe` with them; an idempotent producer needs no more than `Write`.
    """
    for operations, topics, groups in (
        (("Read",), access.reads, access.groups),
        (("Write",), access.writes, ()),
        (_MAKING, access.makes, ()),
    ):
        whole = sorted(map(settings.topic_name, topics))
        named = [name for name in whole if not name.endswith(_PREFIX_ENDS)]
        prefixes = [name for name in whole if name.endswith(_PREFIX_ENDS)]
        if named or groups:
            yield _add(access, operations, *_each("--topic", named), *_each("--group", map(settings.group_name, groups)))
        if prefixes:
            yield _add(access, operations, *_each("--topic", prefixes), *_PREFIXED)
    if access.prefix:
        yield _add(access, ("Read",), "--group", settings.group_name(access.prefix), *_PREFIXED)


def _add(access: Access, operations: tuple[str, ...], *resources: str) -> tuple[str, ...]:
    return ("--add", "--allow-principal", f"User:{access.principal}", *_each("--operation", operations), *resources)


def _each(option: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in (option, value))
