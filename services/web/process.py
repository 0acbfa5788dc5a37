"""The API as a process: start, serve, stop.

Invariant: it starts whatever is away and answers 503 until that comes back; it does not start where everybody who reaches this
machine could do everything (HTTP_AUTH=none on an address of the network); when it is stopped, what is under way is answered first.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.desk.schemas import Schemas
from services.registry import SERVICES
from services.web.access.chosen import check_address
from services.web.app import create_app
from services.web.broker import BrokerEnds, BrokerSender
from services.web.ports import WebPorts
from shared.delivery.shell_queries import has_shell
from shared.embedded.addresses import NothingRunningError, product_settings
from shared.metrics import AWAY, READY
from shared.runtime.health import serve_health
from shared.runtime.http_server import MOST_CONNECTIONS, QUIET, TimelyProtocol, serve_http
from shared.runtime.measuring import BROKER, DATABASE
from shared.settings import SettingsError, load_settings
from shared.telemetry import send_last_spans, set_up_logs, set_up_traces

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from shared.delivery.ports import Clock
    from shared.settings import Settings

log = structlog.get_logger(__name__)

NOT_SAFE: Final = 2
"""The exit code where the settings would let everybody do everything, or are wrong."""
_ANSWERED_WITHIN: Final = 10
_DATABASE_WITHIN: Final = 3.0
_MEASURED_EVERY: Final = 5.0
NAME: Final = "web"
_HEADERS_BYTES: Final = 64 * 1024


class WebReadiness:
    """What stands in the way of the next request."""

    def __init__(self, ports: WebPorts, broker: BrokerSender) -> None:
        self._ports = ports
        self._broker = broker

    async def reasons(self) -> list[str]:
        """Why the API is not ready; empty: it is."""
        found = [] if await self._broker.is_there() else ["the broker does not answer"]
        database = await self._database()
        AWAY.labels(NAME, BROKER).set(bool(found))
        AWAY.labels(NAME, DATABASE).set(bool(database))
        READY.labels(NAME).set(not found and not database)
        return [*found, *database]

    async def _database(self) -> list[str]:
        try:
            async with self._ports.clock.timeout(_DATABASE_WITHIN):
                for service in SERVICES:
                    async with self._ports.schemas.of(service.name) as connection:
                        await has_shell(connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next request would not be answered
            return [f"the database: {type(error).__name__}"]
        return []


async def measured(readiness: WebReadiness, clock: Clock) -> None:
    """Says in metrics every few seconds whether it is ready, until cancelled."""
    while True:
        await readiness.reasons()
        await clock.sleep(_MEASURED_EVERY)


def health_app(readiness: WebReadiness) -> ASGIApp:
    """`/live`, `/ready`, `/metrics`, as every service has them."""

    async def live(_: Request) -> Response:
        return PlainTextResponse("live\n")

    async def ready(_: Request) -> Response:
        reasons = await readiness.reasons()
        return PlainTextResponse("\n".join([*reasons, ""]) if reasons else "ready\n", 503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/live", live), Route("/ready", ready), Route("/metrics", metrics)])


async def serve(settings: Settings, stopping: asyncio.Event | None = None) -> None:
    """Serves until cancelled; `stopping`: set before that, it lets those who wait be answered at once.

    SettingsError where HTTP_AUTH lacks something.
    """
    broker = BrokerSender(settings)
    ports = WebPorts(settings, Schemas(settings), broker, ends=BrokerEnds(settings), stopping=stopping or asyncio.Event())
    app = create_app(settings, ports)
    config = uvicorn.Config(
        app,
        settings.http_host,
        settings.http_port,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_ANSWERED_WITHIN,
        http=TimelyProtocol,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADERS_BYTES,
        **QUIET,
    )
    log.info("serving", address=f"http://{settings.http_host}:{settings.http_port}", auth=settings.http_auth.value)
    readiness = WebReadiness(ports, broker)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_health(health_app(readiness), settings))
        tasks.create_task(serve_http(config))
        if settings.health_port:
            tasks.create_task(measured(readiness, ports.clock))


def run() -> None:
    """Runs the API in this process until SIGTERM or SIGINT.

    SettingsError or NothingRunningError where it has no addresses, or would let everybody do everything.
    """
    check_address(load_settings())
    settings = product_settings(broker=True)
    set_up_logs(settings)
    set_up_traces(settings, NAME)
    for problem in settings.unencrypted():
        log.warning("what is sent can be read on its way: REQUIRE_TLS=true refuses this", problem=problem)
    try:
        asyncio.run(_until_signalled(settings))
    finally:
        send_last_spans()


async def _until_signalled(settings: Settings) -> None:
    structlog.contextvars.bind_contextvars(service=NAME)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.ensure_future(serve(settings, stop))
    signalled = asyncio.ensure_future(stop.wait())
    await asyncio.wait([serving, signalled], return_when=asyncio.FIRST_COMPLETED)
    serving.cancel()
    signalled.cancel()
    with suppress(asyncio.CancelledError):
        await serving


def main() -> None:
    """The same for a module that is run: what is wrong with the settings is one sentence on standard error."""
    try:
        run()
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - standard error is where it belongs
        sys.exit(NOT_SAFE)
    except NothingRunningError as error:
        sys.exit(f"error: {error}")
