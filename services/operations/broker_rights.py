"""Who may do what at the broker: for every program one principal, for every principal its topics and consumer groups.

Invariant: what the services may do is what their wiring says, so it cannot differ from what they do; nobody else
writes the topics that a service publishes; only `provision` makes topics, and it reads and writes none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from services.registry import SERVICES
from shared.events.contract import INBOUND_TOPICS
from shared.events.envelope import Topic
from shared.kafka.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.delivery.service import AnyService
    from shared.settings import Settings

_ALL: Final = frozenset(spec.name for spec in TOPICS)
_SAID: Final = frozenset({Topic.VOUCHERS, Topic.REJECTIONS})
_MAKING: Final = ("Create", "Describe")


@dataclass(frozen=True, slots=True)
class Access:
    """What one principal may do. `groups`: the consumer groups that it may be in, `prefix`: and all that begin so."""

    principal: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    groups: tuple[str, ...] = ()
    prefix: str = ""
    makes: frozenset[str] = field(default=frozenset())


def accesses() -> list[Access]:
    """All principals: the services, who sends to them (`erp`), who takes what they say, operators, who makes the topics."""
    return [
        *(_of(service) for service in SERVICES),
        Access("intercompany-erp", reads=_SAID, writes=INBOUND_TOPICS, prefix="erp-"),
        Access("intercompany-operator", writes=INBOUND_TOPICS | {Topic.VOUCHERS}),
        Access("intercompany-provision", makes=_ALL),
    ]


def _of(service: AnyService) -> Access:
    groups = (service.name, f"{service.name}.reference") if Topic.REFERENCE in service.subscriptions else (service.name,)
    return Access(f"intercompany-{service.name}", frozenset(service.subscriptions), service.publishes, groups)


def acls(access: Access, settings: Settings) -> Iterator[tuple[str, ...]]:
    """The options of Apache Kafka's `kafka-acls.sh` that give a principal what it may do, one tuple per call of it.

    `Read` and `Write` bring `Describe` with them; an idempotent producer needs no more than `Write`.
    """
    topics = {name: _each("--topic", map(settings.topic_name, sorted(getattr(access, name)))) for name in ("reads", "writes", "makes")}
    if access.reads:
        yield _add(access, ("Read",), *topics["reads"], *_each("--group", map(settings.group_name, access.groups)))
    if access.prefix:
        yield _add(access, ("Read",), "--group", settings.group_name(access.prefix), "--resource-pattern-type", "prefixed")
    if access.writes:
        yield _add(access, ("Write",), *topics["writes"])
    if access.makes:
        yield _add(access, _MAKING, *topics["makes"])


def _add(access: Access, operations: tuple[str, ...], *resources: str) -> tuple[str, ...]:
    return ("--add", "--allow-principal", f"User:{access.principal}", *_each("--operation", operations), *resources)


def _each(option: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in (option, value))
