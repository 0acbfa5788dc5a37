"""A proposal says of which documents and amounts it is, for whoever decides about it."""

from __future__ import annotations

from typing import Any

from services.web.console.pages.deciding import about
from services.web.console.pages.refusals import compared

PAID = {"company": "NL01", "document": "M10"}
OPEN = {"company": "UK01", "document": "I-1"}


def action(verb: str, target: dict[str, Any], before: Any) -> dict[str, Any]:
    return {"verb": verb, "target": target, "before": before, "after": None, "state": "proposed"}


def test_of_settlements_it_says_what_paid_what_and_how_much() -> None:
    record = {
        "settlement": {"source": "erp", "id": "M10"},
        "number": 1,
        "payment": PAID,
        "invoice": OPEN,
        "amount": "5.00",
        "currency": "GBP",
    }
    assert about(action("reverse-settlement", {"settlement": "M10"}, {"records": [record]})) == [
        {**PAID, "settled": OPEN, "amount": "5.00", "currency": "GBP"}
    ]


def test_of_a_payment_and_of_mended_data_it_says_the_document_and_its_amount() -> None:
    amounts = {"amount": "5.00", "currency": "GBP"}
    expected = [{**PAID, "settled": None, **amounts}]
    assert about(action("reverse-payment", {"ledger": "payable", "payment": PAID}, amounts)) == expected
    assert about(action("resend", {}, {**PAID, **amounts, "lines": []})) == expected


def test_to_whom_the_data_are_hidden_nothing_is_said_of_them() -> None:
    assert about(action("reverse-settlement", {"settlement": "M10"}, None)) == []
    assert about(action("resend", {}, None)) == []
    assert about(action("discard", {"events": []}, [{"source": "erp"}])) == []


def test_mended_marks_are_compared_with_those_that_were_refused_and_not_with_the_payment() -> None:
    data = {**PAID, "amount": "5.00", "settle": [{"company": "UK01", "document": "I-9"}]}
    found = {"scope": "settlement", "type": "vendor-payment.posted", "original": {"data": data}}
    mended = {"ledger": "payable", "settle": [PAID, OPEN]}
    assert compared(found, {"before": data, "after": mended}) == [{"place": "/settle/1/document", "before": "I-9", "after": "I-1"}]
