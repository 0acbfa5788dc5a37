"""docker-compose.yml as a user starts it: scenarios through Apache Kafka and PostgreSQL, the data kept, nothing as root."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from services.local.processes import free_port
from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from tests.builders.load import intercompany_file, intercompany_payments
from tests.containers.images import KAFKA_IMAGE, POSTGRES_IMAGE, PYTHON_IMAGE, ROOT
from tests.live.delivery.running import until
from tests.scenario_files import EXAMPLES, FILES, IC_4

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.containers

PROJECT: Final = f"intercompany-test-{os.getpid()}"
SERVICES: Final = ("payment", "settlement", "posting", "inquiry")
WEB_PORT: Final = str(free_port())
"""Not the default: a system that someone runs on this machine keeps its own."""
_MOUNTED: Final = "/checkout"
_WITHIN: Final = 1800


def _compose(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    variables = {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "INTERCOMPANY_IMAGE": f"intercompany:{PROJECT}",
        "KAFKA_IMAGE": KAFKA_IMAGE,
        "POSTGRES_IMAGE": POSTGRES_IMAGE,
        "PYTHON_IMAGE": PYTHON_IMAGE,
        "WEB_PORT": WEB_PORT,
    }
    done = subprocess.run(  # noqa: S603 - our own words
        ["docker", "compose", *words],  # noqa: S607 - as a user has it on the path
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=_WITHIN,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done


def _docker(*words: str) -> str:
    """What a command of the engine prints, on either output."""
    command = ["docker", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=True).stdout  # noqa: S603 - our own words


def _command(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The project's command in the running system."""
    return _compose("run", "--rm", "--no-deps", "--no-TTY", "cli", *words, check=check)


def _inside(service: str, *words: str) -> str:
    return _compose("exec", "--no-TTY", service, *words).stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def system() -> Iterator[None]:
    """The whole system from a checkout, with the demo's group and events; nothing of it is left at the end."""
    try:
        _compose("--profile", "demo", "up", "--build", "--wait")
        yield
    finally:
        _compose("--profile", "demo", "--profile", "cli", "down", "--volumes", "--timeout", "20", check=False)
        subprocess.run(["docker", "image", "rm", f"intercompany:{PROJECT}"], check=False, capture_output=True)  # noqa: S603, S607 - our own


def _vouchers() -> list[dict[str, Any]]:
    """What the ledger of the running system holds."""
    return [json.loads(line) for line in _command("vouchers", "--json").stdout.splitlines()]


@pytest.mark.parametrize("chosen", [pytest.param(FILES[::10], id="a tenth"), pytest.param(FILES, id="all", marks=pytest.mark.long)])
def test_scenarios_give_on_kafka_and_postgres_what_the_rules_give(chosen: Sequence[Path]) -> None:
    files = [str(path.relative_to(ROOT)) for path in chosen]
    command = [sys.executable, "-m", "services.command_line.main", "simulate", "--json", *files]
    pure = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_WITHIN, check=True)  # noqa: S603 - our own command
    mounted = ("--volume", f"{ROOT}:{_MOUNTED}:ro", "--workdir", _MOUNTED)
    live = _compose("run", "--rm", "--no-deps", "--no-TTY", *mounted, "cli", "run", "--json", *files)
    simulated, run = ([json.loads(line) for line in done.stdout.splitlines()] for done in (pure, live))
    assert [each["id"] for each in run] == [each["id"] for each in simulated]
    assert len(run) == len(files)
    for one, other in zip(run, simulated, strict=True):
        assert one == other, other["id"]


def test_the_demo_profile_has_posted_its_payment_in_every_company_and_the_books_agree() -> None:
    assert {voucher["company"] for voucher in _vouchers()} == {"FAB", "FABE", "FABW"}
    _command("reconcile")


def test_the_demo_in_a_container_prints_what_the_rules_give_on_this_machine() -> None:
    number = len(tuple(EXAMPLES.glob("*.yaml")))
    command = [sys.executable, "-m", "services.command_line.main", "simulate", str(IC_4)]
    here = subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env={**os.environ, "COLUMNS": "140"}, capture_output=True, text=True, timeout=_WITHIN, check=True
    )
    there = _compose("run", "--rm", "--no-deps", "--no-TTY", "--env", "COLUMNS=140", "cli", "demo").stdout
    assert there.startswith(here.stdout)
    assert f"{number} of {number} examples came out as expected" in there


