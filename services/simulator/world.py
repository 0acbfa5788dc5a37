"""What one run happens in: virtual time, one seed, the faults, the trace, and the processes that live and die in it.

Invariant: every call of a port passes `step`, before it does anything and after it was done. There the process can be held up, hit
by a fault, or end: what is dead never gets past a step, so it does nothing more to broker or database. All chance comes from the
seed, and all calls come from one loop, so a seed and a list of faults give one trace.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any, Final

from services.simulator.faults import KILLS, CallPlace, FaultKind, FaultPlan, InjectedFault
from services.simulator.virtual_time import VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

_TAIL: Final = 60
"""Steps of the trace that are shown of a run that failed."""
_QUICK: Final = 0.002
_HARDLY_ANYTHING: Final = 0.0008
"""What takes less than that takes no time, so that others are not let run at each step."""
_BURIED_EVERY: Final = 0.05
_ANSWERED_WITHIN: Final = 1.0
"""So long a statement takes that is to lose a cancellation; without one it is answered then."""
_AT_ONCE: Final = frozenset(KILLS - {FaultKind.KILL_IN_COMMIT, FaultKind.KILL_IN_SEND})
_CURRENT: Final[contextvars.ContextVar[Incarnation | None]] = contextvars.ContextVar("incarnation", default=None)


class NotBuriedError(Exception):
    """A task of a process that was killed does not end."""


class Incarnation:
    """A process from its start to its end. `service` and `instance`: which one it is; `number`: how many were started before."""

    def __init__(self, service: int, instance: int, number: int, name: str) -> None:
        self.service = service
        self.instance = instance
        self.name = f"{name}-{instance}#{number}"
        self.dead = False
        self.stopping = False
        self.clock_offset = 0.0
        self.paused_until = 0.0
        self.tasks: list[asyncio.Task[Any]] = []
        self.at_death: list[Callable[[], None]] = []


class World:
    """One run."""

    def __init__(self, seed: int, faults: Sequence[InjectedFault]) -> None:
        self.random = Random(f"{seed}/world")
        self.plan = FaultPlan.of(faults)
        self.loop = VirtualTimeLoop()
        self.loop.set_task_factory(_noted)
        self.steps = 0
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self.on_kill: Callable[[Incarnation], None] = _ignored
        self.on_leave: Callable[[Incarnation, float], None] = _ignored
        self._digest = hashlib.blake2b(digest_size=8)
        self._background: list[asyncio.Task[None]] = []

    @property
    def now(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.time()

    @property
    def digest(self) -> str:
        """Of the whole trace: two runs of one seed have the same."""
        return self._digest.hexdigest()

    def note(self, text: str) -> None:
        """A line of the trace."""
        line = f"{self.now:.6f} {text}"
        self._digest.update(line.encode())
        self.tail.append(line)

    async def step(self, who: Incarnation, what: str, *places: CallPlace) -> InjectedFault | None:
        """A call of a port comes here before and after it is done; gives the fault that the caller has to act out.

        CancelledError if the process is dead, or dies here.
        """
        _check(who)
        self.steps += 1
        self.note(f"{who.name} {what}")
        fault = self.plan.strike(self.now, who.service, *places, CallPlace.ANY)
        takes = self.random.random() * _QUICK
        if takes > _HARDLY_ANYTHING:
            await asyncio.sleep(takes)
        if fault is not None:
            self.note(f"{who.name} FAULT {fault.kind}")
            if fault.kind in _AT_ONCE:
                self.kill(who)
            elif fault.kind is FaultKind.PAUSE:
                who.paused_until = self.now + fault.lasts
                fault = None
            elif fault.kind is FaultKind.CANCELLATION_LOST:
                await self._lose_a_cancellation(who, fault.lasts)
                fault = None
        while who.paused_until > self.now and not who.dead:
            await asyncio.sleep(who.paused_until - self.now)
        _check(who)
        return fault

    async def _lose_a_cancellation(self, who: Incarnation, away: float) -> None:
        """The process is told to stop during this call, whose answer comes with the cancellation and hides it.

        Drivers can do that: asyncpg's `wait_for` does on Python 3.11.
        """
        self.on_leave(who, away)
        try:
            await asyncio.sleep(_ANSWERED_WITHIN)
        except asyncio.CancelledError:
            _check(who)
            self.note(f"{who.name} loses a cancellation")

    def spawn(self, who: Incarnation, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs something as this process: all tasks that come of it are its own."""
        context = contextvars.copy_context()
        context.run(_CURRENT.set, who)
        return context.run(self.loop.create_task, work)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something that belongs to no process."""
        self._background.append(contextvars.Context().run(self.loop.create_task, work))

    def kill(self, who: Incarnation) -> None:
        """As SIGKILL does: nothing more of it happens."""
        if not who.dead:
            self.note(f"{who.name} dies")
            self.end(who)
            self.bury(who)
            self.on_kill(who)

    def end(self, who: Incarnation) -> None:
        """What it had at broker and database ends."""
        who.dead = True
        for act in who.at_death:
            act()

    def bury(self, who: Incarnation, tries: int = 200) -> None:
        """Ends the tasks of what is dead; some take more than one cancellation."""
        left = [task for task in who.tasks if not task.done()]
        if left and not tries:
            msg = f"{who.name} does not end: {left}"
            raise NotBuriedError(msg)
        for task in left:
            if task is not asyncio.current_task(self.loop):
                task.cancel()
        if left:
            self.loop.call_later(_BURIED_EVERY, self.bury, who, tries - 1)


def _check(who: Incarnation) -> None:
    if who.dead:
        raise asyncio.CancelledError


def _ignored(*_: Any) -> None:
    """Nobody is told."""


def _noted(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """The loop's task factory: a process's tasks are known, so that they can be ended with it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    who = _CURRENT.get()
    if who is not None:
        who.tasks.append(task)
    return task
