"""The documentation as `make docs` builds it, and the web service that shows it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.scenario_files import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def built(folder: Path) -> Path:
    """Builds the documentation into a folder; AssertionError with what MkDocs says where it warns of anything."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False)  # noqa: S603 - the project's own
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@contextmanager
def shown(folder: Path) -> Iterator[str]:
    """The address at which the web service shows the documentation of a folder; it has neither broker nor database."""
    import uvicorn  # noqa: PLC0415 - most tests need no server

    from shared.settings import Settings  # noqa: PLC0415
    from tests.builders.web import app_of, made_up_ports  # noqa: PLC0415

    app = app_of(made_up_ports(Settings(site_dir=folder)))
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, lifespan="off", log_config=None, access_log=False))
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    while not server.started:
        serving.join(0.05)
        assert serving.is_alive()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/docs/"
    finally:
        server.should_exit = True
        serving.join()
