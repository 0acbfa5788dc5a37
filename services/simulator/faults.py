"""The faults of a run, as a list that is drawn from a seed and can be shortened.

Invariant: a fault is a value. It is armed at a virtual time and strikes at a place: the `skip`th call of its kind that its target
makes from then on. So a list with one fault left out is a run of its own, and a failing list can be made shorter.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


class CallPlace(StrEnum):
    """Where a process can be hit: the calls of its ports."""

    STATEMENT = "statement"
    ANSWERED = "answered statement"
    COMMIT = "commit"
    COMMITTED = "committed"
    SEND = "send"
    SENT = "sent"
    OFFSETS = "offsets"
    FETCH = "fetch"
    ANY = "any"


class FaultKind(StrEnum):
    """What can go wrong."""

    KILL_BEFORE_STATEMENT = "killed before a statement"
    KILL_AFTER_STATEMENT = "killed after a statement"
    KILL_BEFORE_COMMIT = "killed before a commit"
    KILL_IN_COMMIT = "killed while the commit is under way"
    KILL_AFTER_COMMIT = "killed after a commit"
    KILL_BEFORE_SEND = "killed before sending"
    KILL_IN_SEND = "killed between two partitions of a send"
    KILL_AFTER_SEND = "killed after sending"
    KILL_BEFORE_OFFSETS = "killed before the offsets"
    KILL = "killed at any call"
    LOSE_BEFORE_STATEMENT = "connection lost before a statement"
    LOSE_AFTER_STATEMENT = "connection lost after a statement"
    COMMIT_UNKNOWN_DONE = "commit done, its answer lost"
    COMMIT_UNKNOWN_UNDONE = "commit not done, its answer lost"
    DATABASE_AWAY = "database away"
    SEND_LOST = "nothing of a send arrives"
    SEND_PARTLY = "a part of a send arrives"
    SEND_UNACKNOWLEDGED = "all of a send arrives, no acknowledgement"
    SEND_TWICE = "a send arrives twice"
    SEND_LATE = "a send arrives after it was given up"
    BROKER_AWAY = "broker away"
    OFFSETS_LOST = "offsets not committed"
    OFFSETS_MOVED = "killed, and the group's offsets are moved to the end"
    REBALANCE = "partitions change hands"
    SLOW_REFERENCE = "reference data is read late"
    PAUSE = "a process stands still"
    LEAVE = "an instance stops in good order"
    CANCELLATION_LOST = "an instance stops, and a statement loses the cancellation"
    JOIN = "a second instance joins"
    LOG_RESET = "a log is reset"
    CLOCK_JUMP = "a clock jumps"


_PLACES: Final = {
    FaultKind.KILL_BEFORE_STATEMENT: CallPlace.STATEMENT,
    FaultKind.KILL_AFTER_STATEMENT: CallPlace.ANSWERED,
    FaultKind.KILL_BEFORE_COMMIT: CallPlace.COMMIT,
    FaultKind.KILL_IN_COMMIT: CallPlace.COMMIT,
    FaultKind.KILL_AFTER_COMMIT: CallPlace.COMMITTED,
    FaultKind.KILL_BEFORE_SEND: CallPlace.SEND,
    FaultKind.KILL_IN_SEND: CallPlace.SEND,
    FaultKind.KILL_AFTER_SEND: CallPlace.SENT,
    FaultKind.KILL_BEFORE_OFFSETS: CallPlace.OFFSETS,
    FaultKind.KILL: CallPlace.ANY,
    FaultKind.LOSE_BEFORE_STATEMENT: CallPlace.STATEMENT,
    FaultKind.LOSE_AFTER_STATEMENT: CallPlace.ANSWERED,
    FaultKind.COMMIT_UNKNOWN_DONE: CallPlace.COMMIT,
    FaultKind.COMMIT_UNKNOWN_UNDONE: CallPlace.COMMIT,
    FaultKind.SEND_LOST: CallPlace.SEND,
    FaultKind.SEND_PARTLY: CallPlace.SEND,
    FaultKind.SEND_UNACKNOWLEDGED: CallPlace.SEND,
    FaultKind.SEND_TWICE: CallPlace.SEND,
    FaultKind.SEND_LATE: CallPlace.SEND,
    FaultKind.OFFSETS_LOST: CallPlace.OFFSETS,
    FaultKind.PAUSE: CallPlace.ANY,
    FaultKind.CANCELLATION_LOST: CallPlace.STATEMENT,
}
"""Those that strike at a call; the others happen to the world at their time."""
_MOST_SKIPPED: Final = {CallPlace.STATEMENT: 25, CallPlace.ANSWERED: 25, CallPlace.ANY: 60}
_FEW: Final = 2
_SERVICES: Final = 3
KILLS: Final = frozenset(kind for kind in FaultKind if kind.name.startswith("KILL"))


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One fault: `at` virtual seconds; `target` names the service that it hits, and which of its instances or groups, times three.

    `skip` calls are let pass; it lasts `lasts` seconds, where it lasts.
    """

    kind: FaultKind
    at: float
    target: int
    skip: int
    lasts: float

    @property
    def place(self) -> CallPlace | None:
        """The call at which it strikes; None: it happens to the world."""
        return _PLACES.get(self.kind)

    def __str__(self) -> str:
        """As it is printed."""
        where = f", call {self.skip + 1}" if self.place else ""
        return f"{self.at:.3f} s: {self.kind} (target {self.target}{where}, {self.lasts:.2f} s)"


