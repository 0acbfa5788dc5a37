"""The whole product on a port of this machine, with a month's business in its books: what the browser's tests look at.

Invariant: everything runs in one thread with a loop of its own and has stopped when the context ends.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from starlette.middleware import Middleware

from services.desk.schemas import Schemas
from services.local.backing_services import scenario_backing_services
from services.local.in_process import running_services
from services.scenarios.scenario_file import load_scenario
from services.web.app import create_app
from services.web.broker import BrokerEnds, BrokerSender
from services.web.console import api
from services.web.console.app import Console
from services.web.ports import WebPorts
from shared.delivery.ports import SystemClock
from tests.console.still import CLOCK, Still
from tests.live.arriving import arrive

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from shared.settings import Settings

MONTH: Final = Path(__file__).with_name("month.yaml")
WORK: Final = Path(__file__).with_name("work.yaml")
_STARTS_WITHIN: Final = 120
_READ_WITHIN: Final = 60.0


@asynccontextmanager
async def books_of(path: Path, namespace: str) -> AsyncIterator[Settings]:
    """The services with a scenario's business in their books; inquiry has read all of it."""
    async with scenario_backing_services(namespace) as settings, running_services(settings, inquiry=True) as services:
        await arrive(services, load_scenario(path))
        await services.until_inquiry_has_read()
        yield settings


async def served(settings: Settings, port: int, started: threading.Event, stop: asyncio.Event, *, still: bool) -> None:
    """Serves the API and the console until it is to stop; `still`: as at one moment (tests/console/still.py)."""
    ports = WebPorts(settings, Schemas(settings), BrokerSender(settings), CLOCK if still else SystemClock(), ends=BrokerEnds(settings))
    app = create_app(settings, ports)
    if still:
        console = next(
            place for place, each in enumerate(app.user_middleware) if isinstance(each.cls, type) and issubclass(each.cls, Console)
        )
        app.user_middleware.insert(console + 1, Middleware(Still))  # behind the console, before the API
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error", lifespan="on"))
    serving = asyncio.ensure_future(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn says so in no other way
        await asyncio.sleep(0.05)
    started.set()
    await stop.wait()
    server.should_exit = True
    await serving


@contextmanager
def stage(
    path: Path = MONTH, *, still: bool = False, told: Callable[[Settings], None] | None = None, **settings_for_web: Any
) -> Iterator[str]:
    """The address under which a scenario's books can be looked at; `settings_for_web`: what of the settings is another for the pages.

    `told` is given the settings of the services.
    """
    api.READ_WITHIN = _READ_WITHIN  # type: ignore[misc] # a busy machine is no database that hangs
    port, started, stop = free_port(), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    failures: list[BaseException] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with books_of(path, f"c{os.getpid()}{path.stem[:6]}") as settings:
            if told is not None:
                told(settings)
            await served(settings.model_copy(update=settings_for_web), port, started, stop, still=still)

    def thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - said by the thread that waits
            failures.append(error)
        finally:
            started.set()

    running = threading.Thread(target=thread, daemon=True)
    running.start()
    assert started.wait(_STARTS_WITHIN), "the product has not started"
    if failures:
        raise failures[0]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        running.join(60)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
