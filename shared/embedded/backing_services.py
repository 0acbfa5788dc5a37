"""The backing services: a broker and a database, given by settings or started here.

Invariant: one whose address is given is used and never started; a folder of data is used by one process at a time, and
another process can find what runs on it; the database's data outlive its server, the broker's do not (shared/embedded/broker.py),
so let the services finish what is under way before stopping.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO, TypeAlias

from shared.embedded.broker import embedded_broker
from shared.embedded.child import BackingServiceError
from shared.embedded.database import embedded_database

_Address: TypeAlias = AbstractAsyncContextManager[str]


@dataclass(frozen=True, slots=True)
class BackingServices:
    """Where broker and database are. `idempotent_producer`: False for the embedded broker, which has none."""

    bootstrap_servers: str
    database_url: str
    idempotent_producer: bool

    def environment(self) -> dict[str, str]:
        """The variables with which a service's process finds them, and settings that suit them."""
        addresses = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers, "DATABASE_URL": self.database_url}
        if self.idempotent_producer:
            return addresses
        polling = {"FETCH_MAX_WAIT_MS": "20", "SESSION_TIMEOUT_MS": "2000", "HEARTBEAT_INTERVAL_MS": "500"}
        return addresses | polling | {"IDEMPOTENT_PRODUCER": "false", "GROUP_INSTANCE_ID": ""}


@asynccontextmanager
async def embedded_backing_services(folder: Path) -> AsyncIterator[BackingServices]:
    """Both, started on a folder; as `start_backing_services` without addresses."""
    async with start_backing_services(folder) as started:
        yield started


@asynccontextmanager
async def start_backing_services(
    folder: Path, kafka_bootstrap_servers: str | None = None, database_url: str | None = None
) -> AsyncIterator[BackingServices]:
    """Starts each one whose address is not given, with its data and logs in the folder; stops it at the end.

    BackingServiceError if one does not come up or another process uses the folder.
    """
    if kafka_bootstrap_servers and database_url:
        yield BackingServices(kafka_bootstrap_servers, database_url, idempotent_producer=True)
        return
    home = _home(folder)
    database: _Address = nullcontext(database_url) if database_url else embedded_database(home)
    broker: _Address = nullcontext(kafka_bootstrap_servers) if kafka_bootstrap_servers else embedded_broker(home)
    with _claimed(home) as notice:
        async with database as url, broker as servers:
            started = BackingServices(servers, url, idempotent_producer=bool(kafka_bootstrap_servers))
            json.dump(asdict(started), notice)
            notice.flush()
            yield started


def running_backing_services(folder: Path) -> BackingServices | None:
    """The backing services that another process has running on this folder; None if there are none, or not yet."""
    try:
        with (folder / "backing-services.json").open() as notice:
            if _lock(notice, fcntl.LOCK_SH):
                return None
            text = notice.read()
    except FileNotFoundError:
        return None
    return BackingServices(**json.loads(text)) if text else None


def _home(folder: Path) -> Path:
    """The folder, made if need be, and its full path: the database's server changes its working directory."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


@contextmanager
def _claimed(folder: Path) -> Iterator[TextIO]:
    """The notice in which the addresses are written; its lock falls with the process, so a killed one leaves no claim behind."""
    # It can hold a password, if only one of the two is embedded.
    (folder / "backing-services.json").touch(mode=0o600)
    with (folder / "backing-services.json").open("a") as notice:
        if not _lock(notice, fcntl.LOCK_EX):
            message = f"{folder} is in use by another process of intercompany: stop that one, or set DATA_DIR to another folder."
            raise BackingServiceError(message)
        notice.truncate(0)
        try:
            yield notice
        finally:
            notice.truncate(0)


def _lock(notice: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(notice, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
