"""Settings: errors name the variable, secrets stay secret."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from shared.delivery.housekeeping import KEEP_SENT_BYTES
from shared.kafka.security import client_arguments
from shared.kafka.topics import TOPICS
from shared.settings import SecurityMechanism, SecurityProtocol, Settings, SettingsError, load_settings


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"TOPIC_PARTITIONS": "many"}, "TOPIC_PARTITIONS"),
        ({"NAMESPACE": "Not Allowed"}, "NAMESPACE"),
        ({"HEALTH_PORT": "70000"}, "HEALTH_PORT"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT"),
        ({"WAIT_AT_MOST": "soon"}, "WAIT_AT_MOST"),
        ({"WAIT_AT_MOST": "-PT1S"}, "WAIT_AT_MOST: write a duration"),
        ({"ANNOUNCE_WAITS_AFTER": "-PT1S"}, "ANNOUNCE_WAITS_AFTER"),
        ({"ANNOUNCE_WAITS_AFTER": "30 seconds"}, "ANNOUNCE_WAITS_AFTER: write a duration"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SECURITY_MECHANISM"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SECURITY_MECHANISM": "PLAIN"}, "KAFKA_SECURITY_USERNAME"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SECURITY_MECHANISM": "OAUTHBEARER"}, "KAFKA_SECURITY_TOKEN_FILE"),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SECURITY_MECHANISM": "OAUTHBEARER",
                "KAFKA_SECURITY_TOKEN_URL": "https://login.example.com/token",
            },
            "KAFKA_SECURITY_USERNAME",
        ),
        ({"KAFKA_SECURITY_TOKEN_URL": "file:///etc/passwd"}, "KAFKA_SECURITY_TOKEN_URL"),
        ({"PROVISION": "perhaps"}, "PROVISION"),
        ({"SENDERS": "closed"}, "SENDERS"),
        ({"HTTP_AUTH": "basic"}, "HTTP_AUTH"),
        ({"HTTP_PORT": "many"}, "HTTP_PORT"),
        ({"OIDC_ISSUER": "login"}, "OIDC_ISSUER"),
        ({"OIDC_ROLE_MAP": "clerks"}, "OIDC_ROLE_MAP: write NAME=NAME"),
    ],
)
def test_an_error_names_the_variable_and_not_its_value(variables: dict[str, str], named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in str(caught.value)
    assert "many" not in str(caught.value)
    assert "Not Allowed" not in str(caught.value)


def test_what_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAIT_AT_MOST", "P30D")
    monkeypatch.setenv("NAMESPACE", "run1")
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("LOG_LEVEL", "warning")
    monkeypatch.setenv("ANNOUNCE_WAITS_AFTER", "PT5M")
    assert Settings(announce_waits_after=None).announce_waits_after is None
    settings = load_settings()
    assert settings.wait_at_most == timedelta(days=30)
    assert settings.announce_waits_after == timedelta(minutes=5)
    assert settings.keep_sent == timedelta(days=1)
    assert settings.keep_sent_bytes == KEEP_SENT_BYTES == 2 * 1024**3
    monkeypatch.setenv("ANNOUNCE_WAITS_AFTER", "2")
    monkeypatch.setenv("WAIT_AT_MOST", "")
    assert (load_settings().announce_waits_after, load_settings().wait_at_most) == (timedelta(seconds=2), None)
    monkeypatch.delenv("ANNOUNCE_WAITS_AFTER")
    assert load_settings().announce_waits_after == timedelta(seconds=30)
    assert settings.log_level == "WARNING"
    assert settings.topic_name("intercompany.invoices") == "run1.intercompany.invoices"
    assert (settings.schema_name("payment"), settings.group_name("payment")) == ("run1_payment", "run1.payment")
    assert Settings().schema_name("payment") == "run1_payment"
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        _ = settings.database


def test_no_secret_is_ever_printed() -> None:
    settings = Settings(
        database_url=SecretStr("postgresql://user:hunter2@db/x"),
        kafka_security_protocol=SecurityProtocol.SASL_PLAINTEXT,
        kafka_security_mechanism=SecurityMechanism.SCRAM_512,
        kafka_security_username="me",
        kafka_security_password=SecretStr("hunter3"),
        kafka_bootstrap_servers="localhost:9092",
    )
    assert "hunter" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert settings.database == "postgresql://user:hunter2@db/x"
    assert client_arguments(settings)["sasl_plain_password"].startswith("hunter")
    assert client_arguments(settings)["sasl_mechanism"] == "SCRAM-SHA-512"


def test_tls_to_the_broker_is_checked_against_the_given_authority(tmp_path: Path) -> None:
    wrong = Settings(
        kafka_security_protocol=SecurityProtocol.SSL, kafka_security_ca_file=tmp_path / "none.pem", kafka_bootstrap_servers="b:1"
    )
    with pytest.raises(SettingsError, match="KAFKA_SECURITY_CA_FILE"):
        client_arguments(wrong)
    given = client_arguments(Settings(kafka_security_protocol=SecurityProtocol.SSL, kafka_bootstrap_servers="b:1"))
    assert given["security_protocol"] == "SSL"
    assert given["ssl_context"].check_hostname


def test_the_reference_topic_is_compacted_and_keeps_its_order_and_nothing_is_deleted_by_age() -> None:
    reference = next(spec for spec in TOPICS if spec.name == "intercompany.reference")
    assert (reference.partitions, reference.cleanup) == (1, "compact")
    assert all(spec.configuration()["retention.ms"] == "-1" for spec in TOPICS)
    assert len(TOPICS) == 8


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"database_url": "postgresql://u:p@db.example/x"}, ["DATABASE_URL"]),
        ({"database_url": "postgresql://u:p@127.0.0.1,db.example:5432/x?sslmode=prefer"}, ["DATABASE_URL"]),
        ({"database_url": "postgresql://u:p@db.example/x?sslmode=verify-full"}, []),
        ({"database_url": "postgresql://u@/x?host=/run/postgresql"}, []),
        ({"database_url": "postgresql://u:p@[::1]:5432/x"}, []),
        ({"inquiry_database_url": "postgresql://u:p@db.example:5432/x"}, ["INQUIRY_DATABASE_URL"]),
        ({"kafka_bootstrap_servers": "localhost:9092,broker.example:9092"}, ["KAFKA_SECURITY_PROTOCOL"]),
        ({"kafka_bootstrap_servers": "localhost:9092"}, []),
        ({"kafka_bootstrap_servers": "broker.example:9093", "kafka_security_protocol": "SSL"}, []),
        ({"kafka_security_token_url": "http://login.example/token"}, ["KAFKA_SECURITY_TOKEN_URL"]),
        ({"kafka_security_token_url": "http://127.0.0.1/token"}, []),
    ],
)
def test_what_leaves_the_machine_unencrypted_is_named_and_refused_where_tls_is_required(settings: dict[str, str], named: list[str]) -> None:
    problems = Settings(**settings).unencrypted()  # type: ignore[arg-type]
    assert [problem.partition(" ")[0].partition("=")[0] for problem in problems] == named
    assert "u:p" not in str(problems)
    if named:
        with pytest.raises(ValidationError, match=named[0]):
            Settings(**settings, require_tls=True)  # type: ignore[arg-type]
    else:
        Settings(**settings, require_tls=True)  # type: ignore[arg-type]


def test_the_database_of_inquiry_may_be_another_one_and_is_that_of_all_where_it_is_not_said() -> None:
    other = {"inquiry_database_url": SecretStr("postgresql://asked/y")}
    settings = Settings(database_url=SecretStr("postgresql://posted/x"))
    assert {name: settings.database_of(name) for name in ("posting", "inquiry")} == dict.fromkeys(
        ("posting", "inquiry"), "postgresql://posted/x"
    )
    apart = settings.model_copy(update=other)
    assert [apart.database_of(name) for name in ("posting", "inquiry")] == ["postgresql://posted/x", "postgresql://asked/y"]


@pytest.mark.parametrize(
    "value", ["://garbage", "localhost:port", "localhost:0", "localhost:65536", "a b:9092", "kafka://x:9092", "a:1,,b:2", ","]
)
def test_what_is_no_brokers_address_is_said_by_the_name_of_its_setting(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", value)
    with pytest.raises(SettingsError, match=r"(?i)kafka_bootstrap_servers.*host:port"):
        load_settings()


@pytest.mark.parametrize("value", ["localhost:9092", "kafka", "a.example:1, b_c-d:65535", "[::1]:9092", "127.0.0.1:9092"])
def test_a_brokers_address_is_a_host_with_or_without_a_port(value: str) -> None:
    assert Settings(kafka_bootstrap_servers=value).brokers == value


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_variable_that_is_set_to_nothing_counts_as_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name.upper(), raising=False)
    without = load_settings()
    monkeypatch.setenv(name.upper(), "")
    assert load_settings() == without


@pytest.mark.parametrize("password", ["hun/ter", "hun?ter", "hun#ter"])
@pytest.mark.parametrize("name", ["DATABASE_URL", "INQUIRY_DATABASE_URL"])
def test_a_password_that_is_not_written_as_an_address_has_it_is_said_without_any_part_of_it(
    name: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"postgresql://reader:{password}@db:5432/books")
    with pytest.raises(SettingsError, match=f"^{name}: write postgresql://.*%2F") as raised:
        load_settings()
    assert "hun" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://r:h%2Fx@db:5432/books", "postgresql://r@a:1,b:2/books", "postgresql://r@[::1]:5432/books"),
        *("postgresql://[::1]/books", "postgresql:///books", "postgresql://r@/books?host=/run/x&port=5432", "postgresql://r:a:b@db/x"),
    ],
)
def test_addresses_of_databases_that_the_driver_takes_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert load_settings().database == url


def test_where_traces_go_is_an_address_and_encrypted_where_everything_is_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    monkeypatch.setenv(name, "collector:4318")
    with pytest.raises(SettingsError, match=name):
        load_settings()
    monkeypatch.setenv("REQUIRE_TLS", "true")
    monkeypatch.setenv(name, "http://collector:4318")
    with pytest.raises(SettingsError, match=f"{name} is not encrypted: use https"):
        load_settings()
    for fine in ("https://collector:4318", "http://127.0.0.1:4318"):
        monkeypatch.setenv(name, fine)
        load_settings()
