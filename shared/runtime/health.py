"""Liveness, readiness and metrics over HTTP, on HEALTH_PORT.

Invariant: `/live` answers while the event loop turns; `/ready` is 200 only if this process would take a message
that comes now: its consumers have joined and the broker has answered lately, the database answers, no batch hangs,
what was decided goes out, and no message was put aside in `failed`. A broker that answers a ping does not prove that:
a consumer may be without partitions, or stuck. The body lists what is wrong, one reason a line; a topic that is not being read
is named.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from faststream.asgi import AsgiFastStream, AsgiResponse, get
from prometheus_client import make_asgi_app

from shared.delivery.housekeeping import FRESH_MINUTES
from shared.runtime.http_server import QUIET, serve_http

if TYPE_CHECKING:
    from faststream.asgi.types import ASGIApp

    from shared.delivery.batch import Delivery
    from shared.delivery.housekeeping import Housekeeping
    from shared.delivery.ports import Consumers, Partition
    from shared.settings import Settings

LONGEST_SILENCE: Final = 15.0
"""Seconds since the broker's last answer; a fetch waits half a second at most."""
LONGEST_BATCH: Final = 60.0
LONGEST_OUTBOX: Final = 30.0
_DATABASE_WITHIN: Final = 3.0
BROKERS_WORK: Final = frozenset({"topics", "consumers"})
"""What a service does at its start with the broker alone."""
KEPT_FOR: Final = 1.0
"""Seconds for which an answer serves all who ask: the database's connections are for batches."""


class Readiness:
    """What stands in the way of the next message."""

    def __init__(self, delivery: Delivery, housekeeping: Housekeeping, consumers: Consumers) -> None:
        self._delivery = delivery
        self._housekeeping = housekeeping
        self._consumers = consumers
        self.started = False
        self.database_is_away = False
        self.broker_is_away = False
        self._looking = asyncio.Lock()
        self._asked: dict[Partition, float] = {}
        """Since when the broker has been asked about a partition."""
        self._kept: tuple[float, list[str]] | None = None

    async def kept_reasons(self) -> list[str]:
        """The reasons as they were at most KEPT_FOR ago: however many ask, there is one look a second."""
        async with self._looking:
            now = self._delivery.runtime.clock.monotonic()
            if self._kept is None or now - self._kept[0] >= KEPT_FOR:
                self._kept = now, await self.reasons()
            return self._kept[1]

    async def reasons(self) -> list[str]:
        """Why the service is not ready; empty: it is."""
        runtime = self._delivery.runtime
        reasons = [f"{what}: {trouble.error}" for what, trouble in runtime.troubles.open.items()]
        reasons += self._of_consumers(runtime.clock.now().timestamp() * 1000)
        now = runtime.clock.monotonic()
        reasons += [f"a batch takes {now - since:.0f} s" for since in self._delivery.busy_since.values() if now - since > LONGEST_BATCH]
        if self._housekeeping.outbox_age > LONGEST_OUTBOX:
            reasons.append(f"the oldest batch has waited {self._housekeeping.outbox_age:.0f} s for the broker")
        if self._housekeeping.failed_lately:
            reasons.append(
                f"{self._housekeeping.failed_lately} messages were put into the table failed in the last {FRESH_MINUTES} minutes"
            )
        return [*reasons, *self._housekeeping.gaps, *await self._database()]

    def _of_consumers(self, now_ms: float) -> list[str]:
        self.broker_is_away = not self.started and bool(BROKERS_WORK & self._delivery.runtime.troubles.open.keys())
        if not self.started:
            return ["the consumers have not started"]
        if not self._consumers.each[-1].assigned:
            return ["no partition is assigned: the group is being balanced, or there are more instances than partitions"]
        missing = [f"{topic}: the broker has no such topic, or does not show it" for each in self._consumers.each for topic in each.missing]
        return [*missing, *self._silences(now_ms)]

    def _silences(self, now_ms: float) -> list[str]:
        """Which topics are not being read, and for how long the broker has said nothing of them."""
        polled = {place: time for each in self._consumers.each for place, time in each.polled_ms().items()}
        self._asked = {place: self._asked.get(place, now_ms) for place in polled}
        seconds = {place: (now_ms - (self._asked[place] if time is None else time)) / 1000 for place, time in polled.items()}
        silent = {place: silence for place, silence in seconds.items() if silence > LONGEST_SILENCE}
        if silent and len(silent) == len(polled):
            self.broker_is_away = True
            return [f"the broker has not answered for {min(silent.values()):.0f} s"]
        topics: dict[str, list[Partition]] = {}
        for place in sorted(silent):
            topics.setdefault(place.topic, []).append(place)
        return [
            f"{topic}: the broker has not answered for {min(silent[place] for place in places):.0f} s"
            f" about partition {', '.join(str(place.number) for place in places)}"
            for topic, places in topics.items()
        ]

    async def _database(self) -> list[str]:
        try:
            async with self._delivery.runtime.clock.timeout(_DATABASE_WITHIN), self._delivery.database.transaction() as connection:
                await connection.execute("select 1")
            self.database_is_away = False
        except Exception as error:  # noqa: BLE001 - whatever it is, the next message would not be taken
            self.database_is_away = True
            return [f"the database: {type(error).__name__}"]
        return []


def health_app(readiness: Readiness) -> ASGIApp:
    """`/live`, `/ready`, `/metrics`."""

    @get
    async def live(scope: Any) -> AsgiResponse:  # noqa: ARG001
        return AsgiResponse(b"live\n")

    @get
    async def ready(scope: Any) -> AsgiResponse:  # noqa: ARG001
        reasons = await readiness.kept_reasons()
        return AsgiResponse("\n".join([*reasons, ""]).encode() if reasons else b"ready\n", 503 if reasons else 200)

    app: ASGIApp = AsgiFastStream(asgi_routes=[("/live", live), ("/ready", ready), ("/metrics", make_asgi_app())])
    return app


async def serve_health(app: ASGIApp, settings: Settings) -> None:
    """Answers until cancelled; nothing if HEALTH_PORT is 0."""
    if settings.health_port:
        await serve_http(
            uvicorn.Config(app, settings.health_host, settings.health_port, lifespan="off", timeout_graceful_shutdown=1, **QUIET)
        )
