"""What a command that runs services itself asks and does across their schemas: snapshots, locks, emptied tables.

Invariant: tables are named with their schema, since one connection sees all of a namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.delivery.ports import Connection

_DATABASE: Final = """
select system_identifier || '/' || oid from pg_control_system(), pg_database where datname = current_database()
"""
_LOCK: Final = "select pg_advisory_lock(hashtextextended($1, 0))"
_LOCK_BATCHES: Final = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_TABLES: Final = """
select string_agg(format('%I.%I', schemaname, tablename), ', ' order by tablename) from pg_tables
where schemaname = $1 and tablename <> all($2::text[])
"""
_KEPT: Final = ("positions", "migrations", "epoch")


class Snapshot(NamedTuple):
    """All services at one moment: which have something unsent, and how far each has read, by service, topic and partition."""

    unsent: list[str]
    read: dict[tuple[str, str, int], int]


async def database_identity(connection: Connection) -> str:
    """What tells this database from every other one, on this server or another."""
    return str(await connection.fetchval(_DATABASE))


async def lock_namespace(connection: Connection, namespace: str, within: str) -> None:
    """Waits until no other command uses the namespace, for at most `within` (as PostgreSQL writes it), and keeps others out."""
    await connection.execute("select set_config('lock_timeout', $1, false)", within)
    await connection.fetchval(_LOCK, f"{namespace}.command")


async def first_failure(connection: Connection, schema: str) -> str | None:
    """What a service failed on, if it did."""
    error: str | None = await connection.fetchval(f'select error from "{schema}".failed limit 1')  # noqa: S608 - a name of ours
    return error


async def snapshot(connection: Connection, schemas: Mapping[str, str]) -> Snapshot:
    """One statement, so one moment; `schemas`: of each service."""
    row: Any = await connection.fetchrow(_question(schemas))
    return Snapshot(row["unsent"], {(service, topic, number): offset for service, topic, number, offset in row["positions"] or ()})


def _question(schemas: Mapping[str, str]) -> str:
    positions = " union all ".join(
        f"select '{name}' as service, topic, partition, next_offset - base as read from \"{schema}\".positions"  # noqa: S608 - names of ours
        for name, schema in schemas.items()
    )
    unsent = ", ".join(
        f'case when exists (select from "{schema}".outbox) or exists (select from "{schema}".released) then \'{name}\' end'  # noqa: S608
        for name, schema in schemas.items()
    )
    return f"select array_remove(array[{unsent}], null) as unsent, (select array_agg(p) from ({positions}) p) as positions"  # noqa: S608


async def empty(connection: Connection, schemas: Sequence[str]) -> None:
    """Empties all tables of these schemas but positions, migrations and the epoch, which is raised; in the transaction at hand."""
    for schema in schemas:
        await connection.execute(_LOCK_BATCHES, f"{schema}.batch")
        names = await connection.fetchval(_TABLES, schema, list(_KEPT))
        await connection.execute(f"truncate {names}")
        await connection.execute(f'update "{schema}".epoch set number = number + 1')  # noqa: S608 - a name of ours
