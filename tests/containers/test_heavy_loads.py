"""Ordinary and hostile loads on docker-compose.yml with its own limits: all of it is taken, no service ever restarts.

Invariant: nothing of the limits is changed; GROWTH_SCALE scales the loads (CONTRIBUTING.md, "Growth"). With GROWTH_REPORT, a file,
each load starts with fresh processes, and its figures are added there as a row of a table.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from services.local.processes import free_port
from tests.containers.heavy_records import SEVERAL
from tests.containers.images import KAFKA_IMAGE, POSTGRES_IMAGE, PYTHON_IMAGE, ROOT
from tests.growth.loads import SCALE, sized

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = [pytest.mark.containers, pytest.mark.long]

PROJECT: Final = f"intercompany-heavy-{os.getpid()}"
WEB_PORT: Final = str(free_port())
"""Not the default: a system that someone runs on this machine keeps its own."""
SERVICES: Final = ("payment", "settlement", "posting")
LIMIT: Final = 256 * 1024 * 1024
REPORT: Final = os.environ.get("GROWTH_REPORT")
_MOUNTED: Final = "/checkout"
_WITHIN: Final = 1800
_LOOK_EVERY: Final = 0.5
_QUIET_WITHIN: Final = max(180.0, 900 * SCALE)
_COUNTS: Final = {
    "waiting": "select count(*) from settlement.waiting where event_id like '{}-%'",
    "documents": "select count(*) from settlement.documents where company = '{}'",
    "records": "select count(*) from settlement.records where lowering_company = '{}'",
    "vouchers": "select count(distinct document) from posting.vouchers where company = '{}' and run_id is null",
    "twice": "select count(*) - count(distinct document) from posting.vouchers where company = '{}' and run_id is null",
    "refused": "select count(*) from settlement.rejections where event like '{}-%'",
    "rates": "select count(*) from settlement.reference where type = 'exchange-rate.published'",
    "outbox": "(select count(*) from payment.outbox) + (select count(*) from settlement.outbox) + (select count(*) from posting.outbox)",
    "released": "(select count(*) from payment.released) + (select count(*) from settlement.released)",
    "failed": "(select count(*) from payment.failed) + (select count(*) from settlement.failed) + (select count(*) from posting.failed)",
}
_AS_MANY_WAITING: Final = """
insert into settlement.waiting (sequence, wakes, reserves, concerns, event_source, event_id, since, body)
select sequence + number, wakes, reserves, concerns, event_source, event_id || '-' || number, since,
replace(body::text, '"sequence":' || sequence, '"sequence":' || sequence + number)::json
from settlement.waiting, generate_series(1, {}) as number where event_id like 'WAITING-%';
select setval('settlement.arrivals', (select max(sequence) from settlement.waiting))"""
_MEMORY: Final = """
cat /sys/fs/cgroup/memory.peak 2>/dev/null || cat /sys/fs/cgroup/memory/memory.max_usage_in_bytes; grep VmHWM /proc/1/status"""
_METRICS: Final = "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:8080/metrics', timeout=5).read().decode())"
_COUNTED: Final = {
    "queries": "intercompany_queries_total",
    "passes": "intercompany_fold_passes_total",
    "batches": "intercompany_batch_seconds_count",
}


class Step(NamedTuple):
    """Events that are sent together, and what is there once they are taken."""

    part: str
    then: dict[str, int]


class Load(NamedTuple):
    """A load of a company of its own. `at_last`: what is there in the end, beside that no document has two vouchers."""

    name: str
    code: str
    number: int
    steps: tuple[Step, ...]
    at_last: dict[str, int]


def _loads() -> Iterator[Load]:
    number = sized(40_000, 800)
    yield Load(
        "invoices released by one company",
        "ONECOMPANY",
        number,
        (Step("party", {}), Step("open", {"waiting": number}), Step("company", {"documents": number})),
        {"vouchers": number, "waiting": 0},
    )
    yield Load(
        f"invoices released by {SEVERAL} parties",
        "PARTIES",
        number,
        (Step("company", {}), Step("many accounts", {"waiting": number}), Step("many parties", {"documents": number})),
        {"vouchers": number, "waiting": 0},
    )
    number = sized(600, 30)
    yield Load(
        "invoices of 1,000 lines",
        "LINES",
        number,
        (Step("known", {}), Step("thousand lines", {"documents": number})),
        {"vouchers": number},
    )
    yield Load(
        "invoices of 1,000 lines released by one company",
        "RELEASEDLINES",
        number,
        (Step("party", {}), Step("thousand lines", {"waiting": number}), Step("company", {"documents": number})),
        {"vouchers": number},
    )
    yield from _settled()
    yield from _refused()


def _settled() -> Iterator[Load]:
    number = sized(10_000, 200)
    yield Load(
        "marks of one payment",
        "MARKS",
        number,
        (Step("known", {}), Step("open", {"documents": number}), Step("one payment", {"documents": number + 1, "records": number})),
        {"vouchers": number + 1},
    )
    number = sized(2_000, 60)
    yield Load(
        "runs in a chain of reservations",
        "CHAIN",
        number,
        (Step("known", {}), Step("chain", {"documents": 2 * number, "waiting": number}), Step("first document", {"records": 2 * number})),
        {"vouchers": 2 * number + 1, "waiting": 0},
    )
    number = sized(4_000, 80)
    yield Load(
        "payments waiting for one invoice",
        "WAITINGFORONE",
        number,
        (Step("known", {}), Step("waiting for one", {"documents": number, "waiting": number}), Step("the one", {"records": number})),
        {"vouchers": number + 1, "waiting": 0},
    )
    number = sized(26_000, 520)
    yield Load(
        "open documents of one account with automatic settlement, half closed by one payment",
        "AUTOMATIC",
        number,
        (Step("automatic", {}), Step("open", {"documents": number}), Step("half", {"records": number // 2})),
        {"vouchers": number + 1},
    )


def _refused() -> Iterator[Load]:
    number = sized(1_000, 100)
    yield Load(
        "records that are no events before an invoice",
        "POISON",
        number,
        (Step("known", {}), Step("no events", {"documents": 1})),
        {"vouchers": 1},
    )
    number = sized(100_000, 2_000)
    yield Load("headers of each of ten records", "HEADERS", number, (Step("known", {}), Step("headers", {"documents": 1})), {"vouchers": 1})
    number = sized(10_000, 500)
    yield Load(
        "unknown fields of each of a hundred events",
        "FIELDS",
        number,
        (Step("known", {}), Step("fields", {"documents": 1})),
        {"vouchers": 1, "refused": 100},
    )


def _environment() -> dict[str, str]:
    images = {"KAFKA_IMAGE": KAFKA_IMAGE, "POSTGRES_IMAGE": POSTGRES_IMAGE, "PYTHON_IMAGE": PYTHON_IMAGE}
    return {**os.environ, **images, "COMPOSE_PROJECT_NAME": PROJECT, "INTERCOMPANY_IMAGE": f"intercompany:{PROJECT}", "WEB_PORT": WEB_PORT}


def _command(*words: str, files: Sequence[Path] = ()) -> list[str]:
    chosen = [word for file in ("docker-compose.yml", *files) for word in ("--file", str(file))]
    return ["docker", "compose", *chosen, *words]


def _compose(*words: str, check: bool = True, files: Sequence[Path] = ()) -> str:
    done = subprocess.run(  # noqa: S603 - our own words
        _command(*words, files=files),
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=_WITHIN,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stdout


def _docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=300)  # noqa: S603, S607 - our own words
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _containers(*services: str) -> list[str]:
    filters = ("--filter", f"label=com.docker.compose.project={PROJECT}", "--filter", "label=com.docker.compose.service={}")
    return [_docker("ps", "--all", "--quiet", *filters[:-1], filters[-1].format(service)).strip() for service in services]


def _inside(service: str, *words: str) -> str:
    return _docker("exec", *_containers(service), *words).strip()


def _psql(statement: str) -> str:
    return _inside("postgres", "psql", "--username=postgres", "--dbname=intercompany", "-Atc", statement)


class Producer:
    """A process in a container of the network, which sends what it is asked for: nothing is published outside."""

    def __init__(self) -> None:
        mounted = ("--volume", f"{ROOT}:{_MOUNTED}:ro", "--workdir", _MOUNTED, "--entrypoint", "python")
        command = _command("run", "--rm", "--no-deps", "--no-TTY", *mounted, "cli", "-m", "tests.containers.heavy_records")
        self._process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own words

    def send(self, part: str, code: str, number: int) -> None:
        """Sends events, and returns when the broker has them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{part}\t{code}\t{number}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "sent\n"

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate("\n", timeout=60)


