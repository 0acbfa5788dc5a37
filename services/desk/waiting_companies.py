"""Whose books it concerns when what waits is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.payment import queries as payment_queries
from services.settlement import queries as settlement_queries
from shared.events.journals import PaymentJournal
from shared.events.senders import RULES, concerns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.schemas import Schemas
    from services.desk.waiting import WaitingItem
    from services.settlement.rules.values import Parked


async def companies_waiting(schemas: Schemas, items: Iterable[WaitingItem]) -> tuple[str, ...] | None:
    """The companies that these events speak for, and those whose sales payments wait; None: the whole group, or not known."""
    events = {each.event for each in items}
    async with schemas.of("settlement") as connection:
        parked = await settlement_queries.parked_of(connection, events)
    async with schemas.of("payment") as connection:
        found: set[str | None] = {*await payment_queries.companies_waiting(connection, events)}
    for each in parked:
        found |= _companies(each)
    return None if None in found or not found else tuple(sorted(each for each in found if each is not None))


def _companies(parked: Parked) -> set[str | None]:
    """What is handed on by the payment service names its company itself; what reverses is known by what it concerns."""
    data = parked.message.data
    data = data.payment if isinstance(data, PaymentJournal) else data
    own: set[str | None] = {concern.company for concern in concerns(data)} if type(data) in RULES else {getattr(data, "company", None)}
    return own | {key.company for key in parked.concerns}
