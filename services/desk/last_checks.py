"""The last comparison of the services' books with each other and with inquiry's: it reads them whole, so it is made seldom.

Invariant: however many ask, there is one comparison at a time, and between two of them there is a minute at least, and ten times what
the last one took: of large books it takes a tenth of the time at most. Whoever asks meanwhile is told what the last one found, when that
was, and when the next one may be made. What the process of inquiry has found meanwhile (regular_checks.py) counts as made here.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from services.desk.inquiry_check import check_inquiry
from services.desk.reconciliation import reconcile
from services.desk.schemas import SchemaMissingError
from services.inquiry.queries.compared import last_comparison
from services.registry import INQUIRY
from shared.runtime.regularly import TIMES

if TYPE_CHECKING:
    from datetime import datetime

    from services.desk.schemas import Schemas
    from services.inquiry.checks import IdentityCheck
    from shared.delivery.ports import Clock

Row = dict[str, Any]

AGAIN_AFTER: Final = 60.0
"""Seconds from the end of one comparison to the beginning of the next, at least."""
WAITED_FOR: Final = 4.0
"""Seconds that somebody who asks waits for one at most."""


@dataclass(frozen=True, slots=True)
class LastChecks:
    """What was found: when it was begun, how many seconds it took, and the checks; those of inquiry where it is there.

    `next_at`: from when on who asks has the next one made.
    """

    began_at: datetime
    seconds: float
    checks: list[Row]
    next_at: datetime

    @property
    def hold(self) -> bool:
        """Whether all of them hold."""
        return all(check["holds"] for check in self.checks)


@dataclass(slots=True)
class Checking:
    """The comparisons of a process."""

    schemas: Schemas
    clock: Clock
    last: LastChecks | None = None
    _next: float = -math.inf
    _running: asyncio.Task[None] | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._running is not None

    async def checks(self) -> LastChecks | None:
        """The last one, a new one if that is long enough ago; None: the first one is still under way.

        It raises what one has failed with, once; the next who asks begins again.
        """
        async with self._turn:
            await self._take_over()
            if self._running is None and self.clock.monotonic() >= self._next:
                self._running = asyncio.ensure_future(self._run())
            running = self._running
        if running is not None:
            await asyncio.wait({running}, timeout=WAITED_FOR)
            if running.done():
                if self._running is running:
                    self._running = None
                running.result()
        return self.last

    async def known(self) -> LastChecks | None:
        """The last one, whoever made it; None is made."""
        async with self._turn:
            await self._take_over()
        return self.last

    async def _take_over(self) -> None:
        """Has what inquiry's process found as the last, if it is later; where its table cannot be read there is nothing."""
        with suppress(SchemaMissingError, asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
            async with self.schemas.of(INQUIRY.name) as connection:
                kept = await last_comparison(connection)
            if kept is not None and (self.last is None or kept.began_at > self.last.began_at):
                seconds = (kept.ended_at - kept.began_at).total_seconds()
                next_at = kept.ended_at + timedelta(seconds=max(AGAIN_AFTER, TIMES * seconds))
                self.last = LastChecks(kept.began_at, seconds, [check for run in kept.runs.values() for check in run["checks"]], next_at)
                self._next = self.clock.monotonic() + (next_at - self.clock.now()).total_seconds()

    async def _run(self) -> None:
        began_at, began = self.clock.now(), self.clock.monotonic()
        checks = [check.as_row() for check in await reconcile(self.schemas)]
        try:
            found = await check_inquiry(self.schemas)
        except SchemaMissingError:
            found = []
        checks += [identity_row(check) for check in found]
        ended = self.clock.monotonic()
        wait = max(AGAIN_AFTER, TIMES * (ended - began))
        self._next = ended + wait
        self.last = LastChecks(began_at, ended - began, checks, self.clock.now() + timedelta(seconds=wait))

    async def close(self) -> None:
        """Ends one that is under way."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})


def identity_row(check: IdentityCheck) -> Row:
    """A check of inquiry's as the others are shown."""
    problems = [_in_words(each) for each in check.problems]
    compared = "inquiry, while something is under way" if check.under_way and check.problems else "inquiry"
    return {"check": f"inquiry: {check.name}", "compared": compared, "holds": check.holds, "problems": problems}


def _in_words(problem: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in problem.items()) if isinstance(problem, dict) else str(problem)
