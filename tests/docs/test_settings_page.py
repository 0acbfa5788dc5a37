"""The page of settings is the class; what is shown of settings has no secret."""

from __future__ import annotations

import orjson
import pytest
from typer.testing import CliRunner

from services.command_line.commands.diagnosing import without_secrets
from services.command_line.main import app
from shared.settings import Settings, load_settings
from shared.settings_shown import IS_SET, page, secrets_of, shown
from tests.scenario_files import ROOT

SECRETS = {
    "DATABASE_URL": "postgresql://reader:hunter%2F1@127.0.0.1:9/books",
    "INQUIRY_DATABASE_URL": "postgresql://reader:hunter-2@127.0.0.1:9/books",
    "KAFKA_SECURITY_USERNAME": "hunter-3",
    "KAFKA_SECURITY_PASSWORD": "hunter-4",
    "HTTP_SESSION_SECRET": "hunter-5",
    "OIDC_CLIENT_SECRET": "hunter-6",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:hunter-7@127.0.0.1:9",
    "HTTP_PUBLIC_URL": "http://me:hunter-8@127.0.0.1:9",
    "KAFKA_SECURITY_TOKEN_URL": "http://me:hunter-9@127.0.0.1:9/token",
    "OIDC_ISSUER": "http://me:hunter-10@127.0.0.1:9",
}

TOKENS = {
    "DATABASE_URL": "postgresql://127.0.0.1:9/books?user=reader&password=hunter-11",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://hunter-12@collector.example/v1?api_key=hunter-13",
    "PGPASSWORD": "hunter-14",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer hunter-15",
}


@pytest.fixture
def secret_settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings in which everything that can be is a secret; neither database nor broker are there."""
    for name, value in {**SECRETS, "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_the_page_of_settings_is_the_class() -> None:
    written = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert written == page(), "python -m shared.settings_shown > docs/settings.md"


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, info in Settings.model_fields.items() if len(info.description or "") < 10] == []


def test_settings_are_shown_without_any_secret(secret_settings: Settings) -> None:
    said = shown(secret_settings)
    assert "hunter" not in str(said)
    assert said["DATABASE_URL"] == said["KAFKA_SECURITY_PASSWORD"] == IS_SET
    assert (said["HTTP_PORT"], said["CHECK_EVERY"], said["FOUR_EYES"], said["TOPICS_FILE"]) == ("8088", "PT15M", "true", None)
    assert {each for each in secrets_of(secret_settings) if "hunter" not in each} == set()
    assert "hunter/1" in set(secrets_of(secret_settings))


def test_a_support_bundle_has_no_secret_and_says_what_is_away(secret_settings: Settings) -> None:
    result = CliRunner().invoke(app, ["diagnose", "--output", "-"])
    assert result.exit_code == 0, result.output
    assert "hunter" not in result.output
    said = orjson.loads(result.stdout)
    assert said["settings"]["KAFKA_BOOTSTRAP_SERVERS"] == secret_settings.kafka_bootstrap_servers
    assert {"error"} == said["database"].keys() == said["services"].keys()
    assert said["version"] == "0.1.0"


def test_a_secret_that_an_error_repeats_is_taken_out(secret_settings: Settings) -> None:
    errors = {"error": [f"could not connect to {each}" for each in SECRETS.values()]}
    assert "hunter" in str(errors)
    assert "hunter" not in str(without_secrets(errors, secret_settings))


@pytest.mark.parametrize("password", ["0", "true", '"', "\\", "lag"])
def test_a_support_bundle_can_be_read_whatever_the_password_is(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://reader@127.0.0.1:9/books")
    monkeypatch.setenv("KAFKA_SECURITY_PASSWORD", password)
    found = {"lag": 100, "holds": True, "error": f"wrong: {password}"}
    cleaned = without_secrets(found, load_settings())
    assert cleaned == {"lag": 100, "holds": True, "error": cleaned["error"]}
    assert password not in cleaned["error"].removeprefix("wrong: ")


def test_a_token_in_place_of_a_user_and_keys_in_an_addresss_parameters_are_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    said = shown(settings)
    assert "hunter" not in str(said)
    assert said["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://***@collector.example/v1?***"
    repeated = [*TOKENS.values(), "hunter-11", "hunter-12", "hunter-13", "hunter-14", "Bearer hunter-15"]
    assert "hunter" not in str(without_secrets(repeated, settings))
