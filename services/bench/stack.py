"""The stack that is measured: broker, database and the three services as processes, in a namespace of the run's own.

Invariant: a broker and database whose addresses are given are used; else Apache Kafka and PostgreSQL as docker-compose.yml has
them, where a container engine answers; else the embedded ones. What was started is stopped; of given ones schemas and topics of
the run are removed, unless they are to be kept.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import asyncpg
import psutil
from aiokafka.admin import AIOKafkaAdminClient

from services.local.backing_services import product_backing_services
from services.local.in_process import RunningServices, running_services
from services.local.processes import ServiceProcess, all_ready, service_processes
from services.registry import PROCESSES, SERVICES
from shared.embedded import BackingServiceError, BackingServices, embedded_backing_services
from shared.embedded.addresses import settings_on
from shared.kafka.security import client_arguments
from shared.kafka.topics import TOPICS
from shared.settings import Senders, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from shared.delivery.ports import Connection

COMPOSE_FILE: Final = Path(__file__).parents[2] / "docker-compose.yml"
"""Only in a checkout: an installed package goes without."""

_COMPOSE: Final = ("docker", "compose", "--file", str(COMPOSE_FILE), "--file", str(Path(__file__).with_name("compose.yml")))
_EMBEDDED_NAMES: Final = {"broker": "tansu", "database": "postgres"}
_ADDRESS: Final = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
PARTITIONS: Final = 6
"""Of each topic, as in docker-compose.yml, where TOPIC_PARTITIONS is not set."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs. `kind` of broker and database: given, containers or embedded; `processes`: the first of each, as far as seen here."""

    kind: str
    settings: Settings
    services: RunningServices
    processes: Mapping[str, int]
    addresses: Mapping[str, str]
    connection: asyncpg.Connection[asyncpg.Record]


@asynccontextmanager
async def running_stack(*, embedded: bool, keep: bool, inquiry: bool = False) -> AsyncIterator[Stack]:
    """Starts all that is needed. BackingServiceError if a part does not come up; `keep`: leaves schemas and topics.

    With `inquiry` that service reads along.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="intercompany-bench-")))
        kind, started, seen = await stack.enter_async_context(_backing_services(folder, embedded=embedded))
        settings = settings_of_bench(started, _partitions())
        connection = await asyncpg.connect(settings.database)
        stack.push_async_callback(connection.close)
        if kind == "given" and not keep:
            stack.push_async_callback(_remove, settings, connection)
        services = await stack.enter_async_context(running_services(settings, here=False, inquiry=inquiry))
        own = PROCESSES if inquiry else SERVICES
        processes = await stack.enter_async_context(service_processes(environment(started, settings), folder, own))
        await all_ready(processes)
        pids = {each.name: each.process.pid for each in processes} | seen
        yield Stack(kind, settings, services, pids, _addresses(processes), connection)


def _addresses(processes: list[ServiceProcess]) -> dict[str, str]:
    return {each.name: each.address for each in processes}


def _partitions() -> int:
    given = load_settings()
    return given.topic_partitions if "topic_partitions" in given.model_fields_set else PARTITIONS


def settings_of_bench(started: BackingServices, partitions: int) -> Settings:
    """The settings of a measurement on these parts, in a namespace of its own."""
    return settings_on(
        started,
        namespace=f"bench{secrets.token_hex(3)}",
        topic_partitions=partitions,
        health_port=0,
        group_instance_id=None,
        senders=Senders.OPEN,
    )


def environment(started: BackingServices, settings: Settings) -> dict[str, str]:
    """What a service's process is given."""
    own = {"NAMESPACE": settings.namespace, "TOPIC_PARTITIONS": str(settings.topic_partitions), "LOG_LEVEL": "WARNING"}
    own["SENDERS"] = settings.senders
    return started.environment() | own


@asynccontextmanager
async def _backing_services(folder: Path, *, embedded: bool) -> AsyncIterator[tuple[str, BackingServices, dict[str, int]]]:
    """Which kind of broker and database, their addresses, and their first processes."""
    given = load_settings()
    if not embedded and (given.kafka_bootstrap_servers or given.database_url):
        async with product_backing_services() as started:
            yield "given", started, {}
    elif not embedded and COMPOSE_FILE.is_file() and await _engine_answers():
        async with containers() as (started, seen):
            yield "containers", started, seen
    else:
        async with embedded_backing_services(folder) as started:
            yield "embedded", started, _embedded_processes()


def _embedded_processes() -> dict[str, int]:
    children = psutil.Process().children()
    return {part: child.pid for part, name in _EMBEDDED_NAMES.items() for child in children if child.name() == name}


# Containers


async def _engine_answers() -> bool:
    try:
        await _output("docker", "info")
    except (OSError, BackingServiceError):
        return False
    return True


@asynccontextmanager
async def containers() -> AsyncIterator[tuple[BackingServices, dict[str, int]]]:
    """The broker and the database of docker-compose.yml in a project of their own, and their first processes."""
    project, ports = f"intercompany-bench-{os.getpid()}", (free_port(), free_port())
    environment = {"BENCH_KAFKA_PORT": str(ports[0]), "BENCH_POSTGRES_PORT": str(ports[1]), "POSTGRES_PASSWORD": secrets.token_hex(8)}
    compose = (*_COMPOSE, "--project-name", project)
    try:
        await _output(*compose, "up", "--wait", "kafka", "postgres", **environment)
        seen = {part: await _first_process(project, name) for part, name in {"broker": "kafka", "database": "postgres"}.items()}
        # On the engine's own network where it can be reached from here, as a service's container would: a published port has a
        # program of the engine in between, which takes processor time. The broker names its own address, so it is reached by its port.
        place = f"{await _inspect(project, 'postgres', _ADDRESS)}:5432" if seen["database"] else f"127.0.0.1:{ports[1]}"
        url = f"postgresql://postgres:{environment['POSTGRES_PASSWORD']}@{place}/intercompany"
        yield BackingServices(f"127.0.0.1:{ports[0]}", url, idempotent_producer=True), {part: pid for part, pid in seen.items() if pid}
    finally:
        await _output(*compose, "down", "--volumes", "--timeout", "5", **environment)


async def _first_process(project: str, service: str) -> int | None:
    """None where containers run in a machine of their own (Docker Desktop)."""
    pid = int(await _inspect(project, service, "{{.State.Pid}}"))
    return pid if psutil.pid_exists(pid) else None


async def _inspect(project: str, service: str, what: str) -> str:
    return (await _output("docker", "inspect", "--format", what, f"{project}-{service}-1")).strip()


async def _output(*command: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    output, errors = await process.communicate()
    if process.returncode:
        msg = f"`{' '.join(command[:2])}` failed: {errors.decode(errors='replace').strip()[-500:]}"
        raise BackingServiceError(msg)
    return output.decode()


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


# Afterwards


async def _remove(settings: Settings, connection: Connection) -> None:
    for name in (*(service.name for service in PROCESSES), "seed", "limit"):
        await connection.execute(f'drop schema if exists "{settings.schema_name(name)}" cascade')
    admin = AIOKafkaAdminClient(**client_arguments(settings))
    await admin.start()
    try:
        await admin.delete_topics([settings.topic_name(spec.name) for spec in TOPICS])
    finally:
        await admin.close()
