"""Dimensions are said once, what each line repeats is bounded, and what is said of very many records goes in several messages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.posting.rules.documents import document_voucher
from services.settlement.rules import reversals
from services.settlement.rules.run import messages
from shared.delivery.weight import entries_of
from shared.events.codec import as_json
from shared.events.envelope import EventRef, Message, Outgoing, derived_id
from shared.events.settlements import DocumentPosted, SettlementPosted, SettlementReversed
from shared.events.values import LARGEST_DIMENSIONS, LARGEST_MESSAGE, LARGEST_REPEATED
from tests.builders.settlement import Heard, asked, balances, invoice, mark, paid, result, undone
from tests.builders.trade import bill, pays, sale

HEADER = {f"dimension {number}": "x" * 100 for number in range(15)}


def _invoice(lines: int, **more: Any) -> dict[str, Any]:
    return invoice("INV", f"{lines}.00", lines=[{"account": "sales", "amount": "1.00"}] * lines, **more)


def _documents(*events: dict[str, Any]) -> list[Outgoing]:
    return [each for each in Heard(*events).said if each.type == "document.posted"]


def test_what_is_said_of_a_document_grows_by_its_lines_and_has_the_dimensions_of_its_head_once() -> None:
    sizes = []
    for lines in (500, 1000):
        (bare,) = _documents(_invoice(lines))
        (posted,) = _documents(_invoice(lines, dimensions=HEADER))
        sizes.append(len(as_json(posted.data)) - len(as_json(bare.data)))
    once = len(as_json(HEADER)) - len("{}")
    assert sizes == [once, once]


def test_every_line_of_the_voucher_has_the_dimensions_of_the_head_or_its_own() -> None:
    lines = [{"account": "sales", "amount": "4.00"}, {"account": "sales", "amount": "6.00", "dimensions": {"department": "A"}}]
    of = result(invoice("INV", lines=lines, dimensions={"department": "B"}))
    assert [(line["account"], line["dimensions"]["department"]) for line in of.vouchers[0]["lines"]] == [
        ("accounts_receivable", "B"),
        ("sales", "B"),
        ("sales", "A"),
    ]


def test_a_discount_and_its_tax_have_the_dimensions_of_the_head_where_the_lines_have_none() -> None:
    reduced = {"FAB": {"receivable": {"tax_on_cash_discount": "reduced", "cash_discount_base": "gross"}}}
    lines = [{"account": "sales", "amount": "100.00"}, {"account": "sales_tax", "amount": "19.00"}]
    events = (
        invoice("INV", "119.00", lines=lines, dimensions=HEADER, cash_discounts=[{"percent": "2"}]),
        paid("P", "116.62", mark("INV")),
    )
    of = result(*events, settlement_parameters=reduced)
    discount = [line for voucher in of.vouchers for line in voucher["lines"] if line["rule"] in ("F-C04", "F-D18")]
    assert {line["posting_type"] for line in discount} == {"cash_discount", "sales_tax", "accounts_receivable"}
    assert all(line["dimensions"] == HEADER for line in discount)
    (settled,) = [each.data for each in Heard(*events, settlement_parameters=reduced).said if each.type == "settlement.posted"]
    assert as_json(settled).count(b"dimension 7") == 1  # the invoice says it; its discount, the parts and the tax do not


def test_documents_of_an_earlier_version_whose_lines_repeat_the_head_are_posted_the_same() -> None:
    heard = Heard(_invoice(3, dimensions=HEADER))
    (now,) = [each.data for each in heard.said if each.type == "document.posted"]
    assert isinstance(now, DocumentPosted)
    before = replace(now, lines=[replace(line, dimensions=HEADER) for line in now.lines])
    reference = heard.books.posting.reference
    assert document_voucher(reference, now).lines == document_voucher(reference, before).lines


@pytest.mark.parametrize("lines", [[], [{"account": "sales", "amount": "10.00", "dimensions": {}}]])
def test_dimensions_beyond_their_limit_are_refused_where_they_stand(lines: list[dict[str, Any]]) -> None:
    large = {f"d{number}": "x" * 450 for number in range(20)}
    field, event = "/dimensions", invoice("INV", dimensions=large)
    if lines:
        field, event = "/lines/0/dimensions", invoice("INV", lines=[{**lines[0], "dimensions": large}])
    (refused,) = result(event).rejected
    assert (refused["code"], refused["field"]) == ("invalid", field)
    assert str(LARGEST_DIMENSIONS) in refused["message"]


@pytest.mark.parametrize("repeated", [{"dimensions": {f"d{number}": "x" * 150 for number in range(15)}}, {"text": "𐐀" * 200}])
def test_an_invoice_whose_voucher_would_be_larger_than_a_message_is_refused_and_is_no_fact(repeated: dict[str, Any]) -> None:
    each = len(as_json(repeated["dimensions"])) if "dimensions" in repeated else 800
    most = LARGEST_REPEATED // (each + (3 if "dimensions" in repeated else 0))
    of = result(_invoice(most, **repeated))
    assert not of.rejected
    assert len(as_json(of.vouchers[0])) < LARGEST_MESSAGE
    of = result(_invoice(most + 1, **repeated))
    assert [(refused["code"], refused["field"]) for refused in of.rejected] == [("invalid", "/lines")]
    assert not of.vouchers
    assert not of.open


def test_what_each_line_of_a_voucher_will_repeat_weighs_in_a_batch_of_documents() -> None:
    def weight(event: dict[str, Any]) -> int:
        (posted,) = _documents(event)
        return entries_of(Message(posted.ref, posted.type, posted.data, posted.time, b"", posted.cause, posted.ref))

    bare, with_dimensions = weight(_invoice(100)), weight(_invoice(100, dimensions=HEADER))
    assert with_dimensions > bare + 100 * len(as_json(HEADER)) // 300


def _settled(monkeypatch: pytest.MonkeyPatch, most: int, count: int = 7) -> Heard:
    monkeypatch.setattr(messages, "MOST_RECORDS_SAID", most)
    monkeypatch.setattr(reversals, "MOST_REVERSED_SAID", most)
    invoices = [invoice(f"I{number}") for number in range(count)]
    marks = [mark(f"I{number}") for number in range(count)]
    return Heard(*invoices, paid("P", f"{count * 10}.00", *marks), undone("U", payment={"company": "FAB", "document": "P"}))


def test_a_run_of_many_records_and_its_reversal_are_told_in_several_messages_and_post_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = _settled(monkeypatch, 1_000), _settled(monkeypatch, 3)
    assert whole.now().vouchers == parts.now().vouchers
    assert balances(whole.now()) == balances(parts.now())
    posted = [each.data for each in parts.said if isinstance(each.data, SettlementPosted)]
    assert [[record.number for record in each.records] for each in posted] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [len(each.documents) for each in posted] == [4, 4, 2]
    undone_ = [each.data for each in parts.said if isinstance(each.data, SettlementReversed)]
    assert [(len(each.records), len(each.runs)) for each in undone_] == [(3, 1), (3, 0), (1, 0)]
    refs = [each.ref for each in parts.said]
    assert len(refs) == len(set(refs))


def test_each_message_of_a_run_with_a_primary_names_it_among_its_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MOST_RECORDS_SAID", 1)
    marks = [mark("P2"), mark("I1"), mark("I2"), mark("P1")]
    documents = [paid("P2", "5.00"), paid("P1", "15.00"), invoice("I1"), invoice("I2")]
    heard = Heard(*documents, asked("S", *marks, primary={"company": "FAB", "document": "P1"}))
    posted = [each.data for each in heard.said if isinstance(each.data, SettlementPosted)]
    assert len(posted) == 3
    assert [each.documents[each.primary].document for each in posted if each.primary is not None] == ["P1", "P1", "P1"]


def test_the_parts_and_the_tax_of_discounts_divide_what_is_said_of_a_run_as_dimensions_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each of 4 records there are 5 dimensions: the invoice's own, and those of its discount's two parts and two taxes."""
    one = len(as_json(HEADER)) + 200
    lines = [
        *({"account": "sales", "amount": "50.00", "dimensions": {**HEADER, "place": place}} for place in "AB"),
        *({"account": "sales_tax", "amount": "9.50", "dimensions": {**HEADER, "place": place}} for place in "AB"),
    ]
    reduced = {"FAB": {"receivable": {"tax_on_cash_discount": "reduced", "cash_discount_base": "gross"}}}
    invoices = [invoice(f"I{each}", "119.00", lines=lines, dimensions=HEADER, cash_discounts=[{"percent": "2"}]) for each in range(4)]
    events = [*invoices, paid("P", "466.48", *(mark(f"I{each}") for each in range(4)))]

    def records(most: int) -> list[int]:
        monkeypatch.setattr(messages, "LARGEST_PARTS", most)
        posted = [each.data for each in Heard(*events, settlement_parameters=reduced).said if isinstance(each.data, SettlementPosted)]
        assert {
            (len(record.discount.parts), len(record.discount.tax)) for each in posted for record in each.records if record.discount
        } == {(2, 2)}
        return [len(each.records) for each in posted]

    assert [records(most * one) for most in (21, 16, 11, 6)] == [[4], [3, 1], [2, 2], [1, 1, 1, 1]]