def _duplicates() -> float:
    """Events that the settlement service has known by their ids since its start."""
    ask = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8080/metrics', timeout=5).read().decode())"
    wanted = 'intercompany_messages_total{outcome="duplicate",service="settlement"} '
    lines = _inside("settlement", "python", "-c", ask).splitlines()
    return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


async def test_what_was_posted_is_there_after_down_and_up_and_is_not_posted_again() -> None:
    before = _vouchers()
    _compose("--profile", "demo", "down", "--timeout", "20")
    _compose("--profile", "demo", "up", "--wait")  # the profile sends the same events once more
    sent_again = len(load_scenario(IC_4).events)

    async def seen_again() -> bool:
        return await asyncio.to_thread(_duplicates) >= sent_again

    await until(seen_again, 60)
    assert _vouchers() == before
    assert _command("reconcile").returncode == 0


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_as_nobody_on_a_file_system_that_it_cannot_change(service: str) -> None:
    assert _inside(service, "id", "-u") == "10001"
    attempt = _compose("exec", "--no-TTY", service, "sh", "-c", "touch /app/x || touch /x", check=False)
    assert "Read-only file system" in attempt.stderr


@pytest.mark.parametrize("service", ["kafka", "postgres", *SERVICES])
def test_no_process_runs_as_root(service: str) -> None:
    container = _compose("ps", "--quiet", service).stdout.strip()
    users = {line.split()[0] for line in _docker("top", container, "-eo", "uid,pid").splitlines()[1:]}
    assert users
    assert "0" not in users


def test_logs_are_json_and_a_stop_is_graceful() -> None:
    containers = [_compose("ps", "--quiet", service).stdout.strip() for service in SERVICES]
    _compose("stop", "--timeout", "20", *SERVICES)
    codes = [_docker("inspect", "--format", "{{.State.ExitCode}}", container).strip() for container in containers]
    logs = [[json.loads(line) for line in _docker("logs", container).splitlines()] for container in containers]
    _compose("start", *SERVICES)
    assert codes == ["0"] * len(SERVICES)
    for lines in logs:
        assert {"serving", "stopping"} <= {line["event"] for line in lines}


def _given(file: Path, *words: str) -> None:
    """A command of ours with a file of this machine."""
    place = f"/given/{file.name}"
    _compose("run", "--rm", "--no-deps", "--no-TTY", "--volume", f"{file}:{place}:ro", "cli", *words, place)


async def _until_vouchers(number: int) -> None:
    async def posted() -> bool:
        query = "select count(*) from posting.vouchers"
        counted = await asyncio.to_thread(_inside, "postgres", "psql", "--username=postgres", "--dbname=intercompany", "-Atc", query)
        return int(counted) >= number

    await until(posted, 180)


@pytest.mark.long
async def test_a_stop_under_load_is_graceful_and_nothing_is_lost(tmp_path: Path) -> None:
    payments, before = 500, len(_vouchers())
    group, events = tmp_path / "group.yaml", tmp_path / "events.ndjson"
    content = intercompany_file(payments)
    group.write_text(json.dumps(content["group"]), encoding="utf-8")
    events.write_text("\n".join(map(json.dumps, content["events"])), encoding="utf-8")
    _given(group, "apply")
    _compose("stop", *SERVICES)
    _given(events, "publish")
    _compose("start", *SERVICES)
    await _until_vouchers(before + 1)
    _compose("stop", *SERVICES)
    ended = [json.loads(line) for line in _compose("ps", "--all", "--format", "json", *SERVICES).stdout.splitlines()]
    assert {each["Service"]: each["ExitCode"] for each in ended} == dict.fromkeys(SERVICES, 0)
    _compose("start", *SERVICES)
    await _until_vouchers(before + len(simulate(intercompany_payments(payments)).vouchers))
    _command("reconcile")


def test_the_image_holds_nothing_that_installs_or_builds() -> None:
    assert _inside("payment", "sh", "-c", "for tool in pip gcc make; do command -v $tool; done; true") == ""
    assert (
        _inside("payment", "python", "-c", "import importlib.util as u; print(u.find_spec('pip'), u.find_spec('setuptools'))")
        == "None None"
    )


def test_the_examples_of_the_image_are_those_of_the_checkout() -> None:
    inside = _compose("run", "--rm", "--no-deps", "--no-TTY", "--entrypoint", "find", "cli", "/scenarios", "-name", "*.yaml").stdout.split()
    assert {Path(path).name for path in inside} == {path.name for path in EXAMPLES.glob("*.yaml")}
