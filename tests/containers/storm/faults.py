"""What a storm does to the parts: each fault is drawn with what it is done to and for how long, begins, and ends.

Invariant: after `end` the part is as it was before `begin`, as far as the fault had a hand in it; faults of the same turn never
overlap. What is drawn follows from the random numbers alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self

from tests.containers.storm.stage import BROKER, SERVICES, SESSION, STOPS_WITHIN
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from random import Random

    from tests.containers.storm.stage import Stage

DATABASE: Final = "database"
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_CLOCK_ERRORS: Final = (-3 * _HOUR, -20 * _MINUTE, -_MINUTE, _MINUTE, 20 * _MINUTE, 3 * _HOUR)
"""By how much a clock is wrong, in seconds. More than an hour in the future the broker refuses what is sent until the clock is right."""
_FILLED_WITHIN: Final = 120.0
_SIGNALS: Final = ("KILL", "TERM")


@dataclass(frozen=True, slots=True)
class Fault(ABC):
    """Something that is done to `subject` (a service, the broker, the database) and taken back after `lasts` seconds."""

    kind: ClassVar[str]
    subject: str
    lasts: float

    @classmethod
    @abstractmethod
    def drawn(cls, random: Random) -> Self:
        """One with what it is done to and for how long."""

    @abstractmethod
    async def begin(self, stage: Stage) -> None:
        """Does it."""

    @abstractmethod
    async def end(self, stage: Stage) -> None:
        """Takes it back."""

    @property
    def said(self) -> str:
        """What is done, in words."""
        return f"{self.kind}: {self.subject}"

    @property
    def turn(self) -> str:
        """Faults of the same turn never overlap."""
        return self.subject


@dataclass(frozen=True, slots=True)
class KilledService(Fault):
    """A service is killed, and started after a while."""

    kind = "service killed"

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """Any service."""
        return cls(random.choice(SERVICES), random.uniform(0, 5))

    async def begin(self, stage: Stage) -> None:
        """Kills it."""
        await stage.engine.kill(self.subject)

    async def end(self, stage: Stage) -> None:
        """Starts it."""
        await stage.engine.start(self.subject)


@dataclass(frozen=True, slots=True)
class FrozenService(Fault):
    """A service stands still for longer than its session at the broker lasts: it wakes and has lost its partitions."""

    kind = "service frozen"

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """Any service."""
        return cls(random.choice(SERVICES), SESSION + random.uniform(2, 8))

    async def begin(self, stage: Stage) -> None:
        """Stops it where it is."""
        await stage.engine.kill(self.subject, "STOP")

    async def end(self, stage: Stage) -> None:
        """Lets it go on."""
        await stage.engine.kill(self.subject, "CONT")


@dataclass(frozen=True, slots=True)
class RestartedBroker(Fault):
    """The broker is stopped in good order, and started."""

    kind = "broker restarted"

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """There is one broker."""
        return cls(BROKER, random.uniform(0, 4))

    async def begin(self, stage: Stage) -> None:
        """Stops it."""
        await stage.engine.stop(BROKER, 30)

    async def end(self, stage: Stage) -> None:
        """Starts it."""
        await stage.start_broker()


@dataclass(frozen=True, slots=True)
class KilledBroker(Fault):
    """The broker is killed, and started."""

    kind = "broker killed"

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """There is one broker."""
        return cls(BROKER, random.uniform(0, 4))

    async def begin(self, stage: Stage) -> None:
        """Kills it."""
        await stage.engine.kill(BROKER)

    async def end(self, stage: Stage) -> None:
        """Starts it."""
        await stage.start_broker()


@dataclass(frozen=True, slots=True)
class RestartedDatabase(Fault):
    """The database ends at once, as in a crash, and recovers."""

    kind = "database restarted"

    @classmethod
    def drawn(cls, _: Random) -> Self:
        """There is one database."""
        return cls(DATABASE, 0.0)

    async def begin(self, stage: Stage) -> None:
        """Stops and starts it."""
        await stage.database.restart()

    async def end(self, stage: Stage) -> None:
        """It has started."""


@dataclass(frozen=True, slots=True)
class FailedOver(Fault):
    """The database's machine is lost, or says nothing any more; after a while the standby takes over, and another machine follows it."""

    kind = "database failed over"
    silently: bool

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """There is one database."""
        return cls(DATABASE, random.uniform(0, 4), random.random() < 1 / 2)

    @property
    def said(self) -> str:
        """What is done, in words."""
        return f"{self.kind}, {'which has fallen silent' if self.silently else 'which is gone'}"

    async def begin(self, stage: Stage) -> None:
        """Loses the primary."""
        await stage.database.lose_primary(silently=self.silently)

    async def end(self, stage: Stage) -> None:
        """Promotes the standby, and makes another."""
        await stage.database.fail_over()


