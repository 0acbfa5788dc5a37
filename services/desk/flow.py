"""What flows through the services now: how much each reads, how far behind it is, and what waits, was refused, or is to be sent.

Invariant: it is one look at each service's tables, whose cost does not grow with what was ever posted; rates are taken between looks, so
the first look has none.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.desk.waiting import extent_of_waiting
from services.registry import PROCESSES
from shared.delivery import shell_queries
from shared.events.contract import base_topic
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from services.desk.schemas import Schemas
    from shared.delivery.ports import Connection, Partition
    from shared.delivery.service import AnyService
    from shared.delivery.shell_queries import Stand

Row = dict[str, Any]

WINDOW: Final = 60.0
"""Seconds over which a rate is taken at most."""
_LEAST: Final = 0.5
"""Seconds between two looks of which a rate is taken."""


@dataclass(frozen=True, slots=True)
class ServiceFlow:
    """How a service stands. `behind`: records to be read by topic, None while the broker is away; `per_second`: records read."""

    service: str
    stand: Stand
    waiting: int
    waiting_since: datetime | None
    behind: dict[str, int] | None
    per_second: float | None

    def as_row(self) -> Row:
        """As an answer shows it."""
        stand = self.stand
        most = shell_queries.MOST_REFUSALS_COUNTED
        return {
            "service": self.service,
            "per_second": None if self.per_second is None else round(self.per_second, 2),
            "lag": None if self.behind is None else sum(self.behind.values()),
            "behind": self.behind,
            "waiting": self.waiting,
            "waiting_since": _said(self.waiting_since),
            "refused": f"{most - 1}+" if stand.refused == most else stand.refused,
            "last_refused_at": _said(stand.last_refused_at),
            "outbox": stand.outbox,
            "outbox_since": _said(stand.outbox_since),
            "failed": stand.failed,
            "failed_since": _said(stand.failed_since),
        }


@dataclass(slots=True)
class Rates:
    """How many records each service had read at the looks of the last minute."""

    looks: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)

    def note(self, service: str, at: float, read: int) -> float | None:
        """The rate since the earliest look that counts, in records a second; None at the first, and where tables were emptied."""
        looks = self.looks.setdefault(service, deque())
        while looks and (at - looks[0][0] > WINDOW or read < looks[0][1]):
            looks.popleft()
        rate = (read - looks[0][1]) / (at - looks[0][0]) if looks and at - looks[0][0] >= _LEAST else None
        if not looks or at - looks[-1][0] >= _LEAST:
            looks.append((at, read))
        return rate


async def flow(schemas: Schemas, ends: Mapping[Partition, int] | None, rates: Rates, at: float) -> list[ServiceFlow]:
    """How each service stands, inquiry where it has tables. `ends`: where the topics end; `at`: a monotonic time, in seconds."""
    there = await schemas.names()
    found: list[ServiceFlow] = []
    for service in PROCESSES:
        if service.name in there:
            async with schemas.of(service.name) as connection:
                found.append(await _of_service(service, connection, ends, rates, at))
    return found


async def _of_service(
    service: AnyService, connection: Connection, ends: Mapping[Partition, int] | None, rates: Rates, at: float
) -> ServiceFlow:
    stand = await shell_queries.stand(connection)
    number, since = await extent_of_waiting(connection, service.name)
    read = await shell_queries.read_positions(connection)
    behind = None if ends is None else _behind(service, ends, read)
    return ServiceFlow(service.name, stand, number, since, behind, rates.note(service.name, at, sum(read.values())))


def _behind(service: AnyService, ends: Mapping[Partition, int], read: Mapping[Partition, int]) -> dict[str, int]:
    behind: dict[str, int] = {}
    for place, end in sorted(ends.items()):
        if base_topic(place.topic) in service.subscriptions and service.reads(place.topic):
            behind[place.topic] = behind.get(place.topic, 0) + max(0, end - read.get(place, 0))
    return behind


def _said(time: datetime | None) -> str | None:
    return None if time is None else instant(time)
