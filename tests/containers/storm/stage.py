"""The real parts that a storm goes over: Apache Kafka, PostgreSQL with a standby, and the services as containers with a clock that jumps.

Invariant: each service reaches the broker over one network and the database over another, so that it can be cut off from either; its
container has the memory of docker-compose.yml and nothing starts it again but the storm. The load and the checks reach broker and
database by ports of this machine, past both networks.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from services.registry import PROCESSES
from shared.settings import Settings
from tests.containers.images import KAFKA_IMAGE, PYTHON_IMAGE, ROOT
from tests.containers.parts import broker_variables, until_both_answer
from tests.containers.storm.database import Database
from tests.live.delivery.backing_services import free_port
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.containers.storm.engine import Engine

SERVICES: Final = tuple(service.name for service in PROCESSES)
BROKER: Final = "kafka"
CLOCK: Final = "/clock/offset"
"""The file that says how wrong a service's clock is."""
STOPS_WITHIN: Final = 60
"""Seconds that a service has to stop in good order; a busy machine is slow."""

_SESSION_MS: Final = 6_000
SESSION: Final = _SESSION_MS / 1000
"""Seconds after which the broker takes a member that is not heard of out of its group."""
_QUICK_TO_START: Final = "-Xms256m -Xmx512m -XX:TieredStopAtLevel=1"
_MEMORY: Final = "256m"
_BUILT_WITHIN: Final = 900.0
_READY_WITHIN: Final = 400.0
_READY: Final = "python -ISc \"from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/ready', timeout=5)\""
_LISTENS: Final = "until (</dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.2; done"
_IS_READY: Final = f"env --unset LD_PRELOAD {_READY}"
_CLOCK_VARIABLES: Final = {
    "LD_PRELOAD": "/clock/faketime.so",
    "FAKETIME_TIMESTAMP_FILE": CLOCK,
    "FAKETIME_CACHE_DURATION": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "DONT_FAKE_MONOTONIC": "1",
}
_WITH_CLOCK: Final = f"""
FROM {{image}}
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libfaketime \\
 && mkdir /clock && ln -s "$(find /usr/lib -name libfaketimeMT.so.1)" /clock/faketime.so && echo +0 > {CLOCK} && chmod 777 /clock
USER 10001:10001
"""


class Stage:
    """All parts; `megabytes`: the size of each database's file system."""

    def __init__(self, engine: Engine, megabytes: int) -> None:
        self.engine = engine
        self._to_broker, self._to_database = engine.name("broker"), engine.name("database")
        self._image = f"intercompany:{engine.run}"
        self._kafka_port = free_port()
        self.database = Database(engine, self._to_database, megabytes)

    @property
    def settings(self) -> Settings:
        """Settings of this machine."""
        return Settings(
            kafka_bootstrap_servers=f"127.0.0.1:{self._kafka_port}",
            database_url=SecretStr(self.database.address(inside=False)),
            namespace="storm",
            topic_partitions=4,
        )

    async def prepare(self) -> None:
        """Builds the image, starts broker and database, and returns once both answer."""
        await self._build()
        for part in ("broker", "database"):
            await self.engine.network(part)
        variables = broker_variables(self._kafka_port) | {"KAFKA_HEAP_OPTS": _QUICK_TO_START}
        words = ("--network", self._to_broker, "--network-alias", BROKER, "--publish", f"127.0.0.1:{self._kafka_port}:{self._kafka_port}")
        await self.engine.create(BROKER, *words, *_as_words(variables), "--memory", "1g", KAFKA_IMAGE)
        await self.start_broker()
        await self.database.start()
        await until_both_answer(self.settings)

    async def _build(self) -> None:
        product = f"{self._image}-product"
        argument = ("--build-arg", f"PYTHON_IMAGE={PYTHON_IMAGE}")
        label = ("--quiet", "--label", self.engine.label)
        words = ("--file", str(ROOT / "deploy" / "Dockerfile"), *argument, "--tag", product, str(ROOT))
        await self.engine.docker("build", *label, *words, within=_BUILT_WITHIN)
        with_clock = _WITH_CLOCK.format(image=product)
        await self.engine.docker("build", *label, "--tag", self._image, "-", within=_BUILT_WITHIN, given=with_clock)

    async def start_broker(self) -> None:
        """Starts the broker, and returns once it listens: with its log recovered, if it was killed."""
        await self.engine.start(BROKER)
        await self.engine.execute(BROKER, _LISTENS.format(port=9092), _READY_WITHIN)

    async def make(self, name: str, service: str) -> None:
        """Makes an instance of a service, on both networks; not started."""
        variables = {
            "KAFKA_BOOTSTRAP_SERVERS": f"{BROKER}:9092",
            "DATABASE_URL": self.database.address(inside=True),
            "NAMESPACE": "storm",
            "TOPIC_PARTITIONS": "4",
            "HEALTH_PORT": "8080",
            "SESSION_TIMEOUT_MS": str(_SESSION_MS),
            "HEARTBEAT_INTERVAL_MS": "1000",
            **_CLOCK_VARIABLES,
        }
        words = ("--network", self._to_broker, "--memory", _MEMORY, "--memory-swap", _MEMORY, *_as_words(variables))
        await self.engine.create(name, *words, self._image, "service", service)
        await self.engine.docker("network", "connect", self._to_database, self.engine.name(name))

    async def cut(self, service: str, part: str) -> None:
        """Cuts a service off from `broker` or `database`: what is under way is lost, nobody is told."""
        await self.engine.docker("network", "disconnect", self.engine.name(part), self.engine.name(service))

    async def mend(self, service: str, part: str) -> None:
        """Connects it again."""
        await self.engine.docker("network", "connect", self.engine.name(part), self.engine.name(service))

    async def set_clock(self, service: str, seconds: int) -> None:
        """Has a service's clock be wrong by so many seconds from now on; what measures how long something takes goes on as before."""
        # Renamed, not written to: whoever looks at the time while the file is empty ends.
        await self.engine.execute(service, f"echo {seconds:+d} > {CLOCK}.next && mv -f {CLOCK}.next {CLOCK}")

    async def until_it_listens(self, service: str) -> None:
        """Waits until an instance has come so far that it answers whether it is ready; a signal before that is lost on its container."""
        await self.engine.execute(service, _LISTENS.format(port=8080), _READY_WITHIN)

    async def until_ready(self, service: str) -> None:
        """Waits until an instance would take a message that comes now."""

        async def ready() -> bool:
            await self.engine.execute(service, _IS_READY)
            return True

        await until(ready, _READY_WITHIN)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """All services, one instance of each, ready; at the end each stops in good order, which must succeed."""
        for service in SERVICES:
            await self.make(service, service)
            await self.engine.start(service)
        for service in SERVICES:
            await self.until_ready(service)
        yield
        codes = {service: await self.engine.stop(service, STOPS_WITHIN) for service in SERVICES}
        assert set(codes.values()) == {0}, f"a service did not stop in good order: {codes}"


def _as_words(variables: dict[str, str]) -> list[str]:
    return [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
