"""`up --demo`: the demo's payment is posted and the address is printed at which a browser sees it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.builders.shell import PATIENCE, Shell

pytestmark = pytest.mark.embedded


def test_up_posts_the_demo_on_request_and_prints_where_it_is_looked_at(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "data"), "KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", "NAMESPACE": ""}
    command = [sys.executable, "-m", "services.command_line.main", "up", "--demo"]
    with log.open("wb") as output:
        up = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603 - our own command
        try:
            shell = Shell(tmp_path / "data")
            shell.until(lambda: "Everything is running" in log.read_text())
            console, payment = re.findall(r"(?:The console, for people|The demo's payment): +(http://\S+)", log.read_text())
            assert payment.startswith(console)
            shell.until(lambda: "AP-SET-000001" in httpx.get(payment, timeout=PATIENCE, headers={"accept": "text/html"}).text)
            assert "Overview" in httpx.get(console, timeout=PATIENCE, headers={"accept": "text/html"}).text
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(PATIENCE)
    assert up.returncode == 0
