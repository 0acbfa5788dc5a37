"""The programs of deploy/producers: what each language sends to Apache Kafka comes back as the vouchers of the simulation.

Invariant: each program is installed and started by the commands of its own README, from a copy under `.cache`, so that those are
true. `make test` runs the one in Python, on Apache Kafka alone; PRODUCERS names others (`make producers`: all), and
then they also run with TLS and SASL and on the embedded broker. A language whose tools are missing is skipped with the reason, or
fails with it when INTERCOMPANY_REQUIRE_CONTAINERS=1.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from services.local.in_process import running_services
from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from shared.embedded import embedded_backing_services
from shared.settings import SecurityMechanism, SecurityProtocol, Settings
from tests.builders.load import live_result
from tests.builders.producer_events import FILE
from tests.containers.parts import Parts, started_parts
from tests.containers.secured import ADMIN, Kafka, make_certificates
from tests.scenario_files import IC_4, ROOT

pytestmark = pytest.mark.containers

_TOOLS: Final = {
    "python": ("python3",),
    "node": ("node", "npm"),
    "java": ("mvn", "javac"),
    "go": ("go",),
    "kcat": ("kcat", "jq", "bash"),
}
_QUICK: Final = ("python",)
_ASKED: Final = tuple(os.environ.get("PRODUCERS", "").split())
_LANGUAGES: Final = _ASKED or _QUICK


def _scram_of_kcat() -> bool:
    """Whether kcat's librdkafka is 2.6.1 or newer: older ones, as Debian 12's, repeat the nonce, which Kafka 4 refuses."""
    if shutil.which("kcat") is None:
        return False
    said = subprocess.run(["kcat", "-V"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S607 - the one on PATH
    version = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", said.stdout + said.stderr)
    return version is not None and tuple(map(int, version.groups())) >= (2, 6, 1)


def _cases() -> list[tuple[str, str]]:
    """Broker and language; kcat does not get along with each."""
    brokers = ("kafka", "secured", "embedded") if _ASKED else ("kafka",)
    without = {("embedded", "kcat")} | (set() if _scram_of_kcat() else {("secured", "kcat")})
    return [case for case in product(brokers, _LANGUAGES) if case not in without]


_CACHE: Final = ROOT / ".cache" / "producers"
_PASSWORD: Final = "of-the-admin"  # noqa: S105 - of a broker that lives as long as the test
_INSTALLED_WITHIN: Final = 400
_DONE_WITHIN: Final = 120
_SENT: Final = re.compile(r"^\S+ \[\d+\] offset \d+: (?P<id>.+)$", re.MULTILINE)

SettingsMaker = Callable[[], Settings]


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """Apache Kafka and PostgreSQL."""
    with started_parts() as parts:
        yield parts


@pytest.fixture(scope="module")
def kafka(parts: Parts) -> SettingsMaker:
    """Plain."""
    return parts.settings


@pytest.fixture(scope="module")
def secured(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SettingsMaker]:
    """Apache Kafka with TLS and SCRAM-SHA-512."""
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    with Kafka.started(certificates) as broker:
        broker.add_users({ADMIN: _PASSWORD})
        proof = {
            "kafka_bootstrap_servers": broker.address,
            "kafka_security_protocol": SecurityProtocol.SASL_SSL,
            "kafka_security_mechanism": SecurityMechanism.SCRAM_512,
            "kafka_security_username": ADMIN,
            "kafka_security_password": SecretStr(_PASSWORD),
            "kafka_security_ca_file": certificates.authority,
        }
        yield lambda: parts.settings().model_copy(update=proof)


@pytest.fixture(scope="module")
def embedded(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SettingsMaker]:
    """The broker of `make up`."""
    with asyncio.Runner() as runner:
        starting = embedded_backing_services(tmp_path_factory.mktemp("embedded"))
        started = runner.run(starting.__aenter__())
        given = {name.lower(): value for name, value in started.environment().items()}
        yield lambda: Settings(**given, namespace=parts.settings().namespace)  # type: ignore[arg-type]
        runner.run(starting.__aexit__(None, None, None))


@pytest.fixture
def make_settings(request: pytest.FixtureRequest) -> SettingsMaker:
    """Of the broker that the parameter names."""
    maker: SettingsMaker = request.getfixturevalue(request.param)
    return maker


def _missing(language: str) -> str | None:
    missing = [tool for tool in _TOOLS[language] if shutil.which(tool) is None]
    return f"{language} needs {' and '.join(missing)} on PATH" if missing else None


def _check_tools(language: str) -> None:
    if (reason := _missing(language)) is not None:
        if os.environ.get("INTERCOMPANY_REQUIRE_CONTAINERS") == "1":
            pytest.fail(f"producers are required here: {reason}")
        pytest.skip(reason)


def _commands(language: str) -> tuple[str, str]:
    """What the README says to install and to run."""
    readme = (FILE.parent / language / "README.md").read_text(encoding="utf-8")
    install, run = re.findall(r"```sh\n(.+?)```", readme, re.DOTALL)[:2]
    return install, run


def _installed(language: str) -> Path:
    """The folder of the language under `.cache`; installed there unless that was done with these very files."""
    source, folder = FILE.parent / language, _CACHE / language
    files = sorted(path for path in source.iterdir() if path.is_file())
    content = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != content:
        folder.mkdir(parents=True, exist_ok=True)
        for path in files:
            shutil.copy(path, folder)
        command = ["bash", "-ec", _commands(language)[0]]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALLED_WITHIN, check=False)  # noqa: S603 - as the README says
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        stamp.write_text(content)
    shutil.copy(FILE, _CACHE)
    return folder


def _environment(settings: Settings) -> dict[str, str]:
    """The broker as environment variables of a program that is not ours."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")}
    password = settings.kafka_security_password
    given = {
        "KAFKA_BOOTSTRAP_SERVERS": settings.brokers,
        "KAFKA_SECURITY_PROTOCOL": settings.kafka_security_protocol.value,
        "KAFKA_SECURITY_MECHANISM": settings.kafka_security_mechanism,
        "KAFKA_SECURITY_USERNAME": settings.kafka_security_username,
        "KAFKA_SECURITY_PASSWORD": password.get_secret_value() if password else None,
        "KAFKA_SECURITY_CA_FILE": settings.kafka_security_ca_file,
        "NAMESPACE": settings.namespace,
        "IDEMPOTENT_PRODUCER": str(settings.idempotent_producer).lower(),
    }
    return {**own, **{name: str(value) for name, value in given.items() if value is not None}}


