"""Settings: everything that differs between a laptop, a test and production, read from the environment once.

Invariant: each setting has the name of its environment variable; an error names that variable and says what
would be right; a value is never part of an error, and passwords and database addresses never show when printed.
"""

from __future__ import annotations

import os
import re
import ssl
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Namespace = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9]{0,23})?$")]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _pairs(value: object) -> object:
    """`a=b,c=d` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    if any(not between for _, between, _ in pairs):
        msg = "write NAME=NAME, with commas between several"
        raise ValueError(msg)
    return {theirs.strip(): ours.strip() for theirs, _, ours in pairs}


_SECONDS: Final = re.compile(r"[0-9]{1,9}")


def _duration(value: object, read: ValidatorFunctionWrapHandler) -> object:
    """A duration in ISO 8601 or as a number of seconds."""
    text = value.strip() if isinstance(value, str) else value
    try:
        return read(int(text) if isinstance(text, str) and _SECONDS.fullmatch(text) else text)
    except ValidationError:
        msg = "write a duration that is not negative, such as PT30S, PT5M, P30D, or a number of seconds"
        raise ValueError(msg) from None


Duration = Annotated[timedelta, Field(ge=timedelta(0)), WrapValidator(_duration)]

INQUIRY: Final = "inquiry"
"""The service whose database may be another one."""
_ENCRYPTED_MODES: Final = frozenset({"require", "verify-ca", "verify-full"})


def _is_local(host: str) -> bool:
    """Whether a host is this machine; a path is a socket's."""
    name = host.strip("[]")
    return name in {"", "localhost", "::1"} or name.startswith(("127.", "/"))


def _database_hosts(url: str) -> list[str]:
    """The hosts of a database's address, which may list several, or name them as a parameter."""
    parts = urlsplit(url)
    named = parse_qs(parts.query).get("host")
    if named:
        return named[-1].split(",")
    hosts = parts.netloc.rpartition("@")[2].split(",")
    return [host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host for host in hosts]