def draw(random: Random, until: float, most: int) -> list[InjectedFault]:
    """Faults of a run, all armed before `until`, at most so many, and perhaps a second instance from the start."""
    kinds = list(FaultKind)
    favoured = random.sample(kinds, 6)  # so that the same kinds meet each other often
    focus = random.randrange(_SERVICES)  # and at one service
    drawn = [
        _one(random, random.choice(favoured if random.random() < 0.7 else kinds), focus, until) for _ in range(random.randint(1, most))
    ]
    if random.random() < 0.5:
        drawn.append(InjectedFault(FaultKind.JOIN, 0.0, focus, 0, 0.0))
        drawn.append(InjectedFault(FaultKind.REBALANCE, round(random.uniform(0, until), 3), focus + _SERVICES, 0, 0.0))
    return sorted(drawn, key=lambda each: each.at)


def _one(random: Random, kind: FaultKind, focus: int, until: float) -> InjectedFault:
    place = _PLACES.get(kind)
    skip = random.randrange(_MOST_SKIPPED.get(place, _FEW)) if place else 0
    service = focus if random.random() < 0.6 else random.randrange(_SERVICES)
    target = service + _SERVICES * random.randrange(2)
    return InjectedFault(kind, round(random.uniform(0, until), 3), target, skip, random.choice((0.02, 0.3, 1.5)))


@dataclass
class FaultPlan:
    """The faults that have not struck yet, and how many have, by kind."""

    waiting: list[InjectedFault]
    struck: Counter[FaultKind] = field(default_factory=Counter)
    _passed: dict[InjectedFault, int] = field(default_factory=dict)

    @classmethod
    def of(cls, faults: Sequence[InjectedFault]) -> FaultPlan:
        """Those that strike at calls."""
        return cls([each for each in faults if each.place is not None])

    def strike(self, now: float, service: int, *places: CallPlace) -> InjectedFault | None:
        """The fault that strikes this call, if one does."""
        for fault in self.waiting:
            if fault.at > now:
                return None
            if fault.place not in places or fault.target % _SERVICES != service:
                continue
            passed = self._passed.get(fault, 0)
            if passed >= fault.skip:
                self.waiting.remove(fault)
                self.struck[fault.kind] += 1
                return fault
            self._passed[fault] = passed + 1
        return None
