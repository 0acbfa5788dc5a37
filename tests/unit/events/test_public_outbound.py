"""What goes out on the public topics names events by objects, and what an earlier version wrote there is still read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from shared.events.codec import as_json
from shared.events.envelope import EventRef, Topic
from shared.events.vouchers import EventName, Voucher, VoucherLine, rejection
from tests.builders.records import binary, refused, taken

LINE = VoucherLine(
    *("accounts_receivable", "1200", None, "4050", "C-1", "INV", "USD"),
    *(Decimal("580.00"), Decimal("0.00"), Decimal("580.00"), Decimal("0.00")),
    *({}, "text", "F-C01"),
)
VOUCHER = Voucher(
    *("AR-SET-000012", "AR-SET", 12, "FAB", "USD", "receivable", "settlement", date(2026, 1, 1), "PAY", [LINE]),
    *(EventName("erp", "E-1"), 1, None),
)


def sent(data: Any) -> Any:
    return binary("voucher.posted", as_json(data), source="intercompany/posting", topic=Topic.VOUCHERS)


def earlier(**changes: Any) -> bytes:
    """The voucher as versions before the contract was published wrote it."""
    said = orjson.loads(as_json(VOUCHER))
    for name in ("series", "number", "accounting_currency"):
        del said[name]
    for name in ("party", "party_account", "settles"):
        del said["lines"][0][name]
    return orjson.dumps(said | {"settlement": ["erp", "E-1"]} | changes)


def test_the_event_of_a_settlement_is_an_object() -> None:
    assert orjson.loads(as_json(VOUCHER))["settlement"] == {"source": "erp", "id": "E-1"}
    assert taken(sent(VOUCHER)).data == VOUCHER


@pytest.mark.parametrize("settlement", [["erp", "E-1"], None])
def test_a_voucher_of_the_earlier_form_is_read(settlement: list[str] | None) -> None:
    record = sent(VOUCHER)
    record.value = earlier(settlement=settlement)
    read = taken(record).data
    assert read.settlement == (EventName("erp", "E-1") if settlement else None)
    assert (read.series, read.number, read.accounting_currency) == ("AR-SET", 12, "")
    assert [(line.account, line.debit, line.settles) for line in read.lines] == [("1200", Decimal("580.00"), None)]


@pytest.mark.parametrize("changes", [{"settlement": ["erp"]}, {"lines": None}, {"lines": ["x"]}, {"voucher": 7}, {"date": "soon"}])
def test_what_was_never_a_voucher_is_refused_and_nothing_fails(changes: dict[str, Any]) -> None:
    record = sent(VOUCHER)
    record.value = earlier(**changes)
    assert refused(record).code == "invalid"


@pytest.mark.parametrize(
    ("data", "company", "document"),
    [
        ({"company": "FAB", "document": "INV"}, "FAB", "INV"),
        ({"ledger": "payable", "document": {"company": "FAB", "document": "INV"}}, "FAB", "INV"),
        ({"ledger": "payable", "payment": {"company": "FAB", "document": "PAY"}}, "FAB", "PAY"),
        ({"ledger": "payable", "settle": []}, None, None),
        ({"company": 7, "document": "x" * 205}, None, None),
        (None, None, None),
        ([], None, None),
    ],
)
def test_a_refusal_says_type_company_and_document_as_far_as_they_are_there(data: Any, company: str | None, document: str | None) -> None:
    original = {"type": "intercompany.vendor-payment.posted.v1", "data": data}
    refusal = rejection(EventRef("erp", "E-1"), "event", "invalid", "/x", "wrong", original)
    assert (refusal.company, refusal.document) == (company, document)
    assert (refusal.source, refusal.event, refusal.type) == ("erp", "E-1", "intercompany.vendor-payment.posted.v1")
    assert rejection(EventRef("erp", "E-1"), "event", "malformed", "", "wrong", {}).type is None


def test_the_time_of_a_refusal_is_written_as_a_date_and_time_of_utc() -> None:
    refusal = rejection(EventRef("erp", "E-1"), "event", "invalid", "/x", "wrong", {})
    refusal.at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert orjson.loads(as_json(refusal))["at"] == "2026-03-01T09:30:00Z"
