"""The comparison of the services' books that is made without anybody asking: every CHECK_EVERY, by the process of inquiry.

Invariant: it reads and mends nothing; one instance compares at a time; of large books it takes a tenth of the time at most; its
result is kept for all who ask, and shown in metrics by whichever instance looks. That it cannot be made keeps nobody from posting: it is
logged, and its metric grows old.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import structlog

from services.desk.inquiry_check import check_inquiry
from services.desk.last_checks import identity_row
from services.desk.reconciliation import reconcile
from services.desk.schemas import Schemas
from services.inquiry.queries.compared import KeptComparison, compares_alone, keep_comparison, last_comparison
from services.registry import INQUIRY
from shared.metrics import CHECK_DONE, CHECK_EVERY, CHECK_FAILING, CHECK_PROBLEMS, CHECK_SECONDS
from shared.runtime.regularly import regularly

if TYPE_CHECKING:
    from shared.delivery.ports import Clock
    from shared.runtime.retry import Runtime
    from shared.settings import Settings

log = structlog.get_logger(__name__)

Row = dict[str, Any]

RECONCILE: Final = "reconcile"
IDENTITIES: Final = "inquiry"
_LOCKED_WITHIN: Final = 60.0
OFTENEST: Final = 1.0
"""Seconds between two of them at least: a database that is away is not to be asked without a pause."""
FIRST_AFTER: Final = 60.0
"""Seconds that a process has for what it has missed before it compares anything."""


async def check_regularly(settings: Settings, runtime: Runtime) -> None:
    """Compares until cancelled; not at all with CHECK_EVERY=0."""
    every = settings.check_every.total_seconds()
    for name in (RECONCILE, IDENTITIES):
        CHECK_EVERY.labels(name).set(every)
    if not every:
        return
    schemas = Schemas(settings)
    try:
        comparing = Comparing(schemas, runtime.clock, every)
        with suppress(Exception):  # it is shown, or said, with the first comparison
            await comparing.show_last()
        await runtime.clock.sleep(min(FIRST_AFTER, max(every, OFTENEST)))
        await regularly("the books were not compared", comparing.once, max(every, OFTENEST), runtime.clock)
    finally:
        await schemas.close()


class Comparing:
    """The comparisons of one process, one every so many seconds among all instances."""

    def __init__(self, schemas: Schemas, clock: Clock, every: float) -> None:
        self._schemas = schemas
        self._clock = clock
        self._every = every

    async def once(self) -> None:
        """Makes one, unless another instance has just done so or does so now; shows the last."""
        async with self._schemas.inquiry_session() as session:
            async with self._clock.timeout(_LOCKED_WITHIN):
                is_alone = await compares_alone(session)
            last = await self._last()
            if is_alone and (last is None or (self._clock.now() - last.began_at).total_seconds() >= self._every):
                last = await self._compare(last)
                async with self._schemas.of(INQUIRY.name) as connection:
                    await keep_comparison(connection, last)
        _show(last)

    async def show_last(self) -> None:
        """Shows what was found before this process began: that the books disagree is not forgotten because it restarts."""
        _show(await self._last())

    async def _last(self) -> KeptComparison | None:
        async with self._schemas.of(INQUIRY.name) as connection:
            return await last_comparison(connection)

    async def _compare(self, before: KeptComparison | None) -> KeptComparison:
        began_at = self._clock.now()
        begun = self._clock.monotonic()
        found = await reconcile(self._schemas)
        between = self._clock.monotonic()
        identities = await check_inquiry(self._schemas)
        ended = self._clock.monotonic()
        places = {
            RECONCILE: sum(len(each.problems) + each.more for each in found),
            IDENTITIES: sum(len(each.problems) for each in identities if not each.holds),
        }
        rows = {RECONCILE: [each.as_row() for each in found], IDENTITIES: [identity_row(each) for each in identities]}
        seconds = {RECONCILE: between - begun, IDENTITIES: ended - between}
        runs: dict[str, Row] = {
            name: {
                "seconds": round(seconds[name], 3),
                "places": places[name],
                "failing": _failing(before, name) + 1 if places[name] else 0,
                "checks": rows[name],
            }
            for name in rows
        }
        return KeptComparison(began_at, self._clock.now(), runs)


def _failing(before: KeptComparison | None, name: str) -> int:
    """How many comparisons one after the other have found something, before this one."""
    return 0 if before is None else int(before.runs[name]["failing"])


def _show(last: KeptComparison | None) -> None:
    if last is None:
        return
    for name, run in last.runs.items():
        CHECK_PROBLEMS.labels(name).set(run["places"])
        CHECK_FAILING.labels(name).set(run["failing"])
        CHECK_SECONDS.labels(name).set(run["seconds"])
        CHECK_DONE.labels(name).set(last.ended_at.timestamp())
