"""What comes from other systems is read in both bindings, or refused by code, field and a message that helps."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.events.contract import full_type
from shared.events.envelope import EventRef, Record, Topic
from shared.events.inbound import InvoicePosted, Mark, OffsetLine, PaymentPosted
from shared.events.refusal import _fields_in
from shared.events.showing import as_cloudevent
from shared.events.values import MOST_MARKS
from tests.builders.records import INVOICE, PAYMENT, binary, refused, structured, taken

PAYMENT_TYPE = full_type("vendor-payment.posted")


def _document(**changes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "E-1", "source": "erp", "type": PAYMENT_TYPE, "data": PAYMENT} | changes


def test_a_binary_event_is_read_with_its_attributes() -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    message = taken(binary("vendor-payment.posted", PAYMENT, time="2026-03-12T10:00:00+01:00", traceparent=traceparent, replay="2"))
    assert message.ref == message.cause == message.first == EventRef("erp", "E-1")
    assert (message.type, message.replay, message.traceparent) == ("vendor-payment.posted", 2, traceparent)
    assert message.time == datetime(2026, 3, 12, 9, tzinfo=UTC)
    assert message.data.settle == [Mark("FABE", "VI-7")]


def test_both_bindings_give_the_same_event() -> None:
    in_binary = taken(binary("vendor-payment.posted", PAYMENT))
    in_structured = taken(structured(Topic.PAYMENTS, _document()))
    assert in_structured.data == in_binary.data
    assert in_structured.digest == in_binary.digest


def test_structured_data_may_be_base64() -> None:
    encoded = _document(data_base64="eyJjb21wYW55IjoiRkFCIn0=")
    del encoded["data"]
    assert refused(structured(Topic.PAYMENTS, encoded)).field == "/account"
    assert refused(structured(Topic.PAYMENTS, encoded | {"data_base64": "*"})).field == "/data_base64"


def test_the_digest_is_over_type_and_data_whatever_their_spelling() -> None:
    digest = taken(binary("vendor-payment.posted", PAYMENT)).digest
    turned = dict(reversed(PAYMENT.items()))
    assert taken(binary("vendor-payment.posted", turned, id_="E-2", time="2027-01-01T00:00:00Z")).digest == digest
    assert taken(binary("vendor-payment.posted", PAYMENT | {"amount": "980.01"})).digest != digest
    assert taken(binary("customer-payment.posted", PAYMENT)).digest != digest


def test_without_a_time_the_brokers_counts_and_without_a_zone_none_is_taken() -> None:
    assert taken(binary("vendor-payment.posted", PAYMENT)).time == datetime(2026, 1, 1, tzinfo=UTC)
    for wrong in ("2026-03-12T10:00:00", "yesterday", "0001-01-01T00:00:00+14:00"):
        unreadable = refused(binary("vendor-payment.posted", PAYMENT, time=wrong))
        assert (unreadable.code, unreadable.field) == ("malformed", "/time")


def test_what_only_our_services_may_say_is_not_believed_of_others() -> None:
    message = taken(binary("vendor-payment.posted", PAYMENT, reference="99", causationid="x", causationsource="y", traceparent="zz"))
    assert (message.reference_offset, message.cause, message.traceparent) == (0, message.ref, None)


def test_amounts_have_the_digits_of_their_currency_and_ids_are_trimmed() -> None:
    invoice: InvoicePosted = taken(binary("vendor-invoice.posted", INVOICE | {"amount": "001000.5000", "document": " VI-7\t"})).data
    assert str(invoice.amount) == "1000.50"
    assert (invoice.document, invoice.date, invoice.kind) == ("VI-7", date(2026, 3, 2), "invoice")


def test_what_is_left_out_has_its_default() -> None:
    payment: PaymentPosted = taken(binary("customer-payment.posted", {key: PAYMENT[key] for key in PAYMENT if key != "settle"})).data
    assert (payment.settle, payment.primary, payment.dimensions) == ([], False, {})
    assert payment.lines == [OffsetLine("cash", Decimal("980.00"))]
    invoice: InvoicePosted = taken(binary("vendor-invoice.posted", INVOICE | {"kind": "credit_note"})).data
    assert (invoice.lines, invoice.due_date) == ([OffsetLine("purchase_returns", invoice.amount)], invoice.date)


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (Record(Topic.PAYMENTS, None, None), ""),
        (Record(Topic.PAYMENTS, None, b"{}"), "/specversion"),
        (Record(Topic.PAYMENTS, None, b"3"), ""),
        (Record(Topic.PAYMENTS, None, b"{}", (("ce_id", b"\xff"),)), ""),
        (Record(Topic.PAYMENTS, None, b"{}", (("content-type", b"application/cloudevents-batch+json"),)), "/specversion"),
        (binary("vendor-payment.posted", b""), ""),
        (binary("vendor-payment.posted", b"{"), ""),
        (binary("vendor-payment.posted", b"\xff\xfe"), ""),
        (binary("vendor-payment.posted", b'{"amount": NaN}'), ""),
        (binary("vendor-payment.posted", b'{"a":' * 230 + b"1" + b"}" * 230), ""),
        (binary("vendor-payment.posted", b'{"a":' * 2000 + b"1" + b"}" * 2000), ""),
        (binary("vendor-payment.posted", b" " * (5 << 20)), ""),
        (binary("vendor-payment.posted", PAYMENT, specversion="0.3"), "/specversion"),
        (binary("vendor-payment.posted", PAYMENT, id_=""), "/id"),
        (binary("vendor-payment.posted", PAYMENT, id_="  "), "/id"),
        (binary("vendor-payment.posted", PAYMENT, source=""), "/source"),
        (binary("vendor-payment.posted", PAYMENT, type=""), "/type"),
        (structured(Topic.PAYMENTS, _document(id=7)), "/id"),
        (structured(Topic.PAYMENTS, b'{"specversion": "1.0"'), ""),
    ],
)
def test_what_is_no_cloudevent_is_malformed(record: Record, field: str) -> None:
    unreadable = refused(record)
    assert (unreadable.code, unreadable.field) == ("malformed", field)
    assert unreadable.message


def test_a_malformed_event_with_an_id_is_known_by_it() -> None:
    unreadable = refused(binary("vendor-payment.posted", b"{"))
    assert (unreadable.ref, unreadable.type) == (EventRef("erp", "E-1"), "vendor-payment.posted")
    assert len(unreadable.digest) == 16
    assert refused(Record(Topic.PAYMENTS, None, b"{")).ref is None


@pytest.mark.parametrize("type_", ["intercompany.vendor-payment.posted.v2", "vendor-payment.posted", "intercompany..v1", "x"])
def test_a_type_or_version_that_is_not_in_the_contract_is_unknown(type_: str) -> None:
    unreadable = refused(binary("vendor-payment.posted", PAYMENT, type=type_))
    assert (unreadable.code, unreadable.field, unreadable.type) == ("unknown-type", "/type", type_)


@pytest.mark.parametrize("type_", ["vendor-payment.posted", "intercompany.vendor-payment.postd.v1", "vendor-payments.posted"])
def test_a_type_that_is_spelled_much_like_one_of_the_contract_is_told_which(type_: str) -> None:
    assert refused(binary("vendor-payment.posted", PAYMENT, type=type_)).message.endswith(f": did you mean {PAYMENT_TYPE}?")


def test_a_type_on_another_topic_than_its_own_is_unknown_there() -> None:
    unreadable = refused(binary("vendor-payment.posted", PAYMENT, topic=Topic.INVOICES))
    assert unreadable.code == "unknown-type"
    assert "but on intercompany.payments" in unreadable.message
    assert taken(binary("vendor-payment.posted", PAYMENT, topic=f"test.{Topic.PAYMENTS}")).data.company == "FAB"


def test_what_the_services_send_is_not_taken_from_others() -> None:
    unreadable = refused(binary("voucher.posted", {}, topic=Topic.REQUESTS))
    assert (unreadable.code, unreadable.message) == ("unknown-type", "voucher.posted is sent by the services, not to them")


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"amount": 1000.0}, "/amount", "1000.0 is not a decimal string"),
        ({"amount": "0.00"}, "/amount", "not positive"),
        ({"amount": "-1.00"}, "/amount", "not positive"),
        ({"amount": "1e3"}, "/amount", "is not a decimal number"),
        ({"amount": "NaN"}, "/amount", "is not a decimal number"),
        ({"amount": "١٢"}, "/amount", "is not a decimal number"),
        ({"amount": "1" * 19}, "/amount", "has 19 digits before the point: at most 18"),
        ({"amount": "20.005"}, "/amount", "at most 2 after the point"),
        ({"currency": "JPY", "amount": "20.5"}, "/amount", "at most 0 after the point"),
        ({"currency": "KWD", "amount": "20.0001"}, "/amount", "at most 3 after the point"),
        ({"currency": "usd"}, "/currency", "ISO 4217"),
        ({"currency": "XAU"}, "/currency", "ISO 4217"),
        ({"date": "2026-02-30"}, "/date", "YYYY-MM-DD"),
        ({"date": "20260302"}, "/date", "YYYY-MM-DD"),
        ({"date": 46000}, "/date", "YYYY-MM-DD"),
        ({"date": "2026-03-02T00:00:00Z"}, "/date", "YYYY-MM-DD"),
        ({"document": "x" * 65}, "/document", "has 65 characters: at most 64"),
        ({"document": "  "}, "/document", "is empty"),
        ({"document": "a\u0000b"}, "/document", "U+0000 control character"),
        ({"company": 7}, "/company", "7 is not text"),
        ({"company": None}, "/company", "the field is missing"),
        ({"kind": "bill"}, "/kind", "credit_note"),
        ({"duedate": "2026-04-02"}, "/duedate", "did you mean due_date?"),
        ({"qqq": 1}, "/qqq", "the fields here are company, account"),
        ({"a/b~c\u0000": 1}, "/a~1b~0c\\x00", "there is no field"),
        ({"exchange_rate": "0"}, "/exchange_rate", "not positive"),
        ({"lines": {}}, "/lines", "is not a list"),
        ({"lines": [{"account": "sales", "amount": "0.00"}]}, "/lines/0/amount", "is zero"),
        ({"lines": [{"account": "sales", "amount": "1.005"}]}, "/lines/0/amount", "more digits"),
        ({"lines": [3]}, "/lines/0", "is not a JSON object"),
        ({"dimensions": {"": "x"}}, "/dimensions/", "is empty"),
        ({"dimensions": {"cost center": 7}}, "/dimensions/cost center", "is not text"),
        ({"cash_discounts": [{"days": 10}]}, "/cash_discounts/0", "percent or amount"),
        ({"cash_discounts": [{"percent": "2", "amount": "2.00"}]}, "/cash_discounts/0/amount", "not both"),
        ({"cash_discounts": [{"percent": "2", "days": 1, "until": "2026-04-01"}]}, "/cash_discounts/0/until", "not both"),
        ({"cash_discounts": [{"percent": "101"}]}, "/cash_discounts/0/percent", "100 percent"),
        ({"cash_discounts": [{"percent": "0"}]}, "/cash_discounts/0/percent", "not positive"),
        ({"cash_discounts": [{"percent": "2"}, {"percent": "1", "days": -1}]}, "/cash_discounts/1/days", "-1 is less than 0"),
        ({"cash_discounts": [{"percent": "1", "days": 1.5}]}, "/cash_discounts/0/days", "is not a whole number"),
        ({"cash_discounts": [{"percent": "1", "days": 10**40}]}, "/cash_discounts/0/days", ""),
        ({"cash_discounts": [{"amount": "1.001"}]}, "/cash_discounts/0/amount", "more digits"),
        ({"cash_discounts": [{"amount": "1000.01"}]}, "/cash_discounts/0/amount", "more than the document's amount"),
        ({"date": "9999-12-31", "cash_discounts": [{"percent": "1", "days": 1}]}, "/cash_discounts/0/days", "beyond the calendar"),
        ({"credits": "VI-1"}, "/credits", "only a credit note"),
        ({"intercompany_invoice": {"company": "FABW"}}, "/intercompany_invoice/document", "missing"),
    ],
)
def test_an_invoice_that_is_invalid_says_where_and_what_would_be_right(changes: dict[str, Any], field: str, says: str) -> None:
    value = _json(INVOICE | changes)
    unreadable = refused(binary("vendor-invoice.posted", value))
    assert (unreadable.code, unreadable.field) == ("invalid", field)
    assert says in unreadable.message
    assert unreadable.message.isprintable()


def _json(data: dict[str, Any]) -> bytes:
    import json  # noqa: PLC0415 - orjson writes no number beyond 64 bits

    return json.dumps(data).encode()


def test_a_customer_invoice_names_no_sellers_invoice() -> None:
    invoice = INVOICE | {"intercompany_invoice": {"company": "FABW", "document": "CI-7"}}
    assert refused(binary("customer-invoice.posted", invoice)).field == "/intercompany_invoice"
    assert taken(binary("vendor-invoice.posted", invoice)).data.intercompany_invoice.document == "CI-7"


@pytest.mark.parametrize("field", ["company", "account", "document", "date", "currency", "amount"])
def test_a_field_that_is_missing_is_named(field: str) -> None:
    unreadable = refused(binary("vendor-invoice.posted", {key: INVOICE[key] for key in INVOICE if key != field}))
    assert (unreadable.code, unreadable.field, unreadable.message) == ("invalid", f"/{field}", "the field is missing")


@pytest.mark.parametrize(
    ("mark", "field"),
    [
        ({"amount_to_settle": "980.001"}, "/settle/0/amount_to_settle"),
        ({"amount_to_settle": "0.00"}, "/settle/0/amount_to_settle"),
        ({"cash_discount_to_take": "-1.00"}, "/settle/0/cash_discount_to_take"),
        ({"use_cash_discount": "maybe"}, "/settle/0/use_cash_discount"),
        ({"full_settlement": "true"}, "/settle/0/full_settlement"),
        ({"document": "x" * 65}, "/settle/0/document"),
        ({"amount": "1.00"}, "/settle/0/amount"),
    ],
)
def test_a_mark_that_is_invalid_is_named_by_its_place(mark: dict[str, Any], field: str) -> None:
    unreadable = refused(binary("vendor-payment.posted", PAYMENT | {"settle": [{"company": "FABE", "document": "VI-7"} | mark]}))
    assert (unreadable.code, unreadable.field) == ("invalid", field)


def test_a_mark_takes_a_discount_of_nothing_and_names_a_sales_payment_whatever_its_length() -> None:
    number = f"{'J' * 64}-{'C' * 64}-{'D' * 64}-12"
    mark = {"company": "FABE", "document": number, "cash_discount_to_take": "0.00"}
    assert taken(binary("vendor-payment.posted", PAYMENT | {"settle": [mark]})).data.settle == [
        Mark("FABE", number, cash_discount_to_take=Decimal("0.00"))
    ]


def test_a_payment_with_more_marks_than_a_run_can_have_is_read_its_marks_are_judged_where_they_are_settled() -> None:
    marks = [{"company": "FABE", "document": str(number)} for number in range(MOST_MARKS + 1)]
    assert len(taken(binary("vendor-payment.posted", PAYMENT | {"settle": marks})).data.settle) == MOST_MARKS + 1


def test_of_very_many_errors_one_is_named() -> None:
    unreadable = refused(binary("vendor-payment.posted", dict.fromkeys(map(str, range(9_990)), 1)))
    assert (unreadable.code, unreadable.field) == ("invalid", "/0")
    assert "things are wrong" in unreadable.message
    lines = [{"account": "sales", "amount": 1}] * 101
    unreadable = refused(binary("vendor-invoice.posted", INVOICE | {"lines": lines}))
    assert (unreadable.code, unreadable.field) == ("invalid", "")
    assert "101 things are wrong" in unreadable.message


def test_the_first_error_in_the_order_of_the_document_is_reported() -> None:
    in_order = {"extra": 1, "amount": "x", "company": ""}
    assert refused(binary("vendor-payment.posted", in_order)).field == "/extra"
    assert refused(binary("vendor-payment.posted", {"company": "", "extra": 1})).field == "/company"
    marks = [{"document": "VI-7", "company": "FABE"}, {"document": 1, "company": 2}]
    assert refused(binary("vendor-payment.posted", PAYMENT | {"settle": marks, "date": "x"})).field == "/date"
    assert refused(binary("vendor-payment.posted", PAYMENT | {"settle": marks})).field == "/settle/1/document"
    contradictions = {"currency": "JPY", "settle": [{"company": "F", "document": "D", "amount_to_settle": "1.5"}], "amount": "1.5"}
    wrong = {key: PAYMENT[key] for key in ("company", "account", "document", "date")} | contradictions
    assert refused(binary("vendor-payment.posted", wrong)).field == "/settle/0/amount_to_settle"


@pytest.mark.parametrize(
    ("name", "data", "field"),
    [
        ("settlement.requested", {"ledger": "payable", "settle": []}, "/settle"),
        ("settlement.requested", {"ledger": "both", "settle": [{"company": "F", "document": "D"}]}, "/ledger"),
        ("settlement-reversal.requested", {"ledger": "payable"}, "/payment"),
        ("settlement-reversal.requested", {"ledger": "payable", "settlement_source": "erp"}, "/settlement_source"),
        (
            "settlement-reversal.requested",
            {"ledger": "payable", "payment": {"company": "F", "document": "D"}, "settlement": "S"},
            "/settlement",
        ),
        (
            "settlement-reversal.requested",
            {"ledger": "payable", "payment": {"company": "F", "document": "D"}, "settlement_source": "erp"},
            "/settlement_source",
        ),
        ("payment-reversal.requested", {"ledger": "payable", "date": "2026-01-01"}, "/payment"),
        ("document-reversal.requested", {"ledger": "payable", "payment": {"company": "F", "document": "D"}}, "/payment"),
        ("document-reversal.requested", {"ledger": "payable", "document": {"company": "F"}}, "/document/document"),
        ("journal-approval.requested", {"company": "F", "journal": "J"}, "/document"),
        ("voucher.imported", {"company": "F", "voucher": "AR-SET-000012"}, "/erp_number"),
        ("voucher.imported", {"company": "F", "voucher": "AR-SET-12", "erp_number": "1"}, "/voucher"),
        ("voucher.imported", {"company": "F", "voucher": "AR-SET-0000012", "erp_number": "1"}, "/voucher"),
        ("voucher.imported", {"company": "F", "voucher": "12", "erp_number": "1"}, "/voucher"),
        ("voucher.import-failed", {"company": "F", "voucher": "AR-SET-000012", "erp_number": "1", "message": ""}, "/erp_number"),
    ],
)
def test_a_request_that_is_invalid_names_the_field(name: str, data: dict[str, Any], field: str) -> None:
    unreadable = refused(binary(name, data))
    assert (unreadable.code, unreadable.field) == ("invalid", field)


@pytest.mark.parametrize(
    ("attributes", "field"),
    [({"id_": "x" * 65}, "/id"), ({"id_": "a\u0000"}, "/id"), ({"source": "s" * 513}, "/source")],
)
def test_an_id_outside_its_values_is_invalid_and_still_shown(attributes: dict[str, str], field: str) -> None:
    unreadable = refused(binary("vendor-payment.posted", PAYMENT, **attributes))
    assert (unreadable.code, unreadable.field) == ("invalid", field)
    assert unreadable.ref is not None
    assert unreadable.ref.id.isprintable()


def test_an_unknown_type_counts_before_an_invalid_id() -> None:
    assert refused(binary("vendor-payment.posted", PAYMENT, id_="x" * 65, type="x")).code == "unknown-type"


def test_a_refused_event_is_shown_whole() -> None:
    shown = as_cloudevent(refused(binary("vendor-payment.posted", PAYMENT | {"amount": 980})))
    assert (shown["id"], shown["source"], shown["type"], shown["data"]["amount"]) == ("E-1", "erp", PAYMENT_TYPE, 980)
    assert as_cloudevent(structured(Topic.PAYMENTS, _document()))["data"] == PAYMENT
    assert as_cloudevent(binary("vendor-payment.posted", b"\xff"))["data_base64"] == "/w=="
    too_long = as_cloudevent(binary("vendor-payment.posted", b" " * (5 << 20)))
    assert too_long["datalength"] == 5 << 20
    assert len(too_long["data_base64"]) < 1 << 19


def test_what_is_remembered_of_refusals_is_bounded_whatever_names_are_sent() -> None:
    for number in range(600):
        refused(binary("vendor-invoice.posted", INVOICE | {"dimensions": {f"d{number}": {"x": 1}}}))
        refused(binary("vendor-invoice.posted", INVOICE | {f"x{number}": 1}))
    assert _fields_in.cache_info().currsize <= 512


def test_replay_is_an_attribute_of_payments_alone() -> None:
    assert taken(binary("vendor-payment.posted", PAYMENT, replay="3")).replay == 3
    assert taken(binary("vendor-payment.posted", PAYMENT, replay="some day")).replay == 0
    assert taken(binary("vendor-invoice.posted", INVOICE, replay="3")).replay == 0
    assert refused(binary("vendor-payment.posted", PAYMENT | {"amount": 1}, replay="3")).replay == 3
    assert refused(binary("vendor-invoice.posted", INVOICE | {"amount": 1}, replay="3")).replay == 0
