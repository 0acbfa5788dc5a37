"""The commands are listed without being imported, and each error whose cause is outside is a sentence."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import typer
from aiokafka.errors import KafkaConnectionError
from typer.testing import CliRunner

from services.command_line.errors import in_words
from services.command_line.main import Commands, app
from services.desk.schemas import SchemaMissingError
from shared.settings import SettingsError

NOT_FOR_HELP = {"pydantic", "aiokafka", "asyncpg", "faststream", "structlog", "yaml", "services.registry", "services.desk"}
NOT_FOR_SIMULATE = {"aiokafka", "asyncpg", "faststream", "uvicorn", "structlog", "opentelemetry", "services.local"}


def _summary(command: str) -> str:
    listed = Commands.listing[command]
    found = getattr(import_module(f"services.command_line.commands.{listed.module}"), listed.attribute)
    text = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    return " ".join(str(text).split("\n\n")[0].split())


@pytest.mark.parametrize("command", Commands.listing)
def test_what_the_list_says_of_a_command_is_how_its_own_help_begins(command: str) -> None:
    assert Commands.listing[command].summary == _summary(command)


@pytest.mark.parametrize("command", Commands.listing)
def test_each_command_loads_and_has_an_example_or_commands_of_its_own(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "Example: " in result.stdout or "COMMAND [ARGS]" in result.stdout
    assert "completion" not in result.stdout


def _imported(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    code = (
        "import sys\nfrom services.command_line.main import app\n"
        f"try:\n    app({list(arguments)!r})\nexcept SystemExit:\n    pass\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    return set(done.stderr.split())


def test_help_imports_nothing_of_the_product() -> None:
    assert not _imported("--help") & NOT_FOR_HELP


def test_simulate_imports_neither_broker_nor_database() -> None:
    example = Path(__file__).parents[3] / "services/scenarios/examples/ic-1.yaml"
    assert not _imported("simulate", str(example)) & NOT_FOR_SIMULATE


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (SettingsError("LOG_LEVEL: is wrong"), "LOG_LEVEL: is wrong"),
        (SchemaMissingError("start the services"), "start the services"),
        (KafkaConnectionError("gone"), "Is KAFKA_BOOTSTRAP_SERVERS right"),
        (asyncpg.InvalidPasswordError("no"), "Is DATABASE_URL right?"),
        (asyncpg.UndefinedColumnError('column "reference" does not exist'), "`intercompany migrate` brings them to this one's"),
        (ConnectionRefusedError("refused"), "do both answer?"),
    ],
)
def test_an_error_whose_cause_is_outside_is_a_sentence(error: Exception, advice: str) -> None:
    assert advice in (in_words(error) or "")


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Any:
    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("services.command_line.commands.simulating.load_scenario", fails)
    return CliRunner().invoke(app, ["simulate", "any.yaml"])


def test_a_file_that_cannot_be_read_is_no_question_of_broker_and_database() -> None:
    assert in_words(FileNotFoundError(2, "No such file or directory", "mine.json")) == "mine.json: No such file or directory"


def test_a_defect_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(_failing(monkeypatch, KeyError("x")).exception, KeyError)


def test_a_signal_ends_a_command_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _failing(monkeypatch, asyncio.CancelledError())
    assert (result.exit_code, result.stderr) == (143, "error: stopped by a signal\n")


def test_an_installation_without_the_benchmark_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _failing(monkeypatch, ModuleNotFoundError("No module named 'services.bench'", name="services.bench"))
    assert result.exit_code == 1
    assert "run it from a checkout" in result.stderr


def test_a_command_that_does_not_exist_is_answered_with_the_one_that_was_meant() -> None:
    result = CliRunner().invoke(app, ["simulat"])
    assert result.exit_code == 2
    assert "'simulate'" in result.output


@pytest.mark.parametrize("service", ["payment", "settlement", "posting", "inquiry"])
def test_a_service_run_as_a_module_says_what_is_missing(service: str, tmp_path: Path) -> None:
    environment = {"PATH": "", "DATA_DIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-m", f"services.{service}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - our own command
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: nothing runs on {tmp_path}: start `intercompany up` in another shell, or set KAFKA_")
