"""What a company's own system says of a voucher takes its id here, and that is all."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from services.settlement.rules.books import Books
from shared.working_table import Table
from tests.builders.settlement import Event, Heard, invoice, mark, paid
from tests.unit.settlement.test_authorisation import Sent

IMPORTED: Event = {"id": "T1", "type": "voucher.imported", "company": "FAB", "voucher": "AR-INV-000001", "erp_number": "GJ-1"}
FAILED: Event = {"id": "T1", "type": "voucher.import-failed", "company": "FAB", "voucher": "AR-INV-000001", "message": "closed"}
BOTH = pytest.mark.parametrize("event", [IMPORTED, FAILED], ids=["imported", "failed"])


def kept(books: Books) -> dict[str, Any]:
    """Everything in the tables of the books, and the last place in the order of arrival."""
    tables = {name: [*table] for name, table in vars(books).items() if isinstance(table, Table)}
    return {**deepcopy(tables), "sequence": books.sequence}


@BOTH
def test_nothing_is_kept_nothing_waits_and_nothing_is_said(event: Event) -> None:
    before = Heard(invoice("I1"), paid("P1", "10.00", mark("I1"), mark("I2")))
    after = Heard(invoice("I1"), paid("P1", "10.00", mark("I1"), mark("I2")), event)
    assert kept(after.books.settlement) == kept(before.books.settlement)
    assert len(after.said) == len(before.said)


@BOTH
def test_a_duplicate_is_silent_and_other_data_under_its_id_is_refused(event: Event) -> None:
    services = Heard(event, event)
    assert services.said == []
    services = Heard(event, event | {"voucher": "AR-INV-000002"})
    assert [(each.event, each.code) for each in services.rejections] == [("T1", "conflicting-duplicate")]
    services = Heard(event, invoice("I1", id="T1"))
    assert [(each.event, each.code) for each in services.rejections] == [("T1", "conflicting-duplicate")], "one id of all events"


@BOTH
def test_a_sender_outside_its_companies_is_refused_and_the_id_stays_free(event: Event) -> None:
    services = Sent()
    (refusal,) = services.by("erp-us", event).rejected
    assert (refusal["code"], refusal["scope"], refusal["field"]) == ("not-authorised", "event", "/company")
    assert len(services.by("erp-eu", event).rejected) == 1, "sent by who may, nothing is wrong with it"
    services.by("erp-eu", event | {"voucher": "AR-INV-000002"})
    assert [each.code for each in services.rejections] == ["not-authorised", "conflicting-duplicate"]
