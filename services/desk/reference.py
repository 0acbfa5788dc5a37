"""The reference data in force, as settlement has them: it keeps all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.settlement import queries as settlement_queries
from services.settlement.queries import ReferenceInForce

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from shared.reference import Reference

__all__ = ["ReferenceInForce", "reference_data", "reference_events"]


async def reference_data(schemas: Schemas) -> Reference:
    """The reference data in force."""
    async with schemas.of("settlement") as connection:
        return await settlement_queries.reference(connection)


async def reference_events(schemas: Schemas) -> dict[str, ReferenceInForce]:
    """The reference events in force, by compaction key."""
    async with schemas.of("settlement") as connection:
        return await settlement_queries.reference_events(connection)
