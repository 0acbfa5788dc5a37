"""What a storm starts in the container engine, and what it is told of it.

Invariant: every container, network and image of a run bears the run's name as its label, and `removed` leaves none of them, however
the run ends; every command has a bound. A container that ends without the storm having ended it is known by name.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
from collections import Counter
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

_WITHIN: Final = 60.0
_LABEL: Final = "intercompany.storm"
_REMOVED_WITHIN: Final = 120
_AGAIN_AFTER: Final = 1.0


class EngineError(Exception):
    """A command of the engine failed, or did not end in time; the text has what it said."""


def _is_not_frozen(error: BaseException) -> bool:
    return isinstance(error, EngineError) and "unable to freeze" in str(error)


class Engine:
    """The engine's command for one run; `logs`: a folder for what containers wrote.

    `ended`: how often the storm has ended each container; `deaths`: how often each has ended.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.run = f"storm-{secrets.token_hex(3)}"
        self.label = f"{_LABEL}={self.run}"
        self.ended: Counter[str] = Counter()
        self.deaths: Counter[str] = Counter()
        self.out_of_memory: Counter[str] = Counter()

    def name(self, part: str) -> str:
        """The name of a part of this run in the engine."""
        return f"{self.run}-{part}"

    async def docker(self, *words: str, within: float = _WITHIN, given: str = "") -> str:
        """What a command says that is given a text; EngineError if it fails or does not end in so many seconds."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec("docker", *words, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        try:
            output, errors = await asyncio.wait_for(process.communicate(given.encode()), within)
        except TimeoutError as error:
            msg = f"docker {' '.join(words[:4])} did not end in {within:.0f} s"
            raise EngineError(msg) from error
        finally:
            await _killed(process)
        if process.returncode:
            msg = f"docker {' '.join(words[:6])}: {errors.decode(errors='replace').strip()[-600:]}"
            raise EngineError(msg)
        return output.decode(errors="replace")

    async def network(self, part: str) -> str:
        """Makes a network; gives its name."""
        await self.docker("network", "create", "--label", self.label, self.name(part))
        return self.name(part)

    async def create(self, part: str, *words: str) -> str:
        """Makes a container, not started; `words` as of `docker create`, image and command at the end. Gives its name."""
        await self.docker("create", "--name", self.name(part), "--label", self.label, *words)
        return self.name(part)

    async def kill(self, part: str, signal: str = "KILL") -> None:
        """Sends a signal to a container's first process. One that ends it is the storm's doing."""
        if signal in {"KILL", "TERM", "QUIT"}:
            self.ended[part] += 1
        await self.docker("kill", "--signal", signal, self.name(part))

    async def stop(self, part: str, seconds: int) -> int:
        """Stops a container in good order, for which it has so many seconds; the code with which it ended."""
        self.ended[part] += 1
        await self.docker("stop", "--time", str(seconds), self.name(part))
        return int((await self.state(part))["ExitCode"])

    async def start(self, part: str) -> None:
        """Starts a container."""
        await self.docker("start", self.name(part))

    async def pause(self, part: str) -> None:
        """Has a container stand still for good. The kernel does not always freeze all its processes at the first try: it is tried again."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_not_frozen), stop=stop_after_delay(_WITHIN), wait=wait_fixed(_AGAIN_AFTER), reraise=True
        )
        await retrying(self.docker, "pause", self.name(part))

    async def remove(self, part: str) -> None:
        """Kills a container and removes it with all that it has: its machine is lost. Nothing happens if it is gone."""
        self.ended[part] += 1
        await asyncio.to_thread(self._keep_log, self.name(part))
        await self.docker("rm", "--force", "--volumes", self.name(part))

    async def state(self, part: str) -> dict[str, Any]:
        """The state of a container, as the engine has it."""
        state: dict[str, Any] = json.loads(await self.docker("inspect", "--format", "{{json .State}}", self.name(part)))
        return state

    async def execute(self, part: str, script: str, within: float = _WITHIN) -> str:
        """What a script of the shell says inside a container."""
        return await self.docker("exec", self.name(part), "bash", "-c", script, within=within)

    def unexplained(self) -> list[str]:
        """Containers that ended more often than the storm has ended them, or ran out of memory; in words."""
        found = [f"{part} ended by itself {times} times" for part, times in sorted((self.deaths - self.ended).items())]
        return found + [f"{part} was ended by its memory limit" for part in sorted(self.out_of_memory)]

    @asynccontextmanager
    async def observed(self) -> AsyncIterator[None]:
        """Listens to what becomes of the run's containers."""
        filters = ("--filter", f"label={self.label}", "--filter", "type=container", "--filter", "event=die", "--filter", "event=oom")
        process = await asyncio.create_subprocess_exec(
            *("docker", "events", *filters, "--format", "{{json .}}"), stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        listening = asyncio.create_task(self._listen(process))
        try:
            yield
            await asyncio.sleep(1)  # for what is said of the last moment
        finally:
            await _killed(process)
            await asyncio.wait([listening])

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            event = json.loads(line)
            part = event["Actor"]["Attributes"]["name"].removeprefix(f"{self.run}-")
            (self.out_of_memory if event["Action"] == "oom" else self.deaths)[part] += 1

    @contextmanager
    def removed(self) -> Iterator[None]:
        """At the end nothing of the run is left. Not by tasks: it has to work when they are cancelled."""
        try:
            yield
        finally:
            for name in _docker("ps", "--all", "--format", "{{.Names}}", *self._of_the_run).split():
                self._keep_log(name)
            for listed, removing in _KINDS:
                if found := _docker(*listed, *self._of_the_run).split():
                    _docker(*removing, *found)

    def _keep_log(self, name: str) -> None:
        """What a container wrote, after what others of its name wrote before it."""
        with (self.logs / f"{name}.log").open("ab") as output:
            subprocess.run(["docker", "logs", name], stdout=output, stderr=output, timeout=_REMOVED_WITHIN, check=False)  # noqa: S603, S607 - our own words

    @property
    def _of_the_run(self) -> tuple[str, str]:
        return "--filter", f"label={self.label}"


_KINDS: Final = (
    (("ps", "--all", "--quiet"), ("rm", "--force", "--volumes")),
    (("network", "ls", "--quiet"), ("network", "rm")),
    (("image", "ls", "--quiet"), ("image", "rm", "--force")),
)


async def _killed(process: asyncio.subprocess.Process) -> None:
    """Ends the engine's command, if it has not ended."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=_REMOVED_WITHIN, check=False)  # noqa: S603, S607 - our own words
    return done.stdout
