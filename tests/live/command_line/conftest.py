"""An `up` for all commands of a file that are tried beside it: even idle it takes half a processor, so it stops with the file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.builders.shell import PATIENCE, Shell
from tests.scenario_files import IC_4

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """`up` with the group of ic-4 applied and its events published; afterwards nothing of it is left."""
    with TemporaryDirectory(prefix="up-") as folder, (Path(folder) / "up.log").open("wb") as log:
        environment = {**os.environ, "DATA_DIR": folder, "KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", "NAMESPACE": ""}
        command = [sys.executable, "-m", "services.command_line.main", "up"]
        up = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 - our own command
        shell = Shell(Path(folder))
        try:
            shell.until(lambda: "Everything is running" in (Path(folder) / "up.log").read_text())
            shell.run("apply", IC_4)
            shell.publish(*yaml.safe_load(IC_4.read_text())["events"])
            shell.until(lambda: len(shell.rows("vouchers")) == 7)
            yield shell
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(PATIENCE)
        assert up.returncode == 0
        assert "Stopping" in (Path(folder) / "up.log").read_text()
        assert _processes_with(folder) == []


def _processes_with(text: str) -> list[str]:
    """Commands of processes that have a text in their arguments or environment, other than this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            content = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in content and process.name != str(os.getpid()):
            found.append(content.decode(errors="replace"))
    return found
