"""TLS and SASL on both parts, and rights: with no more than each service needs, a documented example comes out right."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from pydantic import HttpUrl, SecretStr

from services.local.in_process import running_services
from services.operations.broker_rights import accesses
from services.operations.senders import senders_of_file
from services.registry import INQUIRY, SERVICES
from services.scenarios.expectations import differences
from services.scenarios.live_run import run
from services.scenarios.scenario_file import load_scenario
from shared.delivery.ports import Encoded
from shared.delivery.service import AnyService
from shared.events.envelope import Topic
from shared.kafka import topics
from shared.kafka.producer import KafkaProducer
from shared.kafka.security import client_arguments
from shared.runtime.process import serve
from shared.settings import SecurityMechanism, SecurityProtocol, Senders, Settings
from tests.containers.secured import ADMIN, Certificates, Kafka, Postgres, make_certificates
from tests.scenario_files import IC_4

pytestmark = pytest.mark.containers

_NAMESPACE: Final = "sec"
_NAMED: Final = Settings(namespace=_NAMESPACE)
_ROLES: Final = ("owner", "payment", "settlement", "posting", "inquiry", "reader", "operator", "web")
_EXAMPLE: Final = IC_4


def _password(name: str) -> str:
    return f"of-{name}"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def postgres(certificates: Certificates) -> Iterator[Postgres]:
    with Postgres.started(certificates, _password("postgres")) as server:
        server.add_roles({role: _password(role) for role in _ROLES}, _NAMED)
        yield server


@pytest.fixture(scope="module")
def broker(certificates: Certificates) -> Iterator[Kafka]:
    with Kafka.started(certificates) as server:
        server.add_users({name: _password(name) for name in (ADMIN, *(access.principal for access in accesses()))})
        server.add_acls(_command({"NAMESPACE": _NAMESPACE}, "acls").splitlines())
        yield server


@pytest.fixture(scope="module")
def prepared(broker: Kafka, postgres: Postgres, certificates: Certificates) -> Settings:
    """Topics and schemas, made by the commands with the rights of those who make them; the settings of who may do all."""
    owner = {"NAMESPACE": _NAMESPACE, "DATABASE_URL": postgres.url(_NAMED.role_name("owner"), _password("owner"))}
    said = _command(owner, "migrate")
    assert "No rights" not in said
    sasl = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SECURITY_MECHANISM": "SCRAM-SHA-512"}
    name = "intercompany-provision"
    user = {"KAFKA_SECURITY_USERNAME": name, "KAFKA_SECURITY_PASSWORD": _password(name)}
    where = {"KAFKA_BOOTSTRAP_SERVERS": broker.address, "KAFKA_SECURITY_CA_FILE": str(certificates.authority)}
    _command({**owner, **sasl, **user, **where}, "provision")
    return Settings(
        namespace=_NAMESPACE,
        database_url=SecretStr(postgres.url("postgres", _password("postgres"))),
        kafka_bootstrap_servers=broker.address,
        kafka_security_protocol=SecurityProtocol.SASL_SSL,
        kafka_security_mechanism=SecurityMechanism.SCRAM_512,
        kafka_security_username=ADMIN,
        kafka_security_password=SecretStr(_password(ADMIN)),
        kafka_security_ca_file=certificates.authority,
        provision=False,
    )


def _command(environment: dict[str, str], *arguments: str) -> str:
    """What the command prints on both outputs."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "services.command_line.main", *arguments],
        env={**os.environ, **environment, "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _as_service(settings: Settings, name: str, postgres: Postgres, tokens: Path | None = None) -> Settings:
    """The settings of a service: its own role at the database, its own name at the broker, by password or by token."""
    principal = f"intercompany-{name}"
    own: dict[str, Any] = {"database_url": SecretStr(postgres.url(settings.role_name(name), _password(name)))}
    if tokens is None:
        own |= {"kafka_security_username": principal, "kafka_security_password": SecretStr(_password(principal))}
    else:
        (tokens / name).write_text(_token(principal))
        own |= {"kafka_security_mechanism": SecurityMechanism.OAUTH, "kafka_security_token_file": tokens / name}
    return settings.model_copy(update=own)


@asynccontextmanager
async def _serving(of_services: list[Settings], services: Sequence[AnyService] = SERVICES) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(serve(*each)) for each in zip(services, of_services, strict=True)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=30)


@pytest.mark.parametrize("tokens", [False, True], ids=["passwords", "tokens"])
async def test_an_example_comes_out_right_with_no_more_rights_than_each_service_needs(
    tokens: bool,  # noqa: FBT001 - a parameter of the test
    prepared: Settings,
    postgres: Postgres,
    tmp_path: Path,
) -> None:
    scenario = load_scenario(_EXAMPLE)
    of_services = [_as_service(prepared, each.name, postgres, tmp_path if tokens else None) for each in SERVICES]
    async with running_services(prepared, here=False) as services, _serving(of_services):
        assert differences(scenario, await run(scenario, services)) == []


