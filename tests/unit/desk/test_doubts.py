"""What differs may be under way: it is a problem only once all that was under way has arrived, or if it is told to be one by then."""

from __future__ import annotations

from typing import cast

import pytest

from services.desk.checking import MOST_DOUBTS, Check, Doubts
from services.desk.under_way import Left, UnderWay


class Waited:
    """What was under way, as a test says it; `asked`: how often somebody waited for it."""

    def __init__(self, left: Left) -> None:
        self.left = left
        self.asked = 0

    async def passed(self) -> Left:
        self.asked += 1
        return self.left


async def judged(left: Left, still: list[str]) -> tuple[list[str], int]:
    """The problems, and how often it could not be told, of a doubt about A and B of which this still differs."""
    check, doubts = Check("it agrees", "2 vouchers"), Doubts(cast("UnderWay", Waited(left)))

    async def again() -> list[str]:
        return still

    await doubts.add(check, ["A", "B"], again)
    assert check.problems == []
    await doubts.settle()
    await doubts.settle()  # what was settled is settled
    return check.problems, check.under_way


async def test_what_still_differs_once_all_has_arrived_is_a_problem() -> None:
    assert await judged(Left(), ["B", "C"]) == (["B"], 0)
    assert await judged(Left(), []) == ([], 0)


@pytest.mark.parametrize("left", [Left(unsent=["posting has 3 rows in its outbox"]), Left(unread=["payment has not read 2 records"])])
async def test_what_differs_while_something_is_under_way_is_no_problem_and_counted(left: Left) -> None:
    assert await judged(left, ["A", "B"]) == ([], 1)
    assert await judged(left, ["C"]) == ([], 0)


async def test_however_much_differs_so_many_doubts_are_kept() -> None:
    waited = Waited(Left())
    check, doubts = Check("it agrees", "vouchers"), Doubts(cast("UnderWay", waited))

    async def again() -> list[str]:
        return ["A"]

    for _ in range(2 * MOST_DOUBTS):
        await doubts.add(check, ["A"], again)
    assert waited.asked == 2
    assert len(check.problems) + check.more == 2 * MOST_DOUBTS
