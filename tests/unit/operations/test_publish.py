"""On which topic an event of a file is sent: on one that the services read, by SENDERS."""

from __future__ import annotations

import pytest

from services.operations.publish import addressed
from shared.events.envelope import Topic
from shared.settings import Senders, Settings, SettingsError
from tests.builders.records import INVOICE, binary

RECORD = binary("vendor-invoice.posted", INVOICE)
ENFORCED, OPEN = Settings(senders=Senders.ENFORCED), Settings()


def test_with_senders_enforced_it_is_the_senders_own_topic() -> None:
    assert addressed(RECORD, "erp-eu", ENFORCED).topic == "intercompany.invoices.erp-eu"
    assert RECORD.topic == Topic.INVOICES


def test_with_senders_open_it_is_the_shared_one() -> None:
    assert addressed(RECORD, None, OPEN) == RECORD


def test_an_operators_reference_data_needs_no_sender() -> None:
    closed = binary("period.opened", {"company": "FAB", "from": "2026-01-01", "to": "2026-01-31"})
    assert addressed(closed, None, ENFORCED) == closed


@pytest.mark.parametrize(("name", "settings", "advice"), [(None, ENFORCED, "say with --sender"), ("erp-eu", OPEN, "leave --sender out")])
def test_where_nobody_would_read_it_nothing_is_sent(name: str | None, settings: Settings, advice: str) -> None:
    with pytest.raises(SettingsError, match=advice):
        addressed(RECORD, name, settings)
