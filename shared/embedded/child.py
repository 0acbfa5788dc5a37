"""One child process that ends with its parent, however that one ends.

Invariant: a child writes to its log file only; it lives in a session of its own, so that Ctrl-C in a terminal reaches
the parent alone, which decides the order of stopping; on Linux the kernel ends it when the parent dies by SIGKILL (asked for
through `setpriv`, which is part of util-linux). The kernel watches the thread that started the child: start it from a thread
that lives as long as the process, which the main one does.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

_LOG_TAIL: Final = 2000
"""Bytes of a log that an error quotes."""

_PATIENCE_S: Final = 30.0
"""How long a child may take to end before it is killed: a database writes what is dirty first."""


class BackingServiceError(Exception):
    """An embedded backing service could not be started or used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class OsUser:
    """The account of the operating system that a child runs under, by its numbers."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Child:
    """A running child and where it writes."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def check(self) -> None:
        """BackingServiceError with the end of its log if it has ended."""
        if self.process.returncode is not None:
            self.fail("ended by itself")

    def fail(self, what: str) -> NoReturn:
        """BackingServiceError with what is wrong and the end of its log, which holds the cause."""
        tail = self.log.read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip()
        message = f"The embedded {self.name} {what}. The end of {self.log}:\n{tail}"
        raise BackingServiceError(message)


@asynccontextmanager
async def running(name: str, command: Sequence[str], log: Path, stop: signal.Signals, user: OsUser | None = None) -> AsyncIterator[Child]:
    """Runs a child; at the end, or when this process dies, it gets the signal `stop`."""
    child = Child(name, await _spawn(command, log, stop, user), log)
    try:
        yield child
    finally:
        await _end(child.process, stop)


async def run(name: str, command: Sequence[str], log: Path, user: OsUser | None = None) -> None:
    """Runs a child to its end; BackingServiceError if that is not a success."""
    async with running(name, command, log, signal.SIGKILL, user) as child:
        if await child.process.wait() != 0:
            child.fail("failed")


async def _spawn(command: Sequence[str], log: Path, on_death: signal.Signals, user: OsUser | None) -> asyncio.subprocess.Process:
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *_launcher(on_death, user),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=_environment(),
        )


def _environment() -> dict[str, str]:
    """The environment without what is meant for clients of some database (PGPORT would change the server's too)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _launcher(on_death: signal.Signals, user: OsUser | None) -> list[str]:
    """The words before a command that tie it to this process and put it under an account.

    Under another account it keeps one right of root, to pass folders closed to others: nothing on the way to the wheel or to
    the data has to be opened up, which may well be root's home. Without `no_setuid_fixup` access(2), by which initdb looks for
    postgres, would not count that right.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None and user is not None:
        message = "PostgreSQL refuses to run as root, and `setpriv` (util-linux) is missing: run as another user, or set DATABASE_URL."
        raise BackingServiceError(message)
    if setpriv is None:
        return []
    tied = [setpriv, "--pdeathsig", on_death.name.removeprefix("SIG")]
    if user is None:
        return [*tied, "--"]
    rights = ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override", "--securebits", "+no_setuid_fixup"]
    return [*tied, "--reuid", str(user.uid), "--regid", str(user.gid), "--clear-groups", *rights, "--"]


async def _end(process: asyncio.subprocess.Process, stop: signal.Signals) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(stop)
    try:
        await asyncio.wait_for(process.wait(), _PATIENCE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