def _ssl_mode(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("sslmode", [os.environ.get("PGSSLMODE", "prefer")])[-1]


class SettingsError(Exception):
    """A setting is missing or wrong; the text names each variable and what would be right."""


class LogFormat(StrEnum):
    """How logs are written: coloured lines for people, one JSON object per line for collectors."""

    CONSOLE = "console"
    JSON = "json"


class Senders(StrEnum):
    """Which inbound topics are read: the shared ones, of which nobody checks who writes; or those of each sender alone."""

    OPEN = "open"
    ENFORCED = "enforced"


class HttpAuth(StrEnum):
    """How those who ask over HTTP prove who they are: not at all (this machine alone), by a token of a file, by their provider's."""

    NONE = "none"
    TOKENS = "tokens"
    OIDC = "oidc"


class SecurityProtocol(StrEnum):
    """How the broker is spoken to."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SecurityMechanism(StrEnum):
    """How a client proves to the broker who it is."""

    PLAIN = "PLAIN"
    SCRAM_256 = "SCRAM-SHA-256"
    SCRAM_512 = "SCRAM-SHA-512"
    OAUTH = "OAUTHBEARER"


_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_LAST_PORT: Final = 65535


class Settings(BaseSettings):
    """All settings of all processes; a field `log_level` is the variable `LOG_LEVEL`.

    Without `KAFKA_BOOTSTRAP_SERVERS` or `DATABASE_URL` embedded ones are used. TLS to the database is part of
    `DATABASE_URL` (`?sslmode=verify-full&sslrootcert=…`).
    """

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, frozen=True)

    kafka_bootstrap_servers: str | None = Field(
        default=None, description="Apache Kafka 4 or newer: `host:port`, with commas between several; none: the embedded broker"
    )
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL 15 or newer, `postgresql://…`; TLS by `?sslmode=`; none: the embedded database"
    )
    inquiry_database_url: SecretStr | None = Field(
        default=None, description="the database of the inquiry service, where it is another one; none: DATABASE_URL"
    )
    namespace: Namespace = Field(default="", description="prefix of topics, consumer groups and schemas")
    data_dir: Path = Field(default=Path(".data"), description="folder of the embedded broker and database")

    provision: bool = Field(
        default=True, description="false: schema and topics are made by `intercompany migrate` and `provision`, and waited for"
    )
    topics_file: Path | None = Field(
        default=None, description="partitions, replication and retention of each topic, as the files in `deploy/topics` have them"
    )
    topic_partitions: int = Field(
        default=1, ge=1, le=1000, description="partitions of each topic that TOPICS_FILE does not name, but `intercompany.reference`"
    )
    topic_replication_factor: int = Field(default=-1, ge=-1, description="replicas of each topic that is made; -1: the broker's default")
    fetch_max_wait_ms: int = Field(default=500, ge=1, le=10_000, description="how long the broker keeps a question for records open")
    idempotent_producer: bool = Field(default=True, description="false for a broker that cannot do it, as the embedded one")
    group_instance_id: str | None = Field(
        default=None, description="static membership of an instance: a name of its own that stays the same"
    )
    session_timeout_ms: int = Field(
        default=10_000, ge=1000, description="after how long without a sign of life the broker takes an instance for gone"
    )
    heartbeat_interval_ms: int = Field(default=3_000, ge=100, description="how often an instance gives one")

    kafka_security_protocol: SecurityProtocol = Field(default=SecurityProtocol.PLAINTEXT, description="how the broker is spoken to")
    kafka_security_mechanism: SecurityMechanism | None = Field(default=None, description="how a client proves who it is; needed with SASL")
    kafka_security_username: str | None = Field(default=None, description="its name, or the client id for tokens")
    kafka_security_password: SecretStr | None = Field(default=None, description="its password, or the client secret for tokens")
    kafka_security_token_file: Path | None = Field(default=None, description="where an OAUTHBEARER token is read")
    kafka_security_token_url: HttpUrl | None = Field(default=None, description="where OAUTHBEARER tokens come from")
    kafka_security_token_scope: str | None = Field(default=None, description="the scope that is asked for there")
    kafka_security_ca_file: Path | None = Field(
        default=None, description="the certificates that the broker's is checked against; none: the machine's"
    )

    require_tls: bool = Field(default=False, description="true: nothing leaves this machine unencrypted, else the start is refused")

    health_host: str = Field(default="0.0.0.0", description="on which address liveness, readiness and metrics are answered")  # noqa: S104 - a container's probes come from outside the container
    health_port: int = Field(default=0, ge=0, le=65535, description="where liveness, readiness and metrics are answered; 0: off")
    log_format: LogFormat = Field(default=LogFormat.CONSOLE, description="coloured lines for people, or one JSON object a line")
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = Field(default="INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL")
    otel_exporter_otlp_endpoint: HttpUrl | None = Field(
        default=None, description="where traces go, by OTLP over HTTP; sampling by OpenTelemetry's own variables; none: nowhere"
    )

    metrics_companies: int = Field(
        default=50, ge=0, le=10_000, description="companies that have metrics of their own; the others share one"
    )
    check_every: Duration = Field(
        default=timedelta(minutes=15), description="how often inquiry compares the services' books, at most a tenth of the time; 0: never"
    )

    wait_at_most: Duration | None = Field(default=None, description="how long something may wait before it is refused; none: indefinitely")
    announce_waits_after: Duration | None = Field(
        default=timedelta(seconds=30), description="how long something waits before its sender is told (`event.waiting`)"
    )
    keep_sent: Duration = Field(default=timedelta(days=1), description="how long what was sent is kept, to be sent again")
    keep_sent_bytes: int = Field(default=2 * 1024**3, ge=0, description="how many bytes of what was sent a service keeps at most")
    http_host: str = Field(default="127.0.0.1", description="on which address the HTTP API and the console answer")
    http_port: int = Field(default=8088, ge=0, le=65535, description="its port; 0: one that is free")
    http_public_url: HttpUrl | None = Field(default=None, description="under which others reach the API, where that is not host and port")
    http_auth: HttpAuth = Field(
        default=HttpAuth.NONE,
        description="who may ask: `none` (this machine alone), by tokens of a file, or by the tokens of an identity provider",
    )
    http_tokens_file: Path | None = Field(default=None, description="the tokens, for HTTP_AUTH=tokens")
    site_dir: Path = Field(default=Path("site"), description="folder of the built documentation (`make docs`), which is shown under /docs")
    http_session_secret: SecretStr | None = Field(
        default=None, description="signs the console's cookies and forms; none: a random one, new at every start"
    )
    four_eyes: bool = Field(default=True, description="whoever proposes what changes books may not approve it; not with HTTP_AUTH=none")
    oidc_issuer: HttpUrl | None = Field(default=None, description="the identity provider, for HTTP_AUTH=oidc")
    oidc_audience: str | None = Field(default=None, description="for whom its tokens have to be")
    oidc_client_id: str | None = Field(default=None, description="the console's name at the provider; none: OIDC_AUDIENCE")
    oidc_client_secret: SecretStr | None = Field(default=None, description="none: the console is a public client, PKCE alone")
    oidc_roles_claim: str = Field(default="roles", description="where a token says the roles")
    oidc_companies_claim: str = Field(default="companies", description="where a token says the companies")
    oidc_role_map: Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)] = Field(
        default_factory=dict, description="the provider's names of roles: THEIRS=ours, commas between"
    )

    senders: Senders = Field(
        default=Senders.OPEN,
        description="enforced: each sender has topics of its own, and rights by its definition; open: the shared topics are read",
    )

    @field_validator("database_url", "inquiry_database_url")
    @classmethod
    def _database_address(cls, value: SecretStr | None) -> SecretStr | None:
        """What the driver would stumble over says what is wrong without the driver, which repeats parts of a password."""
        parts = urlsplit(value.get_secret_value()) if value is not None else None
        ports = [] if parts is None else re.findall(r":([^:\]]*)(?:,|$)", parts.netloc.rpartition("@")[2])
        if any(not port.isdecimal() for port in ports):
            msg = "write postgresql://user:password@host:port/name; in user and password / ? # @ : and % as %2F %3F %23 %40 %3A %25"
            raise ValueError(msg)
        return value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _addresses(cls, value: str | None) -> str | None:
        """Each is `host:port`, or a host alone: anything else would only fail where it is first spoken to."""
        for each in (value or "").split(","):
            found = _ADDRESS.fullmatch(each.strip())
            if value is not None and (found is None or not 0 < int(found[1] or 1) <= _LAST_PORT):
                msg = f"{each.strip()[:80]!r} is not a broker's address: give host:port, with commas between several"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _credentials_complete(self) -> Settings:
        if not self.kafka_security_protocol.startswith("SASL"):
            return self
        if self.kafka_security_mechanism is None:
            msg = f"KAFKA_SECURITY_MECHANISM is needed with KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol}"
            raise ValueError(msg)
        oauth = self.kafka_security_mechanism is SecurityMechanism.OAUTH
        if oauth and self.kafka_security_token_file is not None:
            return self
        if oauth and self.kafka_security_token_url is None:
            msg = "KAFKA_SECURITY_TOKEN_FILE or KAFKA_SECURITY_TOKEN_URL is needed with KAFKA_SECURITY_MECHANISM=OAUTHBEARER"
            raise ValueError(msg)
        if not self.kafka_security_username or self.kafka_security_password is None:
            needed = "KAFKA_SECURITY_TOKEN_URL" if oauth else "SASL"
            msg = f"KAFKA_SECURITY_USERNAME and KAFKA_SECURITY_PASSWORD are needed with {needed}"
            raise ValueError(msg)
        return self

    @property
    def enforces_senders(self) -> bool:
        """Whether only the senders' own topics are read, and the reference topic, which is an operator's."""
        return self.senders is Senders.ENFORCED

    @model_validator(mode="after")
    def _encrypted(self) -> Settings:
        if self.require_tls and (problems := self.unencrypted()):
            raise ValueError("; ".join(problems))
        return self

    def unencrypted(self) -> list[str]:
        """What these settings send unencrypted off this machine, each with what would be right; no secret is in the text."""
        problems: list[str] = []
        for variable, secret in (("DATABASE_URL", self.database_url), ("INQUIRY_DATABASE_URL", self.inquiry_database_url)):
            url = secret.get_secret_value() if secret is not None else None
            if url is not None and not all(map(_is_local, _database_hosts(url))) and _ssl_mode(url) not in _ENCRYPTED_MODES:
                problems.append(f"{variable} does not require TLS: add ?sslmode=verify-full (or verify-ca, require)")
        hosts = [broker.rpartition(":")[0] for broker in (self.kafka_bootstrap_servers or "").split(",") if broker]
        if not all(map(_is_local, hosts)) and not self.kafka_security_protocol.endswith("SSL"):
            problems.append(f"KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} is not encrypted: use SSL or SASL_SSL")
        token_url = self.kafka_security_token_url
        if token_url is not None and token_url.scheme != "https" and not _is_local(token_url.host or ""):
            problems.append("KAFKA_SECURITY_TOKEN_URL is not encrypted: use https")
        traces = self.otel_exporter_otlp_endpoint
        if traces is not None and traces.scheme != "https" and not _is_local(traces.host or ""):
            problems.append("OTEL_EXPORTER_OTLP_ENDPOINT is not encrypted: use https")
        return problems

    @property
    def needs_four_eyes(self) -> bool:
        """Whether a second person approves what one proposes over HTTP; where nobody proves who asks there is one person alone."""
        return self.four_eyes and self.http_auth is not HttpAuth.NONE

    @property
    def http_is_local(self) -> bool:
        """Whether HTTP_HOST is an address that this machine alone reaches."""
        try:
            return self.http_host == "localhost" or ip_address(self.http_host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def brokers(self) -> str:
        """The broker's addresses, `host:port` with commas between; SettingsError if there are none."""
        if self.kafka_bootstrap_servers is None:
            msg = "KAFKA_BOOTSTRAP_SERVERS is not set: give the broker's address, host:port"
            raise SettingsError(msg)
        return self.kafka_bootstrap_servers

    @property
    def database(self) -> str:
        """The database's address with its password: for the driver only; SettingsError if there is none."""
        if self.database_url is None:
            msg = "DATABASE_URL is not set: give the database's address, postgresql://user:password@host:port/name"
            raise SettingsError(msg)
        return self.database_url.get_secret_value()

    def database_of(self, service: str) -> str:
        """The address of a service's database; that of inquiry may be another one. SettingsError if there is none."""
        own = self.inquiry_database_url if service == INQUIRY else None
        return own.get_secret_value() if own is not None else self.database

    def topic_name(self, topic: str) -> str:
        """A topic's name at the broker: with the namespace in front, if there is one."""
        return f"{self.namespace}.{topic}" if self.namespace else topic

    def group_name(self, service: str) -> str:
        """A service's consumer group."""
        return f"{self.namespace}.{service}" if self.namespace else service

    def schema_name(self, service: str) -> str:
        """A service's PostgreSQL schema."""
        return f"{self.namespace}_{service}" if self.namespace else service

    def role_name(self, role: str) -> str:
        """The PostgreSQL role of a service, or `owner`, `operator`, `reader`, `web` (deploy/postgres/roles.sql)."""
        return f"intercompany_{self.schema_name(role)}"

    def tls(self) -> ssl.SSLContext | None:
        """What the broker's certificate is checked against; None without TLS."""
        if self.kafka_security_protocol not in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}:
            return None
        try:
            return ssl.create_default_context(cafile=self.kafka_security_ca_file)
        except OSError as error:
            msg = f"KAFKA_SECURITY_CA_FILE cannot be read: {error.strerror}"
            raise SettingsError(msg) from error


def load_settings() -> Settings:
    """Reads the environment; SettingsError names every variable that is wrong, without its value."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [_sentence(tuple(each["loc"]), each["msg"]) for each in error.errors(include_input=False, include_url=False)]
        raise SettingsError("\n".join(lines)) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    """`LOG_LEVEL: …`; a rule over several variables names them itself."""
    own = message.removeprefix("Value error, ")
    return f"{str(place[0]).upper()}: {own}" if place else own
