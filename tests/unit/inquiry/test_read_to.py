"""How far the books are read, while the vouchers of what is shown are still to come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from services.desk import inquiry_check
from services.desk.under_way import BETWEEN, Hop, Left, UnderWay
from services.inquiry.checks import IdentityCheck
from services.inquiry.queries.read_to import PostingStand, read_to
from shared.delivery.ports import Partition
from tests.builders.web import MadeUp

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
NEWEST = datetime(2026, 3, 12, 11, 59, tzinfo=UTC)
SETTLEMENTS, VOUCHERS = Partition("intercompany.settlements", 0), Partition("intercompany.vouchers", 0)
READ: Any = MadeUp(
    {
        "from positions": [
            {"topic": "intercompany.settlements", "partition": 0, "read": 9},
            {"topic": "intercompany.vouchers", "partition": 0, "read": 6},
        ],
        "as newest": NEWEST,
    }
)
ENDS = {SETTLEMENTS: 9, VOUCHERS: 6}


@pytest.mark.parametrize(
    ("posting", "behind"),
    [
        (PostingStand({SETTLEMENTS: 9}, 0), 0),
        (PostingStand({SETTLEMENTS: 7}, 0), 2),
        (PostingStand({SETTLEMENTS: 9}, 1), 1),
        (PostingStand({}, 0), 9),
        (PostingStand({SETTLEMENTS: 12}, 0), 0),
    ],
)
async def test_documents_whose_vouchers_are_still_to_come_are_said_to_be_behind(posting: PostingStand, behind: int) -> None:
    far = await read_to(READ, ENDS, NOW, posting)
    assert far.behind == {SETTLEMENTS.topic: 0, VOUCHERS.topic: behind}
    assert (far.time, far.lag_seconds) == ((NEWEST, 60.0) if behind else (NOW, 0.0))


async def test_what_was_read_after_the_ends_were_asked_for_is_to_be_posted_too() -> None:
    far = await read_to(READ, {SETTLEMENTS: 8, VOUCHERS: 6}, NOW, PostingStand({SETTLEMENTS: 8}, 0))
    assert far.behind == {SETTLEMENTS.topic: 0, VOUCHERS.topic: 1}


ONE, TWO = {"company": "FAB", "open": 1}, {"company": "FAB", "open": 2}


@pytest.mark.parametrize(
    ("looks", "passes", "shown", "under_way"),
    [
        ([[ONE], [ONE]], True, [ONE], 0),  # as before, and nothing was under way any more: it is wrong
        ([[ONE], [ONE, TWO]], True, [ONE], 0),
        ([[ONE], [TWO]], True, [TWO], 1),  # it moves
        ([[ONE], [ONE]], False, [ONE], 1),  # what was under way did not arrive
        ([[ONE], []], True, [], 0),
        ([[]], True, [], 0),
    ],
)
async def test_what_differs_is_an_alarm_if_it_still_does_once_what_was_under_way_is_read(
    monkeypatch: pytest.MonkeyPatch, looks: list[Any], shown: list[Any], under_way: int, *, passes: bool
) -> None:
    left = list(looks)

    async def differing(*_: Any) -> list[IdentityCheck]:
        return [IdentityCheck("open is the ledger", left.pop(0))]

    async def stand(_: Any) -> PostingStand:
        return PostingStand({SETTLEMENTS: 9}, 0)

    monkeypatch.setattr(inquiry_check, "check", differing)
    monkeypatch.setattr(inquiry_check, "posting_stand", stand)
    [check] = await inquiry_check.check_inquiry(READ, NOW.date(), Passing(passes=passes))
    assert (check.problems, check.under_way, check.holds) == (shown, under_way, not shown or under_way > 0)
    assert left == []


class Passing(UnderWay):
    """What is under way arrives at once, or does not."""

    def __init__(self, *, passes: bool) -> None:
        self._left = Left() if passes else Left(unread=["inquiry has 3 records to read"])

    async def passed(self, hops: Sequence[Hop] = BETWEEN) -> Left:  # noqa: ARG002
        """At once."""
        return self._left
