"""Migrations: plain SQL files, applied once each, in order, at the start of a service.

What always holds: all of a service's files are applied in one transaction under a lock, so several instances may start
at once and a failed start leaves nothing half-done; an applied file is never applied again; a file that was applied is
still there and unchanged (else MigrationError: the database is of another version of this program).

Written by hand because the libraries for it need a second, synchronous PostgreSQL driver (yoyo, alembic with SQLAlchemy).
"""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.delivery.ports import Connection, Database
    from shared.delivery.service import AnyService

SHELL: Final = Path(__file__).parent / "migrations"

_TABLE: Final = """
create table if not exists migrations (
    name       text primary key,
    digest     text not null,
    applied_at timestamptz not null default clock_timestamp()
)
"""


class MigrationError(Exception):
    """The database was made by another version of this program; the text says which file differs."""


def migration_files(service: AnyService) -> list[tuple[str, Path]]:
    """The shell's files, then those in `migrations/` beside the service's store, each with its name in the table."""
    beside = Path(inspect.getfile(service.store)).parent / "migrations"
    return [
        (f"{room}/{file.name}", file)
        for room, folder in (("shell", SHELL), (service.name, beside))
        for file in sorted(folder.glob("*.sql"))
    ]


async def migrate(database: Database, schema: str, service: AnyService) -> None:
    """Brings a service's schema to this program's version; makes it if it is not there."""
    async with database.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"{schema}.migrations")
        if await connection.fetchval("select to_regnamespace($1)", schema) is None:  # "if not exists" asks for the right even so
            await connection.execute(f'create schema "{schema}"')
        await connection.execute(_TABLE)
        applied = {row["name"]: row["digest"] for row in await connection.fetch("select name, digest from migrations")}
        for name, file in migration_files(service):
            await _apply(connection, name, file.read_text(encoding="utf-8"), applied.pop(name, None))
    if applied:
        msg = f"schema {schema}: {', '.join(sorted(applied))} was applied by a newer version of this program: run that one"
        raise MigrationError(msg)


async def _apply(connection: Connection, name: str, text: str, applied: str | None) -> None:
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    if applied is None:
        await connection.execute(text)
        await connection.execute("insert into migrations (name, digest) values ($1, $2)", name, digest)
    elif applied != digest:
        msg = f"{name} was changed after it had been applied: put changes into a new file"
        raise MigrationError(msg)
