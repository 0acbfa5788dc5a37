"""How far the posting service is: what inquiry has read of documents and settlements may have vouchers that are still to come.

Invariant: asked before the ends of the topics and before inquiry's books, so that what it calls sent is among what they count; where
it does not answer, nothing is said.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg

from services.desk.schemas import SchemaMissingError
from services.inquiry.queries.read_to import PostingStand
from services.registry import POSTING
from shared.delivery import shell_queries

if TYPE_CHECKING:
    from services.desk.schemas import ServicesSchemas


async def posting_stand(schemas: ServicesSchemas) -> PostingStand | None:
    """How far posting has read, and how much it has still to send; None: not known."""
    with suppress(SchemaMissingError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        async with schemas.of(POSTING.name) as connection:
            read = await shell_queries.read_positions(connection)
            return PostingStand(read, await shell_queries.unsent(connection))
    return None