@pytest.fixture(scope="module", autouse=True)
def system() -> Iterator[None]:
    """The whole system from a checkout; nothing of it is left at the end."""
    try:
        _compose("up", "--build", "--wait")
        yield
    finally:
        _compose("--profile", "cli", "down", "--volumes", "--timeout", "20", check=False)
        subprocess.run(["docker", "image", "rm", f"intercompany:{PROJECT}"], check=False, capture_output=True)  # noqa: S603, S607 - our own


@pytest.fixture(scope="module")
def producer() -> Iterator[Producer]:
    """One for all loads."""
    producer = Producer()
    yield producer
    producer.close()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """For a report the peaks of each load are its own."""
    if REPORT:
        _restart()


def _restart() -> None:
    """Stops the services in good order, and waits until they are ready again."""
    _docker("restart", "--time", "20", *_containers(*SERVICES))
    _compose("up", "--wait", "--no-recreate", "--no-deps", *SERVICES)


async def _until(then: dict[str, int], code: str) -> None:
    """Waits until these are counted, and until nothing is under way."""
    wanted, ends = {**then, "outbox": 0, "released": 0}, time.monotonic() + _QUIET_WITHIN
    while (found := await asyncio.to_thread(_counts, tuple(wanted), code)) != wanted:
        if time.monotonic() > ends:
            pytest.fail(f"after {_QUIET_WITHIN:.0f} s {found} in place of {wanted}; restarts and kills for memory: {_states()}")
        await asyncio.sleep(_LOOK_EVERY)


