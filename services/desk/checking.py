"""A check of the reconciler, and its doubts: what may be under way and is looked at again.

Invariant: however much differs, what is kept is bounded: of problems the first are shown and the others counted, and doubts are settled
whenever there are so many.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.desk.under_way import UnderWay

Again = Callable[[], Awaitable[list[str]]]

_SHOWN: Final = 20
MOST_DOUBTS: Final = 500


@dataclass(slots=True)
class Check:
    """One comparison: what was compared, how much of it, and where it does not hold; `more`: problems that are not listed.

    `under_way`: in how many places it could not be told, since what was under way did not arrive while it was waited for.
    """

    name: str
    compared: str
    problems: list[str] = field(default_factory=list)
    more: int = 0
    under_way: int = 0

    @property
    def holds(self) -> bool:
        """Whether it holds everywhere, as far as can be told."""
        return not self.problems

    def found(self, *problems: str) -> Check:
        """Where it does not hold, besides."""
        room = max(0, _SHOWN - len(self.problems))
        self.problems += problems[:room]
        self.more += len(problems[room:])
        return self

    def said(self) -> list[str]:
        """The problems, and how many more there are."""
        return [*self.problems, *([f"and {self.more:,} more"] if self.more else [])]

    def as_row(self) -> dict[str, Any]:
        """The check as an object."""
        compared = f"{self.compared}, {self.under_way:,} of them still under way" if self.under_way else self.compared
        return {"check": self.name, "compared": compared, "holds": self.holds, "problems": self.said()}


class _Doubt(NamedTuple):
    check: Check
    said: Sequence[str]
    again: Again


class Doubts:
    """What differs and may be under way."""

    def __init__(self, under_way: UnderWay) -> None:
        self.under_way = under_way
        self._doubts: list[_Doubt] = []

    async def add(self, check: Check, said: Sequence[str], again: Again) -> None:
        """Keeps a doubt; `again` looks a second time and says what differs then."""
        self._doubts.append(_Doubt(check, said, again))
        if len(self._doubts) >= MOST_DOUBTS:
            await self.settle()

    async def settle(self) -> None:
        """Waits for what is under way and looks again: what differs as it did before is a problem."""
        doubts, self._doubts = self._doubts, []
        if not doubts:
            return
        left = await self.under_way.passed()
        for doubt in doubts:
            still = await doubt.again()
            remains = [said for said in doubt.said if said in still]
            if left.passed:
                doubt.check.found(*remains)
            elif remains:
                doubt.check.under_way += 1
