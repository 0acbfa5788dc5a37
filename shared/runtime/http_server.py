"""An HTTP server as a task of this process: it serves until it is cancelled.

Invariant: it leaves the signals to the process, since stopping is the process's affair, in its own order; cancelled, it lets what
is under way finish for as long as its configuration says, and closes its socket; no client keeps a connection by sending nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

QUIET: Final[dict[str, Any]] = {"access_log": False, "log_config": None}
"""Logs are set up by the process (shared.telemetry)."""


HEADERS_WITHIN: Final = 20.0
"""Seconds in which a request's headers have to be here."""
BODY_WITHIN: Final = 30.0
"""Seconds in which a request's body has to be here."""
MOST_CONNECTIONS: Final = 1_000
"""Connections of one process; whoever comes then is answered 503."""


class TimelyProtocol(H11Protocol):
    """A connection that is closed where no whole request comes: uvicorn itself waits for ever for headers that were begun."""

    within = HEADERS_WITHIN

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begins to look at what comes."""
        super().connection_made(transport)
        self._seen: Any = None
        self._looking = self.loop.call_later(self.within, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing to look at any more."""
        self._looking.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Closes the connection if no request is under way and none has come since it was looked at last."""
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.cycle is self._seen:
            self.transport.close()
            return
        self._seen = self.cycle
        self._looking = self.loop.call_later(self.within, self._look)


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
