"""Apache Kafka and PostgreSQL as production has them: TLS on every connection, a name for everyone, rights for each.

Kafka: one listener with SASL over TLS, where only those may do something who have an ACL; beside it one without for the
broker itself and its tools, which is reachable inside the container alone. PostgreSQL: no connection without TLS.
"""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.containers.images import KAFKA_IMAGE, POSTGRES_IMAGE

if TYPE_CHECKING:
    from shared.settings import Settings

ROLES: Final = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"
ADMIN: Final = "admin"
_STARTS_WITHIN: Final = 90
_TOOLS: Final = "localhost:9094"
_SHORT_LIVED: Final = {"KAFKA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""For Kafka's own tools, each of which is a Java of its own: started quickly rather than quick later."""
_HBA: Final = "local all all trust\nhostnossl all all all reject\nhostssl all all all scram-sha-256\n"


@dataclass(frozen=True)
class Certificates:
    """A made authority's certificate (`authority`), and in `folder` what a server needs; for the name localhost."""

    folder: Path
    authority: Path


def make_certificates(folder: Path) -> Certificates:
    """PEM files that other users can read: the servers run as others in their containers."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    # PKCS 8: the one form that Java reads.
    key = load_pem_private_key(server.private_key_pem.bytes(), None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = server.cert_chain_pems[0].bytes()
    (folder / "server.key").write_bytes(key)
    (folder / "server.crt").write_bytes(certificate)
    (folder / "server.pem").write_bytes(key + certificate)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    (folder / "pg_hba.conf").write_text(_HBA)
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    return Certificates(folder, folder / "ca.pem")


def _ready(says: str) -> LogMessageWaitStrategy:
    """What the server says when it is ready."""
    return LogMessageWaitStrategy(re.compile(says, re.DOTALL)).with_startup_timeout(_STARTS_WITHIN)


def run_in(container: DockerContainer, command: str, environment: Mapping[str, str] | None = None) -> str:
    """Runs a shell command in a container; AssertionError with what it printed if it fails."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in (environment or {}).items()]
    code, printed = container.exec(["sh", "-c", " ".join([*variables, "sh", "-ec", shlex.quote(command)])])
    text: str = printed.decode(errors="replace")
    assert code == 0, text
    return text


class Kafka:
    """A broker with TLS, SASL (SCRAM-SHA-512, OAUTHBEARER with unsigned tokens) and ACLs."""

    def __init__(self, container: DockerContainer, address: str) -> None:
        self.container = container
        self.address = address

    @classmethod
    @contextmanager
    def started(cls, certificates: Certificates) -> Iterator[Kafka]:
        """For the time of the context; the one super user is ADMIN."""
        port = _free_port()
        container = DockerContainer(KAFKA_IMAGE).with_bind_ports(9093, port)
        container.with_volume_mapping(str(certificates.folder), "/certificates", "ro")
        for name, value in _broker(port).items():
            container.with_env(name, value)
        with container.waiting_for(_ready("Kafka Server started")):
            yield cls(container, f"localhost:{port}")

    def add_users(self, passwords: Mapping[str, str]) -> None:
        """SCRAM users."""
        tool = f"/opt/kafka/bin/kafka-run-class.sh kafka.admin.ConfigCommand --bootstrap-server {_TOOLS}"  # which kafka-configs.sh runs
        calls = [f"{tool} --alter --entity-type users --entity-name {user} {_scram(word)}" for user, word in passwords.items()]
        run_in(self.container, "; ".join(calls), _SHORT_LIVED)

    def add_acls(self, lines: list[str]) -> None:
        """What `intercompany acls` printed, given to Kafka's own tool."""
        tool = f"/opt/kafka/bin/kafka-acls.sh --bootstrap-server {_TOOLS}"
        run_in(self.container, "; ".join(f"{tool} {line}" for line in lines), _SHORT_LIVED)


def _scram(password: str) -> str:
    return f"--add-config 'SCRAM-SHA-512=[password={password}]'"


def _broker(port: int) -> dict[str, str]:
    protocols = "CONTROLLER:PLAINTEXT,TOOLS:PLAINTEXT,CLIENTS:SASL_SSL"
    of_clients = "KAFKA_LISTENER_NAME_CLIENTS"
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9095",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "CLIENTS://:9093,TOOLS://localhost:9094,CONTROLLER://localhost:9095",
        "KAFKA_ADVERTISED_LISTENERS": f"CLIENTS://localhost:{port},TOOLS://localhost:9094",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": protocols,
        "KAFKA_INTER_BROKER_LISTENER_NAME": "TOOLS",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_MESSAGE_MAX_BYTES": "8388608",
        "KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m",
        "KAFKA_AUTHORIZER_CLASS_NAME": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND": "false",
        "KAFKA_SUPER_USERS": f"User:{ADMIN};User:ANONYMOUS",  # who needs no name comes from inside the container
        f"{of_clients}_SSL_KEYSTORE_TYPE": "PEM",
        f"{of_clients}_SSL_KEYSTORE_LOCATION": "/certificates/server.pem",
        f"{of_clients}_SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512,OAUTHBEARER",
        f"{of_clients}_SCRAM___SHA___512_SASL_JAAS_CONFIG": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        f"{of_clients}_OAUTHBEARER_SASL_JAAS_CONFIG": (
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub='broker';"
        ),
    }


class Postgres:
    """A database server that takes connections over TLS alone."""

    def __init__(self, container: DockerContainer, address: str, authority: Path) -> None:
        self.container = container
        self.address = address
        self.authority = authority

    @classmethod
    @contextmanager
    def started(cls, certificates: Certificates, password: str) -> Iterator[Postgres]:
        """For the time of the context; `password` is that of the superuser `postgres`."""
        container = DockerContainer(POSTGRES_IMAGE).with_exposed_ports(5432)
        container.with_env("POSTGRES_PASSWORD", password).with_env("POSTGRES_DB", "intercompany")
        container.with_volume_mapping(str(certificates.folder), "/certificates", "ro")
        container.with_volume_mapping(str(ROLES), "/roles.sql", "ro")
        options = (
            "-c ssl=on -c ssl_cert_file=/certificates/server.crt -c ssl_key_file=/tmp/server.key -c hba_file=/certificates/pg_hba.conf"
        )
        own_key = "install -o postgres -m 600 /certificates/server.key /tmp/server.key"
        container.with_command(["sh", "-ec", f"{own_key}; exec docker-entrypoint.sh postgres {options}"])
        # It starts twice, the first time to be made, without listening to anyone outside.
        with container.waiting_for(_ready(r"listening on IPv4 address.*ready to accept connections")):
            port = container.get_exposed_port(5432)
            yield cls(container, f"localhost:{port}/intercompany", certificates.authority)

    def url(self, role: str, password: str) -> str:
        """The address for a role, its server's name checked."""
        return f"postgresql://{role}:{password}@{self.address}?sslmode=verify-full&sslrootcert={self.authority}"

    def add_roles(self, passwords: Mapping[str, str], settings: Settings) -> None:
        """Runs deploy/postgres/roles.sql for a namespace; passwords by the names of the roles in it, `owner` and so on."""
        variables = {f"{role.upper()}_PASSWORD": password for role, password in passwords.items()}
        prefix = settings.role_name("")
        psql = f"psql --no-psqlrc --quiet --username postgres --dbname intercompany --variable prefix={prefix} --file /roles.sql"
        run_in(self.container, psql, variables)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])
