"""What is measured of the work that is left and of the books every few seconds, by the process of inquiry: metrics of the whole group.

Invariant: it reads alone; of much that waits it takes a tenth of the time at most; what is gone has no metric any more. Labels are
bounded: reasons and codes are the contract's, companies METRICS_COMPANIES at most.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from services.desk import rejections
from services.desk.refusal_states import RefusalState
from services.desk.schemas import Schemas
from services.desk.waiting import KEEPING, extents_of_waiting
from services.desk.work_lists import states_of
from services.inquiry.queries import measures
from shared import metrics
from shared.runtime.regularly import regularly

if TYPE_CHECKING:
    from shared.delivery.ports import Clock
    from shared.delivery.waiting_list import WaitingExtent
    from shared.runtime.retry import Runtime
    from shared.settings import Settings

EVERY: Final = 10.0
SELDOMEST: Final = 30.0
"""Seconds between two looks at most: what waits is not to go unseen because one look was held up."""
MOST_REFUSALS: Final = 2_000
"""The newest refusals, of which it is counted about how many nothing was done."""
WORK: Final = "work"
PERIOD: Final = "period"


async def look_regularly(settings: Settings, runtime: Runtime) -> None:
    """Looks until cancelled."""
    schemas = Schemas(settings)
    try:
        looking = Looking(schemas, runtime.clock, settings.metrics_companies)
        await regularly("what is left to do was not measured", looking.once, EVERY, runtime.clock, SELDOMEST)
    finally:
        await schemas.close()


class Looking:
    """The looks of one process."""

    def __init__(self, schemas: Schemas, clock: Clock, most_companies: int) -> None:
        self._schemas = schemas
        self._clock = clock
        self._most_companies = most_companies
        self._timed_to: int | None = None

    async def once(self) -> None:
        """One look."""
        begun = self._clock.monotonic()
        self._show_waiting({service: await extents_of_waiting(self._schemas, service) for service in KEEPING})
        await self._look_at_refusals()
        await self._look_at_books()
        metrics.CHECK_SECONDS.labels(WORK).set(self._clock.monotonic() - begun)
        metrics.CHECK_DONE.labels(WORK).set(self._clock.now().timestamp())

    def _show_waiting(self, found: dict[str, list[WaitingExtent]]) -> None:
        now = self._clock.now()
        numbers: Counter[tuple[str, str]] = Counter()
        oldest: dict[tuple[str, str], float] = {}
        holding: Counter[str] = Counter()
        for service, extents in found.items():
            for each in extents:
                labels = service, each.reason
                numbers[labels] += each.number
                oldest[labels] = max(oldest.get(labels, 0.0), (now - each.oldest).total_seconds())
                if each.reason == PERIOD and each.company is not None:
                    holding[each.company] += each.number
        metrics.WAITING.clear()
        metrics.WAITING_OLDEST.clear()
        for labels, number in numbers.items():
            metrics.WAITING.labels(*labels).set(number)
            metrics.WAITING_OLDEST.labels(*labels).set(oldest[labels])
        metrics.of_companies(metrics.PERIODS, holding, self._most_companies)

    async def _look_at_refusals(self) -> None:
        refused = await rejections.refused(self._schemas, limit=MOST_REFUSALS)
        states = await states_of(self._schemas, refused)
        codes = Counter(each.rejection.code for each in refused if states[each.id] is RefusalState.OPEN)
        metrics.REFUSALS_OPEN.clear()
        for code, number in codes.items():
            metrics.REFUSALS_OPEN.labels(code).set(number)

    async def _look_at_books(self) -> None:
        async with self._schemas.books() as connection:
            metrics.of_companies(metrics.PAIRS, await measures.pairs_that_differ(connection), self._most_companies)
            if self._timed_to is None:  # what was posted before this process began is not timed by it
                self._timed_to = await measures.last_position(connection)
            for each in await measures.timed(connection, self._timed_to):
                metrics.END_TO_END.labels(each.kind).observe(each.seconds)
                self._timed_to = max(self._timed_to, each.position)