@dataclass(frozen=True, slots=True)
class _Cut(Fault):
    """A service cannot reach a part; nobody is told."""

    part: ClassVar[str]

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """Any service."""
        return cls(random.choice(SERVICES), random.uniform(2, 12))

    async def begin(self, stage: Stage) -> None:
        """Takes it off the network."""
        await stage.cut(self.subject, self.part)

    async def end(self, stage: Stage) -> None:
        """Connects it again."""
        await stage.mend(self.subject, self.part)


class CutFromBroker(_Cut):
    """A service cannot reach the broker."""

    __slots__ = ()
    kind = "cut off from the broker"
    part = "broker"


class CutFromDatabase(_Cut):
    """A service cannot reach the database."""

    __slots__ = ()
    kind = "cut off from the database"
    part = "database"


@dataclass(frozen=True, slots=True)
class FullDisk(Fault):
    """The database's file system is full until its server has said so, and a while longer."""

    kind = "disk full"

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """There is one database."""
        return cls(DATABASE, random.uniform(2, 6))

    async def begin(self, stage: Stage) -> None:
        """Fills it, until the server has found it full."""
        before = await stage.database.errors_for_want_of_space()

        async def found_full() -> bool:
            await stage.database.fill()
            return await stage.database.errors_for_want_of_space() > before

        await until(found_full, _FILLED_WITHIN)

    async def end(self, stage: Stage) -> None:
        """Gives the room back."""
        await stage.database.free()


@dataclass(frozen=True, slots=True)
class SecondInstance(Fault):
    """A second instance of a service joins and, in good order or not, leaves again."""

    kind = "second instance"
    signal: str

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """Any service."""
        return cls(random.choice(SERVICES), random.uniform(8, 20), random.choice(_SIGNALS))

    @property
    def turn(self) -> str:
        """The first instance may be killed or cut off meanwhile."""
        return f"{self.subject}-second"

    async def begin(self, stage: Stage) -> None:
        """It joins."""
        await stage.make(self.turn, self.subject)
        await stage.engine.start(self.turn)
        await stage.until_it_listens(self.turn)

    async def end(self, stage: Stage) -> None:
        """It leaves, and is gone."""
        code = 0 if self.signal == "KILL" else await stage.engine.stop(self.turn, STOPS_WITHIN)
        await stage.engine.remove(self.turn)
        assert code == 0, f"a second instance of {self.subject} did not stop in good order: {code}"


@dataclass(frozen=True, slots=True)
class WrongClock(Fault):
    """A service's clock jumps, and jumps back."""

    kind = "clock jumped"
    seconds: int

    @classmethod
    def drawn(cls, random: Random) -> Self:
        """Any service, by up to some hours in either direction."""
        return cls(random.choice(SERVICES), random.uniform(3, 10), random.choice(_CLOCK_ERRORS))

    @property
    def said(self) -> str:
        """What is done, in words."""
        return f"{self.kind}: {self.subject} by {self.seconds:+d} s"

    async def begin(self, stage: Stage) -> None:
        """It is wrong."""
        await stage.set_clock(self.subject, self.seconds)

    async def end(self, stage: Stage) -> None:
        """It is right."""
        await stage.set_clock(self.subject, 0)


KINDS: Final[tuple[type[Fault], ...]] = (
    *(KilledService, FrozenService, RestartedBroker, KilledBroker, RestartedDatabase, FailedOver),
    *(CutFromBroker, CutFromDatabase, FullDisk, SecondInstance, WrongClock),
)