def _counts(names: Sequence[str], code: str) -> dict[str, int]:
    statement = " union all ".join(f"select '{name}', ({_COUNTS[name].format(code)})" for name in names)
    return {name: int(value) for name, value in (line.split("|") for line in _psql(statement).splitlines())}


def _states() -> dict[str, tuple[int, bool]]:
    """How often each container was restarted by the engine, and whether it was killed for memory."""
    found = json.loads(_docker("inspect", *_containers(*SERVICES, "kafka", "postgres")))
    return {each["Config"]["Labels"]["com.docker.compose.service"]: (each["RestartCount"], each["State"]["OOMKilled"]) for each in found}


def _peaks(service: str) -> tuple[int, int]:
    """The most bytes that a container, its files in memory included, and its process alone have held."""
    of_container, *of_process = _inside(service, "sh", "-c", _MEMORY).splitlines()
    return int(of_container), int(of_process[0].split()[1]) * 1024


def _counters(service: str) -> dict[str, int]:
    lines = _inside(service, "python", "-c", _METRICS).splitlines()
    return {
        name: int(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))) for name, metric in _COUNTED.items()
    }


def _report(name: str, number: int, seconds: float) -> None:
    """A row of the table: load, N, seconds, and of each service the container's and the process's peak in MiB, and its counters."""
    cells = [name, f"{number:,}", f"{seconds:.0f}"]
    for service in SERVICES:
        container, process = _peaks(service)
        counted = ", ".join(f"{value:,} {what}" for what, value in _counters(service).items())
        cells.append(f"{container / 2**20:.0f} / {process / 2**20:.0f} MiB; {counted}")
    with Path(REPORT or os.devnull).open("a", encoding="utf-8") as file:
        file.write(f"| {' | '.join(cells)} |\n")


def _assert_unharmed() -> None:
    assert _states() == dict.fromkeys((*SERVICES, "kafka", "postgres"), (0, False))
    for service in SERVICES:
        container, process = _peaks(service)
        assert max(container, process) <= LIMIT, (service, container, process)


@pytest.mark.parametrize("load", tuple(_loads()), ids=lambda load: load.name)
async def test_a_load_is_taken_whole_within_the_memory_of_the_compose_file(load: Load, producer: Producer) -> None:
    begin = time.monotonic()
    for part, then in load.steps:
        await asyncio.to_thread(producer.send, part, load.code, load.number)
        await _until(then, load.code)
    await _until(load.at_last, load.code)
    seconds = time.monotonic() - begin
    assert _counts(("twice", "failed"), load.code) == {"twice": 0, "failed": 0}
    _report(load.name, load.number, seconds)
    _assert_unharmed()


async def test_a_start_with_many_rates_of_one_pair_and_many_events_that_wait_stays_within_the_memory(producer: Producer) -> None:
    rates, waiting = sized(16_000, 320), sized(1_000_000, 20_000)
    await asyncio.to_thread(producer.send, "rates", "STARTED", rates)
    await asyncio.to_thread(producer.send, "one that waits", "WAITING", 1)
    await _until({"rates": rates, "waiting": 1}, "WAITING")
    _psql(_AS_MANY_WAITING.format(waiting - 1))
    begin = time.monotonic()
    _restart()
    await asyncio.to_thread(producer.send, "one invoice", "STARTED", 1)
    await _until({"vouchers": 1}, "STARTED")
    _report("events that wait at a start", waiting, time.monotonic() - begin)
    assert _counts(("waiting",), "WAITING") == {"waiting": waiting}
    _assert_unharmed()
    _psql("truncate settlement.waiting")  # nothing else waits; to delete row by row meets the rows that are marked as announced


async def test_waits_that_expire_are_given_up_within_the_memory(tmp_path: Path, producer: Producer) -> None:
    number = sized(100_000, 2_000)
    await asyncio.to_thread(producer.send, "open", "EXPIRED", number)
    await _until({"waiting": number}, "EXPIRED")
    expiring = tmp_path / "expiring.yml"
    expiring.write_text("services: {settlement: {environment: {WAIT_AT_MOST: PT1S}}}\n", encoding="utf-8")
    begin = time.monotonic()
    _compose("up", "--wait", "settlement", files=[expiring])
    await _until({"waiting": 0, "refused": number}, "EXPIRED")
    _report("waits that expire", number, time.monotonic() - begin)
    _assert_unharmed()
