"""The key that an event is sent on: what has to be read in order goes onto one partition."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.events.producing import PartyBook, record_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "said"),
    [("voucher.imported", {"erp_number": "GJ-1"}), ("voucher.import-failed", {"message": "closed"})],
)
def test_what_is_said_of_a_voucher_is_on_the_key_of_its_company(name: str, said: dict[str, Any]) -> None:
    data = {"company": "FAB", "voucher": "AR-SET-000012", **said}
    assert record_of("T1", "erp", name, data, NOW, PartyBook()).key == b"FAB"
    assert record_of("T2", "erp", name, data | {"company": None}, NOW, PartyBook()).key == b"T2", "wrong as it is, it has a key"
