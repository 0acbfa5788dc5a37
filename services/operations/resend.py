"""What the services have said is sent again: after topics were lost with records in them that nobody had read yet.

Each service keeps what it has sent for a while (KEEP_SENT, and KEEP_SENT_BYTES of it at most), as it went over the wire. Back in its
outbox it goes out again, in the order of the first time and under the same ids, so whoever has it sees a duplicate and whoever lacks it
takes it.

Invariant: nothing is decided again, and nothing is lost by sending too much; a service that is stopped sends when it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.desk.under_way import UnderWay
from services.registry import SERVICES
from shared.delivery import shell_queries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from services.desk.schemas import Schemas


class NotNoticedError(Exception):
    """Somebody has not noticed yet that a log was made again: what is sent would count as read before. The text says who and what to do."""


class Resent(NamedTuple):
    """How many batches a service sends again, and when the oldest that it keeps was sent; None: it keeps none."""

    service: str
    batches: int
    kept_since: datetime | None


async def order_resending(schemas: Schemas, since: datetime, services: Iterable[str] | None = None) -> list[Resent]:
    """Has these services, or all, send again what the broker acknowledged at this time (with time zone) or later.

    NotNoticedError before anything is ordered if a reader still has a position beyond the end of what it is to read.
    """
    if problems := await UnderWay(schemas).not_noticed():
        msg = f"{'; '.join(problems)}: start the services, wait until /ready of each is green, and order it again"
        raise NotNoticedError(msg)
    ordered: list[Resent] = []
    for name in services or [service.name for service in SERVICES]:
        async with schemas.of(name) as connection:
            kept_since = await shell_queries.kept_since(connection)
            ordered.append(Resent(name, await shell_queries.order_resending(connection, since), kept_since))
    return ordered