def test_what_is_said_of_a_document_is_what_came_with_it_under_an_id_that_stays_from_version_to_version() -> None:
    lines = [{"account": "sales", "amount": "4.00", "dimensions": {"place": "A"}}, {"account": "sales", "amount": "6.00"}]
    events = [
        invoice("I1", lines=lines, dimensions={"place": "A"}, reference="R", text="T"),
        invoice("I2", currency="EUR", exchange_rate="1.1"),
        paid("P1", "20.00", mark("I1"), offset="bank", reference="Q", text="U"),
    ]
    heard = Heard(*events)
    posted = [each for each in heard.said if each.type == "document.posted"]
    said = [(each.data.document, str(each.data.exchange_rate), each.data.reference, each.data.text) for each in posted]
    assert said == [("I1", "1", "R", "T"), ("I2", "1.1", None, None), ("P1", "1", "Q", "U")]
    assert [[(line.account, line.dimensions) for line in each.data.lines] for each in posted] == [
        [("sales", {}), ("sales", {})],
        [("sales", {})],
        [("bank", {})],
    ]
    assert {line.accounting_amount for each in posted for line in each.data.lines} == {None}, "the rate has all its digits"
    assert [each.ref.id for each in posted] == [derived_id(each.cause, each.time, "document.posted/0", 0) for each in posted]
    (run,) = [each.data for each in heard.said if isinstance(each.data, SettlementPosted)]
    assert [(each.document, each.event) for each in run.documents] == [(name, EventRef("scenario", name)) for name in ("P1", "I1")]
    assert [each.mark for each in run.documents] == [0, 1]


