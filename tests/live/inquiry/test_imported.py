"""What is not in the companies' own systems yet: vouchers by what these said of them."""

from __future__ import annotations

import pytest

from services.inquiry.queries.trace import TraceStart, trace
from services.inquiry.queries.vouchers import VoucherSelection, vouchers
from services.simulator import streams
from tests.builders.settlement import GROUP, invoice
from tests.live.inquiry.asking import Asked

pytestmark = pytest.mark.embedded


def test_vouchers_are_selected_by_what_the_companies_own_systems_said_of_them(books: Asked) -> None:
    of = {"company": "FAB", "voucher": "AR-INV-000001"}
    said = [
        {**of, "id": "T1", "type": "voucher.imported", "erp_number": "GJ-1"},
        {**of, "id": "T2", "type": "voucher.import-failed", "voucher": "AR-INV-000002", "message": "closed"},
    ]
    books.listen(streams.scenario(GROUP, [*(invoice(f"I{number}", date=f"2026-01-{number + 10}") for number in range(1, 5)), *said]))
    everything = {row["document"]: row for row in books.all(vouchers, VoucherSelection())}
    by = {"source": "scenario", "id": "T1"}
    at = everything["I1"]["imported"]["at"]
    assert everything["I1"]["imported"] == {"state": "imported", "at": at, "erp_number": "GJ-1", "message": None, "said_by": by}
    assert (everything["I2"]["imported"]["state"], everything["I2"]["imported"]["message"]) == ("failed", "closed")
    assert everything["I3"]["imported"] is None
    for selection, expected in (
        (VoucherSelection(imported="no", sort="date"), ["I3", "I4"]),
        (VoucherSelection(imported="no"), ["I4", "I3"]),
        (VoucherSelection(imported="failed"), ["I2"]),
        (VoucherSelection(imported="yes"), ["I1"]),
        (VoucherSelection(("FABE",), imported="no"), []),
        (VoucherSelection(imported="no", party="NW", sort="date"), ["I3", "I4"]),
        (VoucherSelection(imported="failed", account="accounts_receivable"), ["I2"]),
        (VoucherSelection(imported="no", document="I1"), []),
        (VoucherSelection(imported="yes", document="I1"), ["I1"]),
        (VoucherSelection(imported="no", kind="payment"), []),
    ):
        assert [row["document"] for row in books.all(vouchers, selection)] == expected, selection


def test_an_event_that_says_what_became_of_a_voucher_is_not_under_way_once_it_is_read(books: Asked) -> None:
    said = {"type": "voucher.imported", "company": "FAB", "voucher": "AR-INV-000001", "erp_number": "GJ-1"}
    books.listen(streams.scenario(GROUP, [{**said, "id": "T1"}, {**said, "id": "T1", "erp_number": "GJ-2"}, {**said, "id": "T2"}]))
    for id_, state in (("T1", "refused"), ("T2", "posted")):
        (node,) = books.run(trace(books.connection, TraceStart(event=id_))).nodes
        assert (node["type"], node["company"], node["state"]) == ("voucher.imported", "FAB", state)
