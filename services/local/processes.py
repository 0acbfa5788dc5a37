"""The services, and the HTTP API where it is asked for, as processes of one command, each with its log in a file.

Invariant: Ctrl-C in the terminal reaches the command alone, which asks the services to stop and waits until they
have finished what is under way; on Linux the kernel ends them if the command is killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from services.registry import INQUIRY, SERVICES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from shared.delivery.service import AnyService

NOTHING_MORE: Final[Mapping[str, Any]] = MappingProxyType({})
PROGRAMS: Final[Mapping[str, str]] = MappingProxyType({INQUIRY.name: "services.desk.inquiry_process"})
"""Modules that run a service with more in its process than the service."""
_STOP_WITHIN: Final = 20.0
_READY_WITHIN: Final = 120.0


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A running service: its name, its process, its log, and where it answers `/live`, `/ready` and `/metrics`."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    address: str

    async def until_ready(self) -> None:
        """Waits until the service would take a message that comes now."""
        retry = retry_if_exception_type(OSError)
        async for attempt in AsyncRetrying(retry=retry, stop=stop_after_delay(_READY_WITHIN), wait=wait_fixed(0.1), reraise=True):
            with attempt:
                await asyncio.to_thread(urlopen, f"{self.address}/ready", timeout=5)


@asynccontextmanager
async def service_processes(
    environment: Mapping[str, str],
    folder: Path,
    services: Sequence[AnyService] = SERVICES,
    more: Mapping[str, Mapping[str, str]] = NOTHING_MORE,
) -> AsyncIterator[list[ServiceProcess]]:
    """Starts these services with these variables added to this process's own; stops them together at the end.

    They answer on this machine alone (HEALTH_HOST), each on a port of its own; their logs are in the folder, which is there.
    `more`: packages below `services` that are started too, each with variables of its own.
    """
    started: list[ServiceProcess] = []
    try:
        for name, own in {**{service.name: NOTHING_MORE for service in services}, **more}.items():
            started.append(await _start(name, {**environment, **own}, folder))
        yield started
    finally:
        await _stop(started)


async def _start(name: str, environment: Mapping[str, str], folder: Path) -> ServiceProcess:
    log, port = folder / f"{name}.log", free_port()
    tied = [setpriv, "--pdeathsig", "TERM", "--"] if (setpriv := shutil.which("setpriv")) else []
    command = [*tied, sys.executable, "-m", PROGRAMS.get(name, f"services.{name}")]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **environment, "HEALTH_HOST": "127.0.0.1", "HEALTH_PORT": str(port)},
        )
    return ServiceProcess(name, process, log, f"http://127.0.0.1:{port}")


def free_port(host: str = "127.0.0.1", wanted: int = 0) -> int:
    """A port that is free on this machine: the one that is wanted, if it is."""
    try:
        with closing(socket.create_server((host, wanted))) as server:
            return int(server.getsockname()[1])
    except OSError:
        if wanted == 0:
            raise
        return free_port(host)


async def _stop(started: list[ServiceProcess]) -> None:
    running = [each.process for each in started if each.process.returncode is None]
    for process in running:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
    waits = [asyncio.ensure_future(process.wait()) for process in running]
    if waits:
        _, late = await asyncio.wait(waits, timeout=_STOP_WITHIN)
        for process in running if late else ():
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*waits)


async def all_ready(started: list[ServiceProcess]) -> None:
    """Waits until every service would take a message that comes now."""
    for each in started:
        await each.until_ready()


async def first_ended(started: list[ServiceProcess]) -> ServiceProcess:
    """Waits until one of the services ends by itself, and says which."""
    waits = {asyncio.ensure_future(each.process.wait()): each for each in started}
    done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in rest:
        wait.cancel()
    return waits[done.pop()]
