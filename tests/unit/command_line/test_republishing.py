"""What `resend` says of what comes back and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.command_line.commands.republishing import said_of
from services.operations.resend import Resent

ASKED_FOR = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
NAMED = "does not come back: `intercompany reconcile` names it."


def test_it_says_since_when_each_service_keeps_what_it_has_sent() -> None:
    kept = Resent("posting", 7, ASKED_FOR - timedelta(hours=2))
    assert said_of(kept, ASKED_FOR) == (
        "posting: 7 batches are sent again within seconds; it keeps what it has sent since 2026-03-01 07:30:00 UTC."
    )


def test_it_says_so_where_an_earlier_time_is_asked_for_than_it_reaches() -> None:
    said = said_of(Resent("posting", 7, ASKED_FOR + timedelta(minutes=40)), ASKED_FOR)
    assert "since 2026-03-01 10:10:00 UTC." in said
    assert said.endswith(f"What it may have sent between 2026-03-01 09:30:00 and then {NAMED}")
    assert said_of(Resent("posting", 0, None), ASKED_FOR).endswith(f"it keeps nothing. What it may have sent since then {NAMED}")