async def _run(language: str, settings: Settings, command: str) -> tuple[list[str], list[dict[str, Any]]]:
    """Runs a program of the language: the ids of the events that it says it sent, and the vouchers that it printed."""
    folder = await asyncio.to_thread(_installed, language)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "bash", "-ec", command, cwd=folder, env=_environment(settings), stdout=pipe, stderr=pipe, start_new_session=True
    )
    try:
        printed, said = await asyncio.wait_for(process.communicate(), _DONE_WITHIN)
    except TimeoutError:
        os.killpg(process.pid, 9)
        raise
    assert process.returncode == 0, said.decode()[-3000:]
    return [match["id"] for match in _SENT.finditer(said.decode())], [json.loads(line) for line in printed.splitlines()]


def _compared(vouchers: list[dict[str, Any]], fields: dict[str, Any]) -> list[Any]:
    """Company, kind and lines of vouchers, in an order of their own; of a line, what `fields` has."""
    rows = [(each["company"], each["kind"], sorted(_line(line, fields) for line in each["lines"])) for each in vouchers]
    return sorted(rows, key=repr)


def _line(line: dict[str, Any], fields: dict[str, Any]) -> str:
    """A line by the names of its fields; amounts by value."""
    amounts = {name: Decimal(line[name]).normalize() for name in fields if name.endswith(("debit", "credit"))}
    return repr([(name, amounts.get(name, line[name])) for name in sorted(fields)])


@pytest.mark.parametrize(("make_settings", "language"), _cases(), indirect=["make_settings"])
async def test_what_a_program_sends_comes_back_as_the_vouchers_of_the_simulation(
    make_settings: SettingsMaker, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _check_tools(language)
    simulated = simulate(load_scenario(IC_4)).vouchers
    settings = make_settings()
    await asyncio.to_thread(_installed, language)
    async with running_services(settings):
        begun = time.monotonic()
        sent, vouchers = await _run(language, settings, _commands(language)[1])
        took = time.monotonic() - begun
    assert sent == [json.loads(line)["event"]["id"] for line in FILE.read_text(encoding="utf-8").splitlines()]
    fields = simulated[0]["lines"][0]
    assert _compared(vouchers, fields) == _compared(simulated, fields)
    with capsys.disabled():
        sys.stdout.write(f"\n  {language}: {len(sent)} events sent, {len(vouchers)} vouchers read back, {took:.1f} s ")


async def test_the_same_events_from_every_program_are_posted_once(kafka: SettingsMaker) -> None:
    usable = [language for language in _LANGUAGES if _missing(language) is None]
    scenario, settings = load_scenario(IC_4), kafka()
    async with running_services(settings) as services:
        for language in usable:
            command = _commands(language)[1]
            sent, _ = await _run(language, settings, re.sub(r"(ic-4\.ndjson) \d+", r"\1", command))
            assert len(sent) == len(FILE.read_text(encoding="utf-8").splitlines())
        await services.until_quiescent()
        live = await live_result(settings, scenario)
    simulated = simulate(scenario).vouchers
    fields = simulated[0]["lines"][0]
    assert _compared(live.vouchers, fields) == _compared(simulated, fields)
    assert (live.rejected, live.waiting) == ([], [])


if "kcat" in _LANGUAGES:

    def test_kcat_does_not_get_an_answer_from_the_embedded_broker(embedded: SettingsMaker) -> None:
        _check_tools("kcat")
        command = ["kcat", "-b", embedded().brokers, "-L", "-m", "5"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - our own words
        assert done.returncode != 0, done.stdout
