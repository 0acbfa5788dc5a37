"""What people did about events, of whatever page asks.

Invariant: where the desk has no tables yet nobody did anything; no question fails over that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.desk.actions.store import actions_about
from services.desk.schemas import SchemaMissingError
from shared.postgresql.migrations import MigrationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.desk.schemas import Schemas
    from shared.events.envelope import EventRef

    Row = dict[str, Any]


async def actions_of(schemas: Schemas, events: Collection[EventRef]) -> list[Row]:
    """What people did about these events, the oldest first."""
    try:
        async with schemas.desk() as connection:
            return await actions_about(connection, events)
    except (SchemaMissingError, MigrationError):
        return []