def test_the_bytes_of_dimensions_divide_what_is_said_of_a_run_as_its_records_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "LARGEST_PARTS", 3 * len(as_json(HEADER)))
    invoices = [invoice(f"I{number}", dimensions=HEADER) for number in range(5)]
    heard = Heard(*invoices, paid("P", "50.00", *(mark(f"I{number}") for number in range(5))))
    posted = [each.data for each in heard.said if isinstance(each.data, SettlementPosted)]
    assert [len(each.records) for each in posted] == [3, 2]


def test_a_vendor_payment_whose_run_is_larger_than_a_message_is_posted_and_its_marks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MOST_RECORDS_SAID", 1)
    monkeypatch.setattr(messages, "_LARGEST_WHOLE", 1_000)
    about = {"company": "FABE", "side": "vendor", "account": "IC-WEST"}
    invoices = [invoice(f"V{number}", intercompany_invoice={"company": "FABW", "document": f"S{number}"}, **about) for number in range(2)]
    marks = [mark(f"V{number}", company="FABE") for number in range(2)]
    of = result(*invoices, paid("P", "20.00", *marks, **about))
    assert [(each["code"], each["field"], each["scope"]) for each in of.rejected] == [("invalid", "/settle", "settlement")]
    assert "P" in balances(of)
    assert [each["kind"] for each in of.vouchers].count("settlement") == 0


def test_thousands_of_marks_with_the_longest_names_make_no_message_that_is_too_large() -> None:
    count, name = 2_500, "𐐀" * 58
    invoices = [invoice(f"{name}{number}", reference="𐐀" * 140, cash_discounts=[{"percent": "2"}]) for number in range(count)]
    heard = Heard(*invoices, paid("P", f"{count * 10}.00", *(mark(f"{name}{number}") for number in range(count))))
    sizes = [len(as_json(each.data)) for each in heard.said if isinstance(each.data, SettlementPosted)]
    assert len(sizes) == 3
    assert max(sizes) < LARGEST_MESSAGE // 2


def test_an_automatic_run_that_would_be_larger_than_a_message_ends_earlier_and_a_further_one_settles_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    automatic: dict[str, Any] = {"settlement_parameters": {"FABE": {"payable": {"automatic_settlement": True}}}}
    events = [*(sale(f"S{each}") for each in range(7)), *(bill(f"V{each}", f"S{each}") for each in range(7)), pays("P", "650.00")]
    at_once = Heard(*events, **automatic)
    (whole,) = _posted_of("P", at_once)
    half = len(as_json(whole)) // 2
    monkeypatch.setattr(messages, "MOST_RECORDS_SAID", 1)
    monkeypatch.setattr(messages, "_LARGEST_WHOLE", half)
    in_parts = Heard(*events, **automatic)
    posted = _posted_of("P", in_parts)
    assert whole.reply_expected
    assert all(each.reply_expected and len(as_json(each)) <= half for each in posted)
    assert [len(each.records) for each in posted] == [3, 2, 2]
    assert [record.number for each in posted for record in each.records] == list(range(1, 8))
    assert _open(in_parts) == _open(at_once)
    assert _open(in_parts)["V6"] == 50
    assert (list(in_parts.books.settlement.waiting), list(in_parts.books.settlement.released)) == ([], [])


def _posted_of(payment: str, heard: Heard) -> list[SettlementPosted]:
    posted = [each.data for each in heard.said if isinstance(each.data, SettlementPosted) and each.data.ledger == "payable"]
    return [each for each in posted if any(document.document == payment for document in each.documents)]


def _open(heard: Heard) -> dict[str, Decimal]:
    return {document.document: document.open for document in heard.books.settlement.documents if document.ledger == "payable"}
