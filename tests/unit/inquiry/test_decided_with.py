"""Which versions of the reference data counted when a voucher was decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.inquiry.queries.reference import DecidedWith

POSTED_AT = datetime(2026, 3, 12, 12, tzinfo=UTC)


def version(position: int, from_: str) -> dict[str, Any]:
    return {"key": "centralized-payments/FAB", "position": position, "from": from_}


def test_of_a_record_the_versions_before_its_position_counted_whatever_their_time() -> None:
    decided = DecidedWith(5, POSTED_AT)
    assert decided.counts(version(4, "2026-03-13T00:00:00Z"))
    assert not decided.counts(version(5, "2026-03-01T00:00:00Z"))


def test_of_a_document_those_that_were_there_when_its_voucher_was_posted() -> None:
    decided = DecidedWith(None, POSTED_AT)
    assert decided.counts(version(9, "2026-03-12T12:00:00Z"))
    assert not decided.counts(version(1, "2026-03-12T12:00:01Z"))
