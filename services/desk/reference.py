"""The reference data in force, as settlement has them: it keeps all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.settlement import queries as settlement_queries
from services.settlement.queries import ReferenceInForce
from shared.delivery.reference_table import ReferenceTable

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from shared.reference import Reference

__all__ = ["ReferenceInForce", "ReferenceKept", "reference_data", "reference_events"]


class ReferenceKept:
    """The reference data in force, for a process that asks again and again: only what has changed since is read."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._table = ReferenceTable()

    async def current(self) -> Reference:
        """The reference data as committed."""
        async with self._schemas.of("settlement") as connection:
            return await self._table.current(connection)


async def reference_data(schemas: Schemas) -> Reference:
    """The reference data in force."""
    async with schemas.of("settlement") as connection:
        return await settlement_queries.reference(connection)


async def reference_events(schemas: Schemas) -> dict[str, ReferenceInForce]:
    """The reference events in force, by compaction key."""
    async with schemas.of("settlement") as connection:
        return await settlement_queries.reference_events(connection)
