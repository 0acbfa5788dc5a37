"""Empties a namespace between two scenario files of `intercompany run`: all that was folded is forgotten.

Invariant: the product's own schemas (the empty namespace) are never emptied; positions stay, so nothing of the
topics is read again; a running service notices by the epoch, under its lock, and drops what it has in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.local.queries import empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService
    from shared.settings import Settings


class NotEmptiedError(Exception):
    """The tables asked for are the product's."""


async def reset(connection: Connection, services: Sequence[AnyService], settings: Settings) -> None:
    """Empties all tables of a namespace but positions and migrations; call it while the system is quiescent.

    `connection` is in a transaction. NotEmptiedError without a NAMESPACE.
    """
    if not settings.namespace:
        msg = "without NAMESPACE these are the product's own tables: they are never emptied"
        raise NotEmptiedError(msg)
    await empty(connection, [settings.schema_name(service.name) for service in services])
