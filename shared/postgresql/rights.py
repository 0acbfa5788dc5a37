"""What each PostgreSQL role may do in a service's schema, and the grants that say so (the roles: deploy/postgres/roles.sql).

Invariant: a service's role reads and writes the rows of its own schema and nothing else, it makes and changes no
table; that of inquiry reads all schemas, since it compares the books (CHECK_EVERY); `reader` only reads;
`operator` and `web` read, and write no more than the commands for operators do; of what people did
(schema `desk`) rows are added and none is changed but an action's state; everything belongs to the role that migrates (`owner`).
Granting again changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.postgresql.migrations import Tables
from shared.settings import INQUIRY

if TYPE_CHECKING:
    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService
    from shared.settings import Settings

READER: Final = "reader"
OPERATOR: Final = "operator"
WEB: Final = "web"

_READ: Final = (
    'grant usage on schema "{schema}" to "{role}"',
    'grant select on all tables in schema "{schema}" to "{role}"',
    'grant select on all sequences in schema "{schema}" to "{role}"',  # a preview looks where the order of arrival is
)
_SERVE: Final = (
    *_READ,
    'grant insert, update, delete on all tables in schema "{schema}" to "{role}"',
    'grant usage on all sequences in schema "{schema}" to "{role}"',
    'revoke insert, update, delete on "{schema}".migrations from "{role}"',
)
_ORDER: Final = (
    *_READ,
    'grant insert on "{schema}".discards to "{role}"',  # waiting discard
    'grant update (replays) on "{schema}".rejections to "{role}"',  # rejections replay
    'grant update (retry) on "{schema}".failed to "{role}"',  # failed retry
)
_OPERATE: Final = (
    *_ORDER,
    'grant update (acknowledged, acknowledged_at, acknowledged_by) on "{schema}".gaps to "{role}"',  # gaps acknowledge
    'grant update (sent_at) on "{schema}".outgoing to "{role}"',  # resend
)


_NOTE: Final = (
    *_READ,
    'grant insert on all tables in schema "{schema}" to "{role}"',
    'revoke insert on "{schema}".migrations from "{role}"',
    'grant update (state) on "{schema}".actions to "{role}"',
)


async def grant(connection: Connection, settings: Settings, service: AnyService | Tables) -> list[str]:
    """Gives the roles their rights in this service's schema; the names of the roles that are not there (not an error).

    `connection` is the owner's, on a schema that is migrated.
    """
    wanted = {settings.role_name(role): rights for role, rights in _rights(service).items()}
    there = {row["rolname"] for row in await connection.fetch("select rolname from pg_roles where rolname = any($1)", list(wanted))}
    for role, rights in wanted.items():
        for statement in rights if role in there else ():
            await connection.execute(statement.format(schema=settings.schema_name(service.name), role=role))
    return sorted(wanted.keys() - there)


def _rights(service: AnyService | Tables) -> dict[str, tuple[str, ...]]:
    if isinstance(service, Tables):
        return {INQUIRY: _READ, READER: _READ, OPERATOR: _NOTE, WEB: _NOTE}
    return {INQUIRY: _READ, service.name: _SERVE, READER: _READ, OPERATOR: _OPERATE, WEB: _ORDER}
