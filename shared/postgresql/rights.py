"""What each PostgreSQL role may do in a service's schema, and the grants that say so (the roles: deploy/postgres/roles.sql).

Invariant: a service's role reads and writes the rows of its own schema and nothing else, it makes and changes no
table; `reader` only reads; `operator` reads, and writes no more than the commands for operators do; everything belongs
to the role that migrates (`owner`). Granting again changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService
    from shared.settings import Settings

READER: Final = "reader"
OPERATOR: Final = "operator"

_READ: Final = (
    'grant usage on schema "{schema}" to "{role}"',
    'grant select on all tables in schema "{schema}" to "{role}"',
)
_SERVE: Final = (
    *_READ,
    'grant insert, update, delete on all tables in schema "{schema}" to "{role}"',
    'revoke insert, update, delete on "{schema}".migrations from "{role}"',
)
_OPERATE: Final = (
    *_READ,
    'grant insert on "{schema}".discards to "{role}"',  # waiting discard
    'grant update (replays) on "{schema}".rejections to "{role}"',  # rejections replay
    'grant update (retry) on "{schema}".failed to "{role}"',  # failed retry
    'grant update (acknowledged, acknowledged_at, acknowledged_by) on "{schema}".gaps to "{role}"',  # gaps acknowledge
)


async def grant(connection: Connection, settings: Settings, service: AnyService) -> list[str]:
    """Gives the roles their rights in this service's schema; the names of the roles that are not there (not an error).

    `connection` is the owner's, on a schema that is migrated.
    """
    wanted = {settings.role_name(role): rights for role, rights in _rights(service).items()}
    there = {row["rolname"] for row in await connection.fetch("select rolname from pg_roles where rolname = any($1)", list(wanted))}
    for role, rights in wanted.items():
        for statement in rights if role in there else ():
            await connection.execute(statement.format(schema=settings.schema_name(service.name), role=role))
    return sorted(wanted.keys() - there)


def _rights(service: AnyService) -> dict[str, tuple[str, ...]]:
    return {service.name: _SERVE, READER: _READ, OPERATOR: _OPERATE}
