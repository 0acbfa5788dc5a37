"""What a service's process says of itself in metrics every few seconds: whether it is ready, what is away, how far it is behind.

Invariant: nothing is asked for this but what readiness asks; where the process hangs the metrics stand still, and Prometheus sees
that by `up`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.metrics import AWAY, BEHIND, LAG, LAG_SECONDS, READY
from shared.runtime.regularly import regularly
from shared.settings import INQUIRY

if TYPE_CHECKING:
    from shared.delivery.ports import Clock, Consumers
    from shared.delivery.read_positions import Lag, ReadPositions
    from shared.runtime.health import Readiness

EVERY: Final = 2.0
BROKER: Final = "broker"
DATABASE: Final = "database"


class Measuring:
    """The metrics of one service that are looked at, not counted."""

    def __init__(self, service: str, readiness: Readiness, positions: ReadPositions, consumers: Consumers, clock: Clock) -> None:
        self._service = service
        self._readiness = readiness
        self._positions = positions
        self._consumers = consumers
        self._clock = clock
        self._topics: set[str] = set()

    async def run(self) -> None:
        """Looks until cancelled; what goes wrong with it is logged, and stops nothing."""
        await regularly("the metrics of this service were not measured", self.once, EVERY, self._clock, longest=EVERY)

    async def once(self) -> None:
        """One look."""
        reasons = await self._readiness.kept_reasons()
        READY.labels(self._service).set(not reasons)
        for part, is_away in ((BROKER, self._readiness.broker_is_away), (DATABASE, self._readiness.database_is_away)):
            AWAY.labels(self._service, part).set(is_away)
        self._measure_lags()

    def _measure_lags(self) -> None:
        ends = {place: end for each in self._consumers.each for place, end in each.ends().items()}
        lags: dict[str, Lag] = self._positions.lags(ends, self._clock.now().timestamp() * 1000)
        for topic, lag in lags.items():
            LAG.labels(self._service, topic).set(lag.records)
            LAG_SECONDS.labels(self._service, topic).set(lag.seconds)
        for gone in self._topics - lags.keys():  # another instance reads it now
            LAG.remove(self._service, gone)
            LAG_SECONDS.remove(self._service, gone)
        self._topics = set(lags)
        if self._service == INQUIRY:
            BEHIND.labels(self._service).set(max((lag.seconds for lag in lags.values()), default=0.0))
