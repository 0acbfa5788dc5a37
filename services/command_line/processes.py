"""The three services as processes of one command, each with its log in a file.

What always holds: Ctrl-C in the terminal reaches the command alone, which asks the services to stop and waits until they
have finished what is under way; on Linux the kernel ends them if the command is killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.command_line.wiring import SERVICES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

_STOP_WITHIN: Final = 20.0


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A running service: its name, its process and its log."""

    name: str
    process: asyncio.subprocess.Process
    log: Path


@asynccontextmanager
async def service_processes(environment: Mapping[str, str], folder: Path) -> AsyncIterator[list[ServiceProcess]]:
    """Starts the three services with these variables added to this process's own; stops them together at the end."""
    async with AsyncExitStack() as stack:
        started = [await _start(service.name, environment, folder) for service in SERVICES]
        stack.push_async_callback(_stop, started)
        yield started


async def _start(name: str, environment: Mapping[str, str], folder: Path) -> ServiceProcess:
    log = folder / f"{name}.log"
    tied = [setpriv, "--pdeathsig", "TERM", "--"] if (setpriv := shutil.which("setpriv")) else []
    command = [*tied, sys.executable, "-m", "services.command_line.main", "service", name]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    return ServiceProcess(name, process, log)


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


async def first_ended(started: list[ServiceProcess]) -> ServiceProcess:
    """Waits until one of the services ends by itself, and says which."""
    waits = {asyncio.ensure_future(each.process.wait()): each for each in started}
    done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in rest:
        wait.cancel()
    return waits[done.pop()]
