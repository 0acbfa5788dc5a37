"""Apache Kafka and PostgreSQL in containers, for services on this machine and for services in containers beside them.

Invariant: both are reached in two ways, by published ports from this machine and by their names on a network of
their own; to cut a part off from that network cuts the services in containers off from it, and the tests not. The
published ports are the same after a restart. All names are drawn, so that several runs on a machine do not meet.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from shared.kafka.security import client_arguments
from shared.settings import Settings
from tests.containers.images import KAFKA_IMAGE, POSTGRES_IMAGE
from tests.live.delivery.backing_services import free_port
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import Iterator

_USER: Final = "intercompany"
_HEAP: Final = "-Xms256m -Xmx512m"


class Parts:
    """The two containers, running, and the network on which they are `kafka` and `postgres`."""

    def __init__(self, network: Network, kafka_port: int, postgres_port: int) -> None:
        self.network = network
        self.kafka = _kafka(kafka_port)
        self.postgres = _postgres(postgres_port)
        self._addresses = f"127.0.0.1:{kafka_port}", f"postgresql://{_USER}:{_USER}@127.0.0.1:{postgres_port}/{_USER}"
        self._numbers = count(1)

    def settings(self) -> Settings:
        """Settings of this machine, with a namespace that nobody has used."""
        broker, database = self._addresses
        return Settings(
            kafka_bootstrap_servers=broker,
            database_url=SecretStr(database),
            namespace=f"fault{next(self._numbers)}",
            topic_partitions=4,
            session_timeout_ms=6000,
            heartbeat_interval_ms=1000,
        )

    def addresses_inside(self) -> dict[str, str]:
        """The addresses as environment variables of a container on the network."""
        return {"KAFKA_BOOTSTRAP_SERVERS": "kafka:9092", "DATABASE_URL": f"postgresql://{_USER}:{_USER}@postgres:5432/{_USER}"}

    def join(self, name: str) -> None:
        """Connects `kafka` or `postgres` with the network."""
        self.network.connect(self._container(name).get_container_id(), [name])

    def cut_off(self, name: str) -> None:
        """Disconnects `kafka` or `postgres` from the network: what is under way is lost, nobody is told."""
        client = self._container(name).get_docker_client().client
        client.networks.get(self.network.name).disconnect(self._container(name).get_container_id())

    def restart(self, name: str) -> None:
        """Stops a part in good order and starts it."""
        self._container(name).get_wrapped_container().restart(timeout=30)

    def kill(self, name: str) -> None:
        """Kills a part and starts it."""
        container = self._container(name).get_wrapped_container()
        container.kill()
        container.start()

    def _container(self, name: str) -> DockerContainer:
        return {"kafka": self.kafka, "postgres": self.postgres}[name]

    async def until_up(self) -> None:
        """Waits until both answer on this machine."""
        await until_both_answer(self.settings())


async def until_both_answer(settings: Settings) -> None:
    """Waits until the broker and the database of these settings answer."""

    async def database() -> bool:
        await (await asyncpg.connect(settings.database, timeout=5)).close()
        return True

    async def broker() -> bool:
        admin = AIOKafkaAdminClient(**client_arguments(settings))
        try:
            await admin.start()
        finally:
            await admin.close()
        return True

    await asyncio.gather(until(database, 90), until(broker, 90))


@contextmanager
def started_parts() -> Iterator[Parts]:
    """Both parts, started; gone at the end, with their data."""
    with Network() as network:
        parts = Parts(network, free_port(), free_port())
        with parts.kafka, parts.postgres:
            for name in ("kafka", "postgres"):
                parts.join(name)
            asyncio.run(parts.until_up())
            yield parts


def _kafka(port: int) -> DockerContainer:
    return DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port).with_envs(**broker_variables(port))


def broker_variables(port: int) -> dict[str, str]:
    """One node in KRaft mode, `kafka:9092` on its network; the listener OUTSIDE is advertised as this machine's port."""
    plain = ("INSIDE", "OUTSIDE", "CONTROLLER")
    variables = {
        "NODE_ID": "1",
        "PROCESS_ROLES": "broker,controller",
        "LISTENERS": f"INSIDE://:9092,OUTSIDE://:{port},CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"INSIDE://kafka:9092,OUTSIDE://127.0.0.1:{port}",
        "INTER_BROKER_LISTENER_NAME": "OUTSIDE",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENER_SECURITY_PROTOCOL_MAP": ",".join(f"{name}:PLAINTEXT" for name in plain),
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "LOG_DIRS": "/var/lib/kafka/data",
        "HEAP_OPTS": _HEAP,
    }
    return {f"KAFKA_{name}": value for name, value in variables.items()}


def _postgres(port: int) -> DockerContainer:
    variables = {f"POSTGRES_{name}": _USER for name in ("USER", "PASSWORD", "DB")}
    return DockerContainer(POSTGRES_IMAGE).with_bind_ports(5432, port).with_envs(**variables)
