"""An HTTP server as a task of this process: it serves until it is cancelled.

Invariant: it leaves the signals to the process, since stopping is the process's affair, in its own order; cancelled, it lets what
is under way finish for as long as its configuration says, and closes its socket.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET: Final[dict[str, Any]] = {"access_log": False, "log_config": None}
"""Logs are set up by the process (shared.telemetry)."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


async def serve_http(config: uvicorn.Config) -> None:
    """Answers until cancelled."""
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True  # cancelled, it would leave its socket open
        await serving
