"""A shell beside that of `up`, and what a live test does in it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from typer.testing import CliRunner, Result

from services.command_line.main import app
from shared.embedded import running_backing_services

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0


class Shell:
    """Another shell than that of `up`: it finds the parts by DATA_DIR."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner(env={"DATA_DIR": str(folder), "KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", "NAMESPACE": ""})

    def run(self, *arguments: str | Path) -> Result:
        return self._runner.invoke(app, [str(argument) for argument in arguments])

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        result = self.run(*arguments, "--json")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return [orjson.loads(line) for line in result.stdout.splitlines()]

    def rebuilt(self) -> list[dict[str, Any]]:
        """`inquiry rebuild` as a process of its own: it says what it logs, and runs a service."""
        command = [sys.executable, "-m", "services.command_line.main", "inquiry", "rebuild", "--json"]
        environment = {**os.environ, "DATA_DIR": str(self.folder), "KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", "NAMESPACE": ""}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own
        assert (done.returncode, done.stderr) == (0, "")
        return [orjson.loads(line) for line in done.stdout.splitlines()]

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.3)

    def execute(self, statements: str) -> None:
        """Statements on the database, behind the services' backs."""
        parts = running_backing_services(self.folder)
        assert parts is not None

        async def execute() -> None:
            connection = await asyncpg.connect(parts.database_url)
            await connection.execute(statements)
            await connection.close()

        asyncio.run(execute())

    def publish(self, *events: dict[str, Any]) -> Result:
        path = self.folder / "events.ndjson"
        path.write_text("".join(json.dumps(event) + "\n" for event in events))
        return self.run("publish", path)