def _until_inquiry_has_read(reader: dict[str, str]) -> None:
    """Waits until who may read is shown both ledgers and what companies owe each other."""
    for _ in range(60):
        shown = "".join(_command(reader, *command) for command in (("matrix",), ("vouchers",), ("open", "--all")))
        if all(text in shown for text in ("980.00", "ARPAY-IC-FAB-VPAY-7-1", "CI-7")):
            return
        time.sleep(1)
    pytest.fail("inquiry does not read")


async def test_a_reader_sees_all_that_commands_show(prepared: Settings, postgres: Postgres) -> None:
    reader = {"NAMESPACE": _NAMESPACE, "DATABASE_URL": postgres.url(prepared.role_name("reader"), _password("reader"))}
    async with _serving([_as_service(prepared, INQUIRY.name, postgres)], [INQUIRY]):
        await asyncio.to_thread(_until_inquiry_has_read, reader)
    assert "VPAY-7" in _command(reader, "trace", "VPAY-7")
    _command(reader, "waiting", "list")
    _command(reader, "rejections", "list")
    _command(reader, "failed", "list")
    _command(reader, "gaps", "list")
    _command(reader, "reconcile")


async def test_no_service_sees_or_changes_what_is_not_its_own(prepared: Settings, postgres: Postgres) -> None:
    for service in SERVICES:
        schema = prepared.schema_name(service.name)
        async with _connected(postgres, service.name) as connection:
            assert await connection.fetchval(f"select '{schema}.inbox'::regclass") is not None
            for other in SERVICES:
                if other is not service:
                    await _refused(connection, "select from {}.inbox", prepared.schema_name(other.name))
            for statement in ("delete from {}.migrations", "truncate {}.inbox", "drop table {}.inbox", "create table {}.mine (a int)"):
                await _refused(connection, statement, schema)
            await _refused(connection, "create schema mine")
            await _refused(connection, "create table public.mine (a int)")


async def test_a_reader_writes_nothing_and_an_operator_only_what_operators_order(prepared: Settings, postgres: Postgres) -> None:
    settlement, posting = prepared.schema_name("settlement"), prepared.schema_name("posting")
    order = "insert into {}.discards (source, event) values ('s', 'e')"
    replayed = "update {}.rejections set replays = replays + 1"
    acknowledged = "update {}.gaps set acknowledged = true, acknowledged_at = clock_timestamp(), acknowledged_by = session_user"
    async with _connected(postgres, "reader") as connection:
        await _refused(connection, order, settlement)
        await _refused(connection, replayed, posting)
        await _refused(connection, acknowledged, posting)
        await _refused(connection, "delete from {}.vouchers", posting)
    async with _connected(postgres, "operator") as connection:
        await _refused(connection, "update {}.vouchers set date = date + 1", posting)
        await _refused(connection, "update {}.rejections set code = 'none'", posting)
        await _refused(connection, "update {}.gaps set last = 0", posting)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(order.format(settlement))
        await connection.execute(replayed.format(posting))
        await connection.execute(acknowledged.format(posting))
        await transaction.rollback()
    async with _connected(postgres, "web") as connection:
        await _refused(connection, "update {}.vouchers set date = date + 1", posting)
        await _refused(connection, acknowledged, posting)
        await _refused(connection, "update {}.actions set reason = 'another'", prepared.schema_name("desk"))
        await _refused(connection, "delete from {}.actions", prepared.schema_name("desk"))


async def test_a_service_writes_no_topic_that_it_does_not_own(prepared: Settings, postgres: Postgres) -> None:
    settings = _as_service(prepared, "payment", postgres)
    with pytest.raises(TopicAuthorizationFailedError):
        await _send(settings, Topic.VOUCHERS)
    await _send(settings, Topic.REJECTIONS)


async def test_a_service_reads_no_topic_and_makes_none_that_it_has_nothing_to_do_with(prepared: Settings, postgres: Postgres) -> None:
    settings = _as_service(prepared, "posting", postgres)
    admin = AIOKafkaAdminClient(**client_arguments(settings))
    await admin.start()
    shown = set(await admin.list_topics())
    await admin.close()
    assert shown == {prepared.topic_name(topic) for topic in (Topic.REFERENCE, Topic.SETTLEMENTS, Topic.VOUCHERS, Topic.REJECTIONS)}


