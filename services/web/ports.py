"""All that the API reaches beside HTTP: the services' schemas, the broker, the clock. The real ends, or a test's.

Invariant: routes reach the runtime through these alone; what may pass by itself (broker or database away) is said as such, with
when to try again, and nothing of it is kept here.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import asyncpg

from services.desk.reference import ReferenceKept
from services.desk.schemas import InquiryMissingError, SchemaMissingError
from services.web.problems import Code, ProblemError
from shared.delivery.ports import SystemClock
from shared.postgresql.migrations import MigrationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.desk.schemas import Schemas
    from shared.delivery.ports import Clock, Partition
    from shared.events.envelope import Record
    from shared.settings import Settings


_AWAY: Final = (
    *(OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError),
    *(asyncpg.InsufficientResourcesError, asyncpg.InvalidAuthorizationSpecificationError),
)
"""Errors of a database that is away, starting, stopping, or full. One that is a ValueError is of a value, not of the database."""


class EventSender(Protocol):
    """Sends records to the topics."""

    async def send(self, records: Sequence[Record]) -> None:
        """Returns once the broker has acknowledged all; ProblemError (broker-away, too-large) otherwise."""

    async def close(self) -> None:
        """Ends it."""


class LogEnds(Protocol):
    """Says where the topics end that inquiry reads."""

    async def ends(self) -> Mapping[Partition, int] | None:
        """The offset that the next record of each partition will get, true after it was asked for; None: the broker is away."""

    async def close(self) -> None:
        """Ends it."""


class NoEnds:
    """Where there is no broker to ask: how many records are still to be read is not said."""

    async def ends(self) -> None:
        """Not known."""

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class WebPorts:
    """What the routes use. `schemas`: the services' schemas, inquiry's too; `sender` and `ends`: the broker."""

    settings: Settings
    schemas: Schemas
    sender: EventSender
    clock: Clock = field(default_factory=SystemClock)
    ends: LogEnds = field(default_factory=NoEnds)
    simulating: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One simulation at a time: each folds whole cores in this process."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the process is to end: who waits for something is answered with what there is."""
    cache: dict[str, Any] = field(default_factory=dict)
    """What routes keep in memory for as long as the process lives, each under a name of its own."""

    @property
    def reference(self) -> ReferenceKept:
        """The reference data in force, of which only what has changed is read again."""
        kept: ReferenceKept = self.cache.setdefault("reference", ReferenceKept(self.schemas))
        return kept

    async def pause(self, seconds: float) -> None:
        """Lets time pass, less of it where the process is to end meanwhile."""
        ways = [asyncio.ensure_future(self.clock.sleep(seconds)), asyncio.ensure_future(self.stopping.wait())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()

    def is_over(self, until: float) -> bool:
        """Whether nobody is to wait any longer: the moment of the clock is reached, or the process is to end."""
        return self.stopping.is_set() or self.clock.monotonic() >= until

    def new_id(self) -> str:
        """An id for a request that has none."""
        return secrets.token_hex(16)

    def problem_of(self, error: Exception) -> ProblemError | None:
        """What an error of the database is to those who ask; None: a defect of ours."""
        if isinstance(error, InquiryMissingError):
            return ProblemError(Code.INQUIRY_BEHIND, "inquiry-missing")
        if isinstance(error, SchemaMissingError | MigrationError):
            return ProblemError(Code.DATABASE_AWAY, "schemas-missing")
        if isinstance(error, _AWAY) and not isinstance(error, ValueError):
            return ProblemError(Code.DATABASE_AWAY, "database")
        return None
