"""What waits is given up: an order that the services carry out within seconds.

Invariant: what was given up is refused with the code `discarded`, and what waited for it resumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.delivery import shell_queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.schemas import Schemas
    from services.desk.waiting import WaitingItem
    from shared.events.envelope import EventRef


async def order_discards(schemas: Schemas, items: Iterable[WaitingItem]) -> None:
    """Has the services that keep these give them up."""
    by_service: dict[str, list[EventRef]] = {}
    for each in items:
        by_service.setdefault(each.service, []).append(each.event)
    for service, events in by_service.items():
        async with schemas.of(service) as connection:
            await shell_queries.order_discards(connection, events)
