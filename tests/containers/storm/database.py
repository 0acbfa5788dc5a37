"""PostgreSQL on two machines, as containers: a primary and a standby that has everything before a commit is acknowledged.

Invariant: while a standby follows, no commit is acknowledged that it has not written (synchronous replication), so what was
acknowledged is there after a fail-over; while there is none, no fail-over is begun. Both names are on the network all the time or
not at all, and clients find the one that can be written to (`target_session_attrs=read-write`). The data are on a file system of
limited size in memory, so that it can be filled; the server's log is beside it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tests.containers.images import POSTGRES_IMAGE
from tests.live.delivery.backing_services import free_port
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from tests.containers.storm.engine import Engine

_USER: Final = "intercompany"
_DATA: Final = "/pg/data"
_LOG: Final = "/tmp/postgres.log"  # noqa: S108 - inside the container, off the file system that is filled
_FILLER: Final = "/pg/filler"
_START: Final = f"pg_ctl --pgdata {_DATA} --log {_LOG} --wait --timeout 60 start >/dev/null"
_STOP: Final = f"pg_ctl --pgdata {_DATA} --mode immediate --wait --timeout 30 stop >/dev/null"
_SETTINGS: Final = """
listen_addresses = '*'
max_connections = 200
wal_keep_size = '256MB'
max_wal_size = '256MB'
synchronous_standby_names = ''
"""
_INIT: Final = f"""
set -e
initdb --pgdata {_DATA} --username {_USER} --auth trust --encoding UTF8 --locale C >/dev/null
cat >> {_DATA}/postgresql.conf <<'SETTINGS'{_SETTINGS}SETTINGS
echo 'host all,replication all all trust' >> {_DATA}/pg_hba.conf
{_START}
createdb --username {_USER} {_USER}
"""
_FOLLOW: Final = f"""
set -e
pg_basebackup --dbname 'host={{primary}} user={_USER} application_name=standby' --pgdata {_DATA} --write-recovery-conf --checkpoint fast
echo "synchronous_standby_names = ''" >> {_DATA}/postgresql.auto.conf
{_START}
"""
_NEEDS_ROOM: Final = "create temporary table room as select repeat('x', 1000) from generate_series(1, 20000)"
_FILL: Final = f"""
dd if=/dev/zero of={_FILLER} bs=1M
dd if=/dev/zero of={_FILLER}.rest bs=4k
PGOPTIONS='-c synchronous_commit=local' timeout 15 psql --username {_USER} --no-psqlrc --command "{_NEEDS_ROOM}" postgres || true
"""
"""Not waiting for the standby, nor for a server that recovers: it is only to have room asked for."""
_NO_SPACE: Final = f"grep --count 'No space left on device' {_LOG} || true"
_FOUND_WITHIN: Final = 5.0
_COPIED_WITHIN: Final = 300.0


class Database:
    """The two nodes, `db1` and `db2`. `megabytes`: the size of each one's file system."""

    def __init__(self, engine: Engine, network: str, megabytes: int) -> None:
        self._engine = engine
        self._network = network
        self._megabytes = megabytes
        self._ports = {"db1": free_port(), "db2": free_port()}
        self.primary, self.standby = "db1", "db2"

    def address(self, *, inside: bool) -> str:
        """The address under which clients find the primary, inside the network or on this machine."""
        places = [f"{node}:5432" if inside else f"127.0.0.1:{port}" for node, port in self._ports.items()]
        return f"postgresql://{_USER}@{','.join(places)}/{_USER}?target_session_attrs=read-write&sslmode=disable"

    async def start(self) -> None:
        """Makes the primary, and a standby that follows it."""
        await self._make(self.primary)
        await self._engine.execute(self.primary, _INIT)
        await self._follow()

    async def restart(self) -> None:
        """Ends the primary at once, as a crash would, and starts it: it recovers from its log."""
        await self._engine.execute(self.primary, f"{_STOP}; {_START}")

    async def lose_primary(self, *, silently: bool) -> None:
        """The primary's machine is gone, or stands still for good: then it takes connections and never answers.

        Before that, everything that it shows has reached the standby.
        """
        await self._until_following()
        if silently:
            await self._engine.pause(self.primary)
        else:
            await self._engine.remove(self.primary)

    async def fail_over(self) -> None:
        """The standby takes over, and clients have some time to find it; a machine without data follows it in the old one's place."""
        self.primary, self.standby = self.standby, self.primary
        await self._engine.execute(self.primary, f"pg_ctl --pgdata {_DATA} --wait --timeout 60 promote >/dev/null")
        await asyncio.sleep(_FOUND_WITHIN)
        await self._engine.remove(self.standby)
        await self._follow()

    async def fill(self) -> None:
        """Takes all the room that the primary's file system has, and has its server need some: the services may be at rest."""
        await self._engine.execute(self.primary, _FILL)

    async def errors_for_want_of_space(self) -> int:
        """How often the primary's server has said that there is no space left."""
        return int(await self._engine.execute(self.primary, _NO_SPACE))

    async def free(self) -> None:
        """Gives the room back, and starts the server if it ended for want of it."""
        await self._engine.execute(
            self.primary, f"rm --force {_FILLER} {_FILLER}.rest; pg_ctl --pgdata {_DATA} status >/dev/null || {_START}"
        )

    async def used(self) -> int:
        """The megabytes that the primary's data take."""
        return int(await self._engine.execute(self.primary, "df --output=used --block-size=1M /pg | tail -1"))

    async def _make(self, node: str) -> None:
        place = ("--network", self._network, "--network-alias", node, "--publish", f"127.0.0.1:{self._ports[node]}:5432")
        disk = ("--tmpfs", f"/pg:rw,mode=1777,size={self._megabytes}m")
        await self._engine.create(
            node, *place, *disk, "--user", "postgres", "--entrypoint", "bash", POSTGRES_IMAGE, "-c", "sleep infinity & wait"
        )
        await self._engine.start(node)

    async def _follow(self) -> None:
        """Makes a standby that copies the primary and follows it; from then on every commit waits for it."""
        await self._make(self.standby)
        await self._engine.execute(self.standby, _FOLLOW.format(primary=self.primary), _COPIED_WITHIN)
        await self._sql("alter system set synchronous_standby_names = '*'")
        await self._sql("select pg_reload_conf()")
        await self._until_following()

    async def _until_following(self) -> None:
        async def follows() -> bool:
            state = await self._sql("select state || sync_state || (pg_current_wal_flush_lsn() <= flush_lsn) from pg_stat_replication")
            return state == "streamingsynctrue"

        await until(follows, 60)

    async def _sql(self, statement: str) -> str:
        words = ("exec", self._engine.name(self.primary), "psql", "--username", _USER, "--no-psqlrc", "--tuples-only", "--no-align")
        return (await self._engine.docker(*words, "--command", statement)).strip()
