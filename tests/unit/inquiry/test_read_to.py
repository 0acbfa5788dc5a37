"""How far the books are read, while the vouchers of what is shown are still to come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.desk import inquiry_check
from services.inquiry.checks import IdentityCheck
from services.inquiry.queries.read_to import PostingStand, read_to
from shared.delivery.ports import Partition
from tests.builders.web import MadeUp

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


@pytest.mark.parametrize(("read", "holds"), [(9, False), (8, True)])
async def test_a_check_that_fails_while_vouchers_are_still_to_come_is_no_alarm(
    monkeypatch: pytest.MonkeyPatch, read: int, *, holds: bool
) -> None:
    async def differing(*_: Any) -> list[IdentityCheck]:
        return [IdentityCheck("open is the ledger", [{"company": "FAB"}])]

    async def stand(_: Any) -> PostingStand:
        return PostingStand({SETTLEMENTS: read}, 0)

    monkeypatch.setattr(inquiry_check, "check", differing)
    monkeypatch.setattr(inquiry_check, "posting_stand", stand)
    [check] = await inquiry_check.check_inquiry(READ, NOW.date())
    assert (check.holds, check.under_way, check.problems) == (holds, 9 - read, [{"company": "FAB"}])