async def test_a_sender_writes_its_own_topics_and_the_broker_refuses_it_those_of_another(
    prepared: Settings, broker: Kafka, tmp_path: Path
) -> None:
    group = tmp_path / "group.yaml"
    group.write_text(
        "senders:\n"
        "  erp-eu: {companies: [FAB], sources: [/eu/], may: [invoices]}\n"
        "  erp-us: {companies: [FABE], sources: [/us/], may: [invoices]}\n"
    )
    printed = _command({"NAMESPACE": _NAMESPACE, "SENDERS": "enforced"}, "acls", "--group", str(group)).splitlines()
    senders = ("intercompany-sender-erp-eu", "intercompany-sender-erp-us")
    broker.add_acls([line for line in printed if any(name in line for name in senders)])
    broker.add_users({name: _password(name) for name in senders})
    await topics.provision(prepared.model_copy(update={"senders": Senders.ENFORCED}), client_arguments(prepared), senders_of_file(group))
    for sender, own, others in (("erp-eu", "erp-eu", "erp-us"), ("erp-us", "erp-us", "erp-eu")):
        name = f"intercompany-sender-{sender}"
        settings = prepared.model_copy(update={"kafka_security_username": name, "kafka_security_password": SecretStr(_password(name))})
        await _send(settings, f"{Topic.INVOICES}.{own}")
        for refused in (f"{Topic.INVOICES}.{others}", Topic.INVOICES, Topic.REFERENCE, Topic.JOURNALS):
            with pytest.raises(TopicAuthorizationFailedError):
                await _send(settings, refused)


async def test_without_tls_or_with_another_authority_the_database_is_not_spoken_to(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.url("postgres", _password("postgres"))
    plain = url.split("?", maxsplit=1)[0]
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(f"{plain}?sslmode=disable")
    other = make_certificates(tmp_path)
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await asyncpg.connect(f"{plain}?sslmode=verify-full&sslrootcert={other.authority}")
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):  # the certificate is not for this name
        await asyncpg.connect(url.replace("localhost", "127.0.0.2"))


@pytest.mark.parametrize("wrong", ["authority", "password"])
async def test_with_another_authority_or_a_wrong_password_the_broker_is_not_spoken_to(
    wrong: str, prepared: Settings, tmp_path: Path
) -> None:
    if wrong == "authority":
        settings = prepared.model_copy(update={"kafka_security_ca_file": make_certificates(tmp_path).authority})
    else:
        settings = prepared.model_copy(update={"kafka_security_password": SecretStr("wrong")})
    with pytest.raises(KafkaError):
        await _send(settings, Topic.REJECTIONS)


@pytest.mark.parametrize("source", ["file", "endpoint"])
async def test_a_token_says_who_a_client_is(source: str, prepared: Settings, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(_token("intercompany-payment") + "\n")
    oauth: dict[str, Any] = {"kafka_security_mechanism": SecurityMechanism.OAUTH, "kafka_security_username": "client"}
    with _token_endpoint(_token("intercompany-payment")) as (url, asked):
        where = {"kafka_security_token_file": token_file} if source == "file" else {"kafka_security_token_url": url}
        settings = prepared.model_copy(update={**oauth, **where, "kafka_security_password": SecretStr("secret")})
        await _send(settings, Topic.REJECTIONS)
        with pytest.raises(TopicAuthorizationFailedError):
            await _send(settings, Topic.VOUCHERS)
    credentials = base64.b64encode(b"client:secret").decode()
    assert asked == ([] if source == "file" else [(f"Basic {credentials}", b"grant_type=client_credentials")] * 2)


def _token(principal: str) -> str:
    """A token that nobody has signed: what Apache Kafka takes unless it is told who signs."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": principal, "iat": now, "exp": now + 3600})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), ""])


@contextmanager
def _token_endpoint(token: str) -> Iterator[tuple[HttpUrl, list[tuple[str, bytes]]]]:
    """An endpoint that gives this token, and the credentials and forms that it was asked with."""
    asked: list[tuple[str, bytes]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.headers["Authorization"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": token, "token_type": "bearer", "expires_in": 3600}).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield HttpUrl(f"http://127.0.0.1:{server.server_port}/token"), asked
        server.shutdown()
        thread.join()


@asynccontextmanager
async def _connected(postgres: Postgres, role: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(postgres.url(_NAMED.role_name(role), _password(role)))
    try:
        yield connection
    finally:
        await connection.close()


async def _refused(connection: asyncpg.Connection[asyncpg.Record], statement: str, schema: str = "") -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement.format(schema))


async def _send(settings: Settings, topic: str) -> None:
    producer = KafkaProducer(settings)
    try:
        await producer.restart()
        assert await producer.send_all([Encoded(topic, b"key", b"{}", ())]) == []
    finally:
        await producer.close()
