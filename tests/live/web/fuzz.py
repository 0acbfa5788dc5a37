"""schemathesis with every check against the HTTP API of a stack of its own, with ic-4 in its books (`make fuzz`); it is no test.

Invariant: the API that is asked is a process as `intercompany up` starts it, on a real broker and database; what is accepted is said
in schemathesis.toml alone.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.scenario_files import IC_4, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "services.command_line.main")
WITHIN = 90.0


@contextmanager
def started() -> Iterator[str]:
    """The address of the API of a stack that lasts as long as the context."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        environment = {**os.environ, "DATA_DIR": name, "KAFKA_BOOTSTRAP_SERVERS": "", "DATABASE_URL": "", "NAMESPACE": ""}
        with (folder / "up.log").open("wb") as log:
            up = subprocess.Popen((*COMMAND, "up"), env=environment, stdout=log, stderr=log, cwd=ROOT)  # noqa: S603 - our own command
        try:
            address = _address(folder / "up.log", up)
            for command in ("apply", "publish"):
                subprocess.run((*COMMAND, command, str(IC_4)), env=environment, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
            yield address
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


def _address(log: Path, up: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + WITHIN
    while time.monotonic() < until and up.poll() is None:
        found = re.search(r"The HTTP API, for programs: +(\S+)/v1 ", log.read_text())
        if found:
            return found[1]
        time.sleep(0.2)
    msg = f"the stack did not come up: {log.read_text()}"
    raise RuntimeError(msg)


def fuzz(address: str, examples: int, *more: str) -> int:
    """Runs schemathesis, with more options; its exit code: 0 where nothing is found."""
    schemathesis = Path(sys.executable).with_name("schemathesis")
    command = (str(schemathesis), "run", f"{address}/openapi.json", "--checks", "all", "--max-examples", str(examples), *more)
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode  # noqa: S603


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--examples", type=int, default=50, help="of each operation")
    given, options = parser.parse_known_args()
    with started() as api:
        sys.exit(fuzz(api, given.examples, *options))
