"""Migrations: plain SQL files, applied once each, in order, at the start of a service.

Invariant: all of a service's files are applied in one transaction under a lock, so several instances may start
at once and a failed start leaves nothing half-done; an applied file is never applied again; a file that was applied is
still there and unchanged (else MigrationError: the database is of another version of this program); a schema is not changed
while instances of a service that need another one are connected to it.

Written here because the libraries for it need a second, synchronous PostgreSQL driver (yoyo, alembic with SQLAlchemy).
"""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shared.postgresql.database import TOOL

if TYPE_CHECKING:
    from shared.delivery.ports import Connection, Database
    from shared.delivery.service import AnyService

SHELL: Final = Path(__file__).parents[1] / "delivery" / "migrations"

_TABLE: Final = """
create table if not exists migrations (
    name       text primary key,
    digest     text not null,
    applied_at timestamptz not null default clock_timestamp()
)
"""


_APPLIED: Final = "select name from migrations order by applied_at, name"
_OTHERS: Final = """
select count(*) from pg_stat_activity
where datname = current_database() and (application_name = $1 or starts_with(application_name, $1 || ' '))
and application_name not in ($1 || ' ' || $2, $1 || ' ' || $3)
"""
"""Sessions of services that need another schema; those of 0.1 bear no version."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a schema that no service serves, without the shell's: its name, and the folder of its files."""

    name: str
    folder: Path


class MigrationError(Exception):
    """The database is of another version of this program, or in use by one; the text says which file differs, or what to stop."""


def migration_files(service: AnyService | Tables) -> list[tuple[str, Path]]:
    """The shell's files, then those in `migrations/` beside the service's store, each with its name in the table."""
    return [(f"{room}/{file.name}", file) for room, folder in _folders(service) for file in sorted(folder.glob("*.sql"))]


def _folders(service: AnyService | Tables) -> list[tuple[str, Path]]:
    if isinstance(service, Tables):
        return [(service.name, service.folder)]
    return [("shell", SHELL), (service.name, Path(inspect.getfile(service.store)).parent / "migrations")]


def schema_version(service: AnyService | Tables) -> str:
    """What tells the schema of this program's version from that of others: a digest of the files' names."""
    return _digest(json.dumps([name for name, _ in migration_files(service)]))[:8]


async def applied(connection: Connection) -> list[str]:
    """The names of the files that a schema has, in the order in which they came."""
    return [row["name"] for row in await connection.fetch(_APPLIED)]


async def migrate(database: Database, schema: str, service: AnyService | Tables) -> None:
    """Brings a service's schema to this program's version; makes it if it is not there.

    MigrationError, and nothing is changed, while instances of the service that need another version are connected.
    """
    async with database.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"{schema}.migrations")
        if await connection.fetchval("select to_regnamespace($1)", schema) is None:  # "if not exists" asks for the right even so
            await connection.execute(f'create schema "{schema}"')
        await connection.execute(_TABLE)
        missing = await _not_applied(connection, schema, service)
        if missing:
            await _refuse_in_use(connection, schema, service)
        for name, text in missing:
            await connection.execute(text)
            await connection.execute("insert into migrations (name, digest) values ($1, $2)", name, _digest(text))


async def _refuse_in_use(connection: Connection, schema: str, service: AnyService | Tables) -> None:
    sessions = await connection.fetchval(_OTHERS, f"intercompany {schema}", schema_version(service), TOOL)
    if sessions:
        msg = (
            f"schema {schema} is in use by another version of the service {service.name} (connections: {sessions}): "
            "stop all its instances first, then run `intercompany migrate`"
        )
        raise MigrationError(msg)


async def check_migrated(database: Database, schema: str, service: AnyService | Tables) -> None:
    """MigrationError unless the schema is at this program's version; for a service whose role may not change it."""
    async with database.transaction() as connection:
        # A schema that this role may not use is none on its search_path.
        there = await connection.fetchval("select to_regclass('migrations')") is not None
        missing = await _not_applied(connection, schema, service) if there else migration_files(service)
    if missing:
        msg = f"schema {schema} waits for {missing[0][0]}: `intercompany migrate` makes it and gives this service's role its rights"
        raise MigrationError(msg)


async def _not_applied(connection: Connection, schema: str, service: AnyService | Tables) -> list[tuple[str, str]]:
    """Name and text of the files that this schema does not have; MigrationError for what it has and this program has not."""
    applied = {row["name"]: row["digest"] for row in await connection.fetch("select name, digest from migrations")}
    missing: list[tuple[str, str]] = []
    for name, file in migration_files(service):
        text = file.read_text(encoding="utf-8")
        digest = applied.pop(name, None)
        if digest is None:
            missing.append((name, text))
        elif digest != _digest(text):
            msg = f"{name} was changed after it had been applied: put changes into a new file"
            raise MigrationError(msg)
    if applied:
        msg = f"schema {schema}: {', '.join(sorted(applied))} was applied by a newer version of this program: run that one"
        raise MigrationError(msg)
    return missing


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
