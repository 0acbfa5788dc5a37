"""How long it took is said in what somebody would say, people's waiting aside, and not before all is posted."""

from __future__ import annotations

from typing import Any

from services.web.console.taken import TimeTaken, in_words, taken
from services.web.languages import Language
from tests.unit.console.rendered import reader


def event(id_: str, at: str, type_: str = "intercompany.vendor-payment.posted.v1") -> dict[str, Any]:
    return {"kind": "event", "event": {"source": "erp", "id": id_}, "state": "posted", "received_at": f"2026-03-12T{at}Z", "type": type_}


def voucher(at: str, caused_by: str = "P", state: str = "posted") -> dict[str, Any]:
    return {"kind": "voucher", "state": state, "posted_at": f"2026-03-12T{at}Z", "caused_by": {"source": "erp", "id": caused_by}}


PAYMENT = [event("P", "12:00:00.000"), voucher("12:00:00.200"), voucher("12:00:00.353")]
APPROVAL = event("A", "12:07:00.000", "intercompany.journal-approval.requested.v1")


def test_it_is_the_time_until_the_last_voucher() -> None:
    assert taken(PAYMENT, "P") == TimeTaken(353, was_approved=False, is_reversed=False)


def test_while_a_sales_payment_is_only_created_nothing_is_said() -> None:
    assert taken([*PAYMENT, {"kind": "journal", "state": "created"}], "P") is None


def test_nobodys_wait_for_an_approval_counts() -> None:
    assert taken([*PAYMENT, APPROVAL, voucher("12:07:00.125")], "P") == TimeTaken(478, was_approved=True, is_reversed=False)


def test_what_was_reversed_since_is_said_and_does_not_count() -> None:
    undone = [*PAYMENT, event("R", "15:00:00.000"), voucher("15:00:01.000", "R"), {"kind": "settlement", "state": "reversed"}]
    assert taken(undone, "P") == TimeTaken(353, was_approved=False, is_reversed=True)


def test_a_time_is_said_in_a_unit_that_fits_it() -> None:
    german = reader(Language.GERMAN)
    assert [in_words(german, each) for each in (353, 4249, 425657, 9000000)] == ["353 ms", "4,2 s", "7 Min.", "2 Std."]
