"""Empties a namespace between two scenario files of `intercompany run`: all that was folded is forgotten.

Invariant: the product's own schemas (the empty namespace) are never emptied; positions stay, so nothing of the
topics is read again; a running service notices by the epoch, under its lock, and drops what it has in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService
    from shared.settings import Settings

_KEPT: Final = ("positions", "migrations", "epoch")
_TABLES: Final = """
select string_agg(format('%I.%I', schemaname, tablename), ', ' order by tablename) from pg_tables
where schemaname = $1 and tablename <> all($2::text[])
"""


class NotEmptiedError(Exception):
    """The tables asked for are the product's."""


async def reset(connection: Connection, services: Sequence[AnyService], settings: Settings) -> None:
    """Empties all tables of a namespace but positions and migrations; call it while the system is quiet.

    `connection` is in a transaction. NotEmptiedError without a NAMESPACE.
    """
    if not settings.namespace:
        msg = "without NAMESPACE these are the product's own tables: they are never emptied"
        raise NotEmptiedError(msg)
    for service in services:
        schema = settings.schema_name(service.name)
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"{schema}.batch")
        names = await connection.fetchval(_TABLES, schema, list(_KEPT))
        await connection.execute(f"truncate {names}")
        await connection.execute(f'update "{schema}".epoch set number = number + 1')  # noqa: S608 - a name of ours
