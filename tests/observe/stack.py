"""The product as it runs, with a real Prometheus that scrapes it every second and looks at the alerts, shortened."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import httpx
import yaml
from typer.testing import CliRunner, Result

from services.command_line.main import app
from services.local.processes import PROGRAMS, free_port
from tests.live.delivery.backing_services import Broker, Cluster
from tests.observe.receiver import Receiver
from tests.observe.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

NAMES: Final = ("payment", "settlement", "posting", "inquiry", "web")
PATIENCE: Final = 90.0
SHORTER: Final = {
    "4 * 3600": "3",
    "> 3600": "> 25",
    "> 300": "> 3",
    "> 60": "> 3",
    "[5m]": "[20s]",
    "[15m]": "[20s]",
    "[1h]": "[20s]",
}
"""What stands in the rules, and what in its place is short enough for a test; what is held for minutes there is held for a second."""


def shortened() -> dict[str, Any]:
    """The alerts, so that they fire and clear within seconds."""
    groups: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    for rule in groups["groups"][0]["rules"]:
        for long, short in SHORTER.items():
            rule["expr"] = rule["expr"].replace(long, short)
        if "for" in rule:
            rule["for"] = "1s"
    return groups


class Stack:
    """Broker, database, the five processes and Prometheus, each of which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Broker()
        self.cluster = Cluster(folder / "database")
        self.receiver = Receiver()
        self.ports = {name: free_port() for name in (*NAMES, "http", "prometheus")}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.address,
            "DATABASE_URL": self.cluster.url,
            "IDEMPOTENT_PRODUCER": "false",
            "FETCH_MAX_WAIT_MS": "20",
            "SESSION_TIMEOUT_MS": "6000",
            "HEARTBEAT_INTERVAL_MS": "1000",
            "CHECK_EVERY": "PT3S",
            "ANNOUNCE_WAITS_AFTER": "PT25S",
            "HTTP_PORT": str(self.ports["http"]),
            "HEALTH_HOST": "127.0.0.1",
            "LOG_FORMAT": "json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.address,
            "OTEL_BSP_SCHEDULE_DELAY": "300",
            "NAMESPACE": "",
        }

    def start(self) -> None:
        """Starts everything."""
        self.broker.start()
        for name in NAMES:
            self.run(name)
        for name in NAMES:
            self.until(lambda name=name: self.get(name, "ready").status_code == 200)  # type: ignore[misc]
        self._start_prometheus()

    def close(self) -> None:
        """Ends everything."""
        for name in list(self._running):
            self.end(name)
        self.broker.kill()
        self.cluster.close()
        self.receiver.close()

    def run(self, name: str) -> None:
        """Starts a process of the product."""
        command = [sys.executable, "-m", PROGRAMS.get(name, f"services.{name}")]
        self._open(name, command, {**self.environment, "HEALTH_PORT": str(self.ports[name])})

    def end(self, name: str) -> None:
        """Stops a process in good order."""
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _open(self, name: str, command: list[str], more: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(command, env={**os.environ, **more}, stdout=log, stderr=log)  # noqa: S603 - our own words

    def get(self, name: str, path: str) -> httpx.Response:
        """What a process answers."""
        return httpx.get(f"http://127.0.0.1:{self.ports[name]}/{path}", timeout=10)

    def until_shown(self, expression: str) -> None:
        """Waits until Prometheus has a series for an expression."""
        self.until(lambda: self.query(expression), expression)

    def until(self, holds: Callable[[], Any], what: str = "", within: float = PATIENCE) -> float:
        """Waits until something holds; gives the seconds that it took. Asking may fail meanwhile."""
        begun = time.monotonic()
        while True:
            try:
                if holds():
                    return time.monotonic() - begun
            except httpx.HTTPError:
                pass
            assert time.monotonic() - begun < within, f"it does not come to hold: {what}"
            time.sleep(0.1)

    # Prometheus

    def _start_prometheus(self) -> None:
        (self.folder / "alerts.yml").write_text(yaml.safe_dump(shortened()))
        targets = [{"targets": [f"127.0.0.1:{self.ports[name]}"]} for name in NAMES]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self.folder / "alerts.yml")],
            "scrape_configs": [{"job_name": "intercompany", "static_configs": targets}],
        }
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        address = f"127.0.0.1:{self.ports['prometheus']}"
        data = f"--storage.tsdb.path={self.folder / 'prometheus'}"
        file = f"--config.file={self.folder / 'prometheus.yml'}"
        self._open("prometheus", ["prometheus", file, data, f"--web.listen-address={address}"], {})
        self.until(lambda: len(self.query('up{job="intercompany"} == 1')) == len(NAMES))

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now."""
        answer = httpx.get(f"http://127.0.0.1:{self.ports['prometheus']}/api/v1/query", params={"query": expression}, timeout=10)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return found

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {each["metric"]["alertname"] for each in self.query('ALERTS{alertstate="firing"}')}

    def until_firing(self, names: Iterable[str]) -> dict[str, float]:
        """Waits until these alerts have fired; gives the seconds of each."""
        return self._until_each(set(names), lambda name, firing: name in firing)

    def until_clear(self, names: Iterable[str]) -> dict[str, float]:
        """Waits until these alerts fire no more."""
        return self._until_each(set(names), lambda name, firing: name not in firing)

    def _until_each(self, left: set[str], holds: Callable[[str, set[str]], bool]) -> dict[str, float]:
        begun, found = time.monotonic(), dict[str, float]()
        while left:
            firing = self.firing()
            found |= {name: time.monotonic() - begun for name in left if holds(name, firing)}
            left = left - found.keys()
            assert time.monotonic() - begun < PATIENCE, (left, firing)
            time.sleep(0.2)
        return found

    # What people do

    def command(self, *arguments: str) -> Result:
        """A command of the product beside it."""
        more = {**self.environment, "DATA_DIR": str(self.folder)}
        return CliRunner(env=more).invoke(app, list(arguments))

    def publish(self, *events: dict[str, Any]) -> None:
        """Sends events."""
        file = self.folder / "events.yaml"
        file.write_text(yaml.safe_dump(list(events)))
        result = self.command("publish", str(file))
        assert result.exit_code == 0, result.output

    def close_period(self, id_: str, first: str, last: str, company: str = "FABW") -> None:
        """Closes a period; returns once the settlement service knows: what comes on other topics does not wait for it."""
        self.publish({"id": id_, "type": "period.closed", "company": company, "from": first, "to": last})
        known = f"select exists (select from settlement.reference where type = 'period.closed' and data::text like '%{last}%')"  # noqa: S608
        self.until(lambda: asyncio.run(self._value(known)), f"{id_} is known")

    async def _value(self, query: str) -> Any:
        connection = await asyncpg.connect(self.cluster.url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    @contextmanager
    def transaction(self, *statements: str) -> Iterator[None]:
        """Somebody does something in the database behind the services' backs, in a transaction that lasts as long as the context."""
        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(self.cluster.url))
            try:
                runner.run(connection.execute("begin; " + "; ".join(statements)))
                yield
                runner.run(connection.execute("commit"))
            finally:
                runner.run(connection.close())
