"""What waits is given up: an order that the services carry out within seconds.

Invariant: what was given up is refused with the code `discarded`, and what waited for it resumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.desk.actions.rules import ActionPlan, Draft, PlannedDiscard, Verb
from services.desk.waiting_companies import companies_waiting
from shared.delivery import shell_queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.desk.schemas import Schemas
    from services.desk.waiting import WaitingItem
    from shared.events.envelope import EventRef


async def drafted(schemas: Schemas, items: Sequence[WaitingItem]) -> Draft:
    """The action that gives up what waits."""
    events = sorted({each.event for each in items})
    planned = tuple(dict.fromkeys(PlannedDiscard(each.service, each.event) for each in items))
    target = {"events": [{"source": event.source, "id": event.id} for event in events]}
    before = [each.as_row() for each in items]
    return Draft(Verb.DISCARD, target, await companies_waiting(schemas, items), ActionPlan(discards=planned), before)


async def order_discards(schemas: Schemas, planned: Iterable[PlannedDiscard]) -> None:
    """Has the services that keep these give them up."""
    by_service: dict[str, list[EventRef]] = {}
    for each in planned:
        by_service.setdefault(each.service, []).append(each.event)
    for service, events in by_service.items():
        async with schemas.of(service) as connection:
            await shell_queries.order_discards(connection, events)
