"""The simulator's own SQL, on all schemas of a run at once.

Invariant: between two runs all tables are empty and their numbers begin again, so that no run knows of another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection

SESSION_LOCK: Final = "select pg_advisory_lock(hashtextextended($1, 0))"
"""As the shell takes it; the simulator takes it in its place."""
LOCKED: Final = "SELECT 1"
"""What the server answers to it."""
OLDEST_ROW: Final = "select min(id) from outbox"

_WATCH: Final = """
create table {schema}.went_back (place text not null);
create function {schema}.note_going_back() returns trigger language plpgsql as $$
begin
    insert into {schema}.went_back values (format('%s/%s from %s to %s', new.topic, new.partition, old.next_offset, new.next_offset));
    return new;
end $$;
create trigger going_back before update on {schema}.positions
for each row when (new.next_offset < old.next_offset) execute function {schema}.note_going_back()
"""
_QUICK: Final = ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "autovacuum = off")
_USED: Final = """
select string_agg(c.oid::regclass::text, ', ' order by c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1::text[]) and c.relkind = 'r' and c.relname <> all(array['migrations', 'epoch']) and pg_relation_size(c.oid) > 0
"""
_NUMBERED: Final = """
select setval(c.oid, 1, false) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1::text[]) and c.relkind = 'S'
"""


async def hurry(connection: Connection) -> None:
    """The server's data need not outlive it, and nothing happens in it by itself."""
    for setting in _QUICK:
        await connection.execute(f"alter system set {setting}")
    await connection.execute("select pg_reload_conf()")


async def watch_positions(connection: Connection, schema: str) -> None:
    """Has the server note where a service's position goes back: what is read again then does no harm, so nothing else need tell."""
    await connection.execute(_WATCH.format(schema=schema))


async def gone_back(connection: Connection) -> list[str]:
    """The positions that went back."""
    return [row["place"] for row in await connection.fetch("select place from went_back order by place")]


async def empty(connection: Connection, schemas: Sequence[str]) -> None:
    """Empties all tables but migrations and the epoch."""
    if used := await connection.fetchval(_USED, schemas):
        await connection.execute(f"truncate {used}")
    await connection.fetch(_NUMBERED, schemas)


async def inbox(connection: Connection) -> dict[str, bytes]:
    """All ids that are taken, with their digests."""
    return {row["key"]: row["digest"] for row in await connection.fetch("select key::text, digest from inbox")}
