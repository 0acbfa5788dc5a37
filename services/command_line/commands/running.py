"""`up`, `service` and `web`: broker, database, the services and the HTTP API, started and left running."""

from __future__ import annotations

import asyncio
import shlex
import signal
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from services.desk.inquiry_process import COMPANIONS
from services.desk.schemas import open_schemas
from services.local.backing_services import product_backing_services
from services.local.processes import ServiceProcess, all_ready, first_ended, free_port, service_processes
from services.operations.publish import SOURCE, publish_events
from services.operations.reference_changes import find_changes, publish_changes
from services.registry import INQUIRY, PROCESSES
from services.scenarios.group_file import read_group_file
from services.scenarios.scenario_file import EXAMPLES, MAIN_EXAMPLE, load_scenario
from shared.console import fail, output
from shared.embedded.addresses import settings_on
from shared.runtime.program import run_service
from shared.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from shared.embedded import BackingServices
    from shared.settings import Settings


Demo = Annotated[bool, typer.Option("--demo", help="With the group and the events of the documented intercompany example.")]


class ServiceName(StrEnum):
    """The services; inquiry is optional."""

    PAYMENT = "payment"
    SETTLEMENT = "settlement"
    POSTING = "posting"
    INQUIRY = "inquiry"


def up_command(*, demo: Demo = False) -> None:
    """Starts broker, database, the services and the HTTP API, and leaves them running until Ctrl-C.

    A broker or database whose address is set (KAFKA_BOOTSTRAP_SERVERS, DATABASE_URL) is used; otherwise an embedded one is
    started, with its data in DATA_DIR. Commands in other shells find them there, or by the lines that it prints. The API answers at
    HTTP_PORT, or where another program has that port at a free one, which it prints; the console is at the same address. With --demo
    the group of the documented intercompany example is there to look at, and its events are posted; again, they change nothing.

    Example: intercompany up --demo
    """
    settings = load_settings()
    folder = settings.data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    ended = asyncio.run(_up(folder, settings, demo=demo))
    if ended is not None:
        fail(f"the {ended.name} service has stopped unexpectedly with code {ended.process.returncode}: {ended.log} says why")


async def _up(folder: Path, settings: Settings, *, demo: bool) -> ServiceProcess | None:
    """The service that stopped unexpectedly; None after Ctrl-C."""
    port = free_port(settings.http_host, settings.http_port)
    web = {"web": {"HTTP_PORT": str(port)}}
    async with product_backing_services() as parts, service_processes(parts.environment(), folder, PROCESSES, web) as services:
        ending = asyncio.ensure_future(first_ended(services))
        stopping = asyncio.ensure_future(_stop_signal().wait())
        ready = asyncio.ensure_future(all_ready(services))
        output().print("Starting the services …")
        await asyncio.wait([ready, ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            await ready
            shown = await _demo_posted(parts) if demo else None
            _print_addresses(parts, services, str(settings.http_public_url or f"http://{settings.http_host}:{port}").rstrip("/"), shown)
        await asyncio.wait([ending, stopping], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        output().print("Stopping …")
        return ending.result() if ending.done() else None


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _demo_posted(parts: BackingServices) -> str:
    """Publishes the group and the events of the demo; gives the id of its payment."""
    file, now = EXAMPLES / f"{MAIN_EXAMPLE}.yaml", datetime.now(UTC)
    async with open_schemas(settings_on(parts)) as schemas:
        await publish_changes(schemas.settings, await find_changes(schemas, file, read_group_file(file), now), now)
        await publish_events(schemas, file, SOURCE, lambda _: None, None)
    return load_scenario(file).events[-1].id or ""


def _print_addresses(parts: BackingServices, services: list[ServiceProcess], api: str, shown: str | None) -> None:
    lines = ["Everything is running; Ctrl-C stops it. In other shells, so that `intercompany` and your own programs reach it:", ""]
    lines += [f"  export {name}={shlex.quote(value)}" for name, value in parts.environment().items() if value]
    lines += ["", *(f"  {service.name}: {service.address}/ready, /metrics; log {service.log}" for service in services)]
    lines += ["", f"  The console, for people:     {api}/", f"  The HTTP API, for programs:  {api}/v1 (OpenAPI: {api}/openapi.json)"]
    lines += ["", f"  The demo's payment:          {api}/trace?event={quote(shown)}"] if shown else []
    lines += ["", *clients_served(parts)]
    output().print("\n".join(lines).rstrip(), markup=False, soft_wrap=True)


def clients_served(parts: BackingServices) -> list[str]:
    """Which other systems' clients the embedded broker serves, and what the others do instead; empty for a broker that was given."""
    if parts.idempotent_producer:
        return []
    return [
        "  The embedded broker serves aiokafka, KafkaJS, kafka-clients (Java, enable.idempotence=false) and franz-go (MaxVersions 2.8),",
        "  but not kcat or any other client built on librdkafka: for those set KAFKA_BOOTSTRAP_SERVERS to an Apache Kafka, or run",
        "  `docker compose up`. See deploy/producers/README.md.",
    ]


def service_command(name: Annotated[ServiceName, typer.Argument(help="Which service.", show_default=False)]) -> None:
    """Runs one service in this process until Ctrl-C or SIGTERM.

    It finishes the batch at hand first. Broker and database are those of KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, else
    of a running `intercompany up`.

    Example: intercompany service settlement
    """
    run_service(next(service for service in PROCESSES if service.name == name), COMPANIONS if name == INQUIRY.name else ())


def web_command() -> None:
    """Runs the HTTP API in this process until Ctrl-C or SIGTERM.

    It answers at HTTP_HOST and HTTP_PORT; HTTP_AUTH says how those who ask prove who they are. Exit code 2 if these settings would
    let everybody do everything. Broker and database are those of KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, else of a running
    `intercompany up`.

    Example: HTTP_PORT=8090 intercompany web
    """
    from services.web.process import NOT_SAFE, run  # noqa: PLC0415 - it is large, and no other command needs it

    try:
        run()
    except SettingsError as error:
        fail(str(error), NOT_SAFE)
