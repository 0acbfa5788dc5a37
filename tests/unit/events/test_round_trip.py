"""What is sent is read back unchanged, whatever it says; and nothing that comes makes reading fail."""

from __future__ import annotations

import datetime as dt
from copy import deepcopy
from decimal import Decimal
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.events.codec import as_json, decode, encode, read_stored
from shared.events.contract import CONTRACT, INBOUND_TOPICS, completed
from shared.events.envelope import EventRef, Message, Outgoing, Record, Topic, Unreadable
from shared.events.inbound import (
    CashDiscount,
    DocumentRef,
    DocumentReversalRequested,
    InvoicePosted,
    JournalApprovalRequested,
    Mark,
    OffsetLine,
    PaymentPosted,
    PaymentReversalRequested,
    SettlementRequested,
    SettlementReversalRequested,
    VoucherImported,
    VoucherImportFailed,
)
from shared.events.journals import PaymentJournal, PaymentRefused, SalesMark, SalesPaymentJournal, SalesPaymentsReply
from shared.events.reference import (
    Buyer,
    CentralizedPaymentsDefined,
    CentralizedPaymentsMembersDefined,
    CompanyDefined,
    ExchangeRatePublished,
    IntercompanyAccountingDefined,
    MethodsOfPaymentDefined,
    PartyDefined,
    PaymentJournalDefined,
    PeriodClosed,
    PeriodOpened,
    PostingOptions,
    PostingProfileDefined,
    ProfileAccounts,
    ReferenceWithdrawn,
    Seller,
    SenderDefined,
    SettlementParametersDefined,
    TradingRelationDefined,
    compaction_key,
)
from shared.events.settlements import (
    Difference,
    Discount,
    DiscountPart,
    DocumentPosted,
    DocumentReversed,
    Gain,
    PostedLine,
    ReversedRecord,
    SalesPaymentJournalRefused,
    SettledDocument,
    SettlementPosted,
    SettlementRecord,
    SettlementReversed,
)
from shared.events.showing import as_cloudevent
from shared.events.vouchers import Rejection, Voucher, VoucherLine

DAY = dt.date(2026, 3, 12)
TIME = dt.datetime(2026, 3, 12, 9, 30, 0, 123456, tzinfo=dt.UTC)

_ids = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)
_decimals = st.decimals(min_value=-(10**15), max_value=10**15, places=4)
_amounts = st.decimals(min_value="0.01", max_value=10**12, places=2)
_refs = st.builds(EventRef, _ids, _ids)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_marks = st.builds(Mark, _ids, _ids, st.none() | _amounts, st.just("normal"), st.none() | _amounts)
_payments = st.builds(
    PaymentPosted,
    *(_ids, _ids, _ids, st.dates(), st.sampled_from(["EUR", "USD"]), _amounts),
    exchange_rate=st.none() | _amounts,
    settle=st.lists(_marks, max_size=3),
    dimensions=st.dictionaries(_ids, _ids, max_size=2),
    primary=st.booleans(),
)
for _type, _strategy in (
    (int, st.integers(-(2**63), 2**63 - 1)),
    (str, st.text(max_size=20)),
    (Decimal, _decimals),
    (EventRef, _refs),
    (PaymentPosted, _payments),
    *((each, st.builds(each)) for each in (Difference, Discount, DiscountPart, Gain, PostedLine, ReversedRecord, SalesMark, VoucherLine)),
    *((each, st.builds(each)) for each in (SettledDocument, SettlementRecord, DocumentPosted, DocumentReversed, SettlementPosted)),
    *((each, st.builds(each)) for each in (SettlementReversed, SalesPaymentJournalRefused, SalesPaymentJournal, SalesPaymentsReply)),
    *((each, st.builds(each)) for each in (PaymentJournal, Voucher)),
    (PaymentRefused, st.builds(PaymentRefused, original=st.dictionaries(st.text(), _json, max_size=3))),
    (Rejection, st.builds(Rejection, original=st.dictionaries(st.text(), _json, max_size=3))),
):
    st.register_type_strategy(_type, _strategy)

OUTBOUND = sorted(name for name, entry in CONTRACT.items() if entry.topic not in INBOUND_TOPICS)


def _sent(name: str, data: Any, **about: Any) -> Outgoing:
    entry = CONTRACT[name]
    service = {Topic.JOURNALS: "payment", Topic.SETTLEMENTS: "settlement"}.get(entry.topic, "posting")
    source = "erp" if entry.inbound else f"intercompany/{service}"
    ref, cause, first = EventRef(source, "id"), EventRef("erp", "Zürich 1"), EventRef("erp", "first")
    return Outgoing(entry.topic, "key", name, ref, data, TIME, about.get("cause", cause), about.get("first", first), reference_offset=7)


def _received(outgoing: Outgoing) -> Message:
    key, value, headers = encode(outgoing)
    message = decode(Record(outgoing.topic, key, value, tuple(headers)))
    assert isinstance(message, Message), message
    return message


@pytest.mark.parametrize("name", OUTBOUND)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.data())
def test_what_our_services_send_is_read_back_unchanged(name: str, drawn: st.DataObject) -> None:
    data = drawn.draw(st.from_type(CONTRACT[name].data))
    sent = _sent(name, data, cause=drawn.draw(_refs), first=drawn.draw(_refs))
    message = _received(sent)
    assert message.data == data
    assert (message.ref, message.type, message.time, message.reference_offset) == (sent.ref, name, TIME, 7)
    assert (message.cause, message.first) == (sent.cause, sent.first)
    assert message.digest == _received(sent).digest


RELATION = TradingRelationDefined(Seller("FABW", "IC-EAST"), Buyer("FABE", "IC-WEST"), "ARPAY-IC", post_automatically=True)
INBOUND: dict[str, Any] = {
    "company.defined": CompanyDefined("FAB", "USD", "Fabrikam", {"cash": ["1010"]}),
    "party.defined": PartyDefined("4050", None, {"FAB": ["4000", "4001"]}, {}, {"FAB": "DOM"}),
    "centralized-payments.defined": CentralizedPaymentsDefined("FAB", "invoice", "payment", PostingOptions("payment")),
    "centralized-payments-members.defined": CentralizedPaymentsMembersDefined(["FAB", "FABE"]),
    "intercompany-accounting.defined": IntercompanyAccountingDefined("FAB", "FABE", "1380", "2380"),
    "settlement-parameters.defined": SettlementParametersDefined(
        "FAB",
        "receivable",
        settlement_priority=[{"due_date": "descending"}, {"transaction_type": ["invoice", "refund"]}],
        maximum_penny_difference=Decimal("0.05"),
    ),
    "posting-profile.defined": PostingProfileDefined("FAB", "GEN", ProfileAccounts("1200", {"DOM": "1210"}, {"4000": "1220"})),
    "methods-of-payment.defined": MethodsOfPaymentDefined("FAB", ["CHECK", "EFT"]),
    "payment-journal.defined": PaymentJournalDefined("FABW", "ARPAY-IC"),
    "trading-relation.defined": RELATION,
    "exchange-rate.published": ExchangeRatePublished("EUR", "USD", DAY, Decimal("1.2277"), "FAB"),
    "period.closed": PeriodClosed("FAB", DAY, DAY),
    "period.opened": PeriodOpened("FAB", DAY, DAY),
    "customer-invoice.posted": InvoicePosted(
        *("FAB", "4000", "INV", DAY, "USD", Decimal("600.00"), "credit_note", DAY, Decimal("1.5")),
        cash_discounts=[CashDiscount(percent=Decimal(2), days=10), CashDiscount(amount=Decimal("1.00"), until=DAY, account="8060")],
        lines=[OffsetLine("sales", Decimal("700.00"), {"department": "01"}), OffsetLine("sales", Decimal("-100.00"))],
        credits="INV-0",
    ),
    "vendor-invoice.posted": InvoicePosted("FABE", "IC", "VI", DAY, "JPY", Decimal(600), intercompany_invoice=DocumentRef("FABW", "CI")),
    "customer-payment.posted": PaymentPosted(
        *("FAB", "4000", "PAY", DAY, "USD", Decimal("580.00")),
        lines=[OffsetLine("cash", Decimal("581.00"), {"department": "01"}), OffsetLine("7010", Decimal("-1.00"))],
        reference="E2E 4711",
        text="Rate 1",
        prepayment=True,
    ),
    "vendor-payment.posted": PaymentPosted(
        "FAB", "IC", "PAY", DAY, "USD", Decimal("0.0000001") * 10**7, settle=[Mark("FABE", "VI", cross_rate=Decimal("0.01287"))]
    ),
    "settlement.requested": SettlementRequested("payable", [Mark("F", "D", full_settlement=True)], DAY, DocumentRef("F", "D"), DAY),
    "settlement-reversal.requested": SettlementReversalRequested("payable", settlement="S", settlement_source="erp", reason="wrong"),
    "document-reversal.requested": DocumentReversalRequested("payable", DocumentRef("F", "D"), DAY, "sent by mistake"),
    "sender.defined": SenderDefined("erp-eu", ["FAB", "FABE"], ["/erp/eu/"], ["invoices", "payments"]),
    "reference.withdrawn": ReferenceWithdrawn("exchange-rate.published", from_="EUR", to="USD", date=DAY),
    "payment-reversal.requested": PaymentReversalRequested("receivable", DocumentRef("F", "D"), DAY),
    "journal-approval.requested": JournalApprovalRequested("FABW", "ARPAY-IC", "ARPAY-IC-FAB-VPAY-7-1"),
    "voucher.imported": VoucherImported("FABW", "AR-SET-000012", "GJ-4711"),
    "voucher.import-failed": VoucherImportFailed("FABW", "AR-SET-1000012", "the period is closed"),
}


def test_there_is_an_example_of_every_inbound_event() -> None:
    assert INBOUND.keys() == {name for name, entry in CONTRACT.items() if entry.inbound}


@pytest.mark.parametrize("name", INBOUND)
def test_what_we_send_for_others_is_read_back_unchanged(name: str) -> None:
    message = _received(_sent(name, INBOUND[name]))
    assert message.data == completed(name, deepcopy(INBOUND[name]), message.ref.source)
    assert message.cause == message.first == message.ref


def test_a_fields_name_on_the_wire_is_from_and_nothing_else() -> None:
    _, value, _ = encode(_sent("period.closed", INBOUND["period.closed"]))
    assert orjson.loads(value) == {"company": "FAB", "from": "2026-03-12", "to": "2026-03-12"}


def test_a_stored_value_whose_text_looks_like_an_exponent_is_written_as_any_other() -> None:
    class Stored(msgspec.Struct, frozen=True, array_like=True):
        reference: str
        amount: Decimal
        date: dt.date
        lines: tuple[str, ...]

    assert as_json(Stored("E2E-2", Decimal("1E+3"), dt.date(2026, 3, 1), ("a",))) == b'["E2E-2","1000","2026-03-01",["a"]]'
    assert as_json(Stored("E2E", Decimal("0.10"), dt.date(2026, 3, 1), ())) == b'["E2E","0.10","2026-03-01",[]]'


def test_decimals_are_sent_in_plain_notation() -> None:
    _, value, _ = encode(_sent("sales-payment-journals.answered", {"a": Decimal("1E+3"), "b": Decimal("1E-7")}))
    assert value.endswith(b',"data":{"a":"1000","b":"0.0000001"}}')


def test_what_is_no_part_of_an_event_is_not_sent() -> None:
    with pytest.raises(TypeError):
        encode(_sent("sales-payment-journals.answered", {"a": object()}))


def test_each_reference_entity_has_a_compaction_key_of_its_own() -> None:
    keys = {name: compaction_key(data) for name, data in INBOUND.items() if CONTRACT[name].topic == Topic.REFERENCE}
    assert keys["trading-relation.defined"] == "trading-relation/FABW/IC-EAST/FABE/IC-WEST"
    assert keys["exchange-rate.published"] == "exchange-rate/FAB/EUR/USD/2026-03-12"
    for_all = ExchangeRatePublished("EUR", "USD", DAY, Decimal(1))
    assert compaction_key(for_all) == keys["reference.withdrawn"] == "exchange-rate//EUR/USD/2026-03-12"
    assert keys["period.closed"] == keys["period.opened"] == "period/FAB/2026-03-12/2026-03-12"
    assert len(set(keys.values())) == len(keys) - 1


def test_a_payment_that_was_handed_on_is_shown_as_the_event_it_came_from() -> None:
    payment = INBOUND["vendor-payment.posted"]
    message = _received(_sent("payment-journal.posted", PaymentJournal("payable", EventRef("erp", "P-1"), "00", payment)))
    shown = as_cloudevent(message)
    assert (shown["source"], shown["id"], shown["type"]) == ("erp", "P-1", "intercompany.vendor-payment.posted.v1")
    assert shown["data"]["amount"] == "1.0000000"
    refused = PaymentRefused(EventRef("erp", "P-1"), "00", "invalid", "/amount", "no", {"id": "P-1", "data": 3})
    assert as_cloudevent(_received(_sent("payment.refused", refused))) == {"id": "P-1", "data": 3}


_headers = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time", "ce_replay", "traceparent"])
        | st.text(),
        st.binary()
        | st.sampled_from([b"1.0", b"erp", b"application/json", b"application/cloudevents+json"])
        | st.sampled_from([f"intercompany.{name}.v1".encode() for name in CONTRACT]),
    )
)
_values = (
    st.none()
    | st.binary()
    | _json.map(orjson.dumps)
    | st.sampled_from(list(INBOUND.values())).map(lambda data: encode(_sent(_name(data), data))[1])
)


def _name(data: Any) -> str:
    return next(name for name, example in INBOUND.items() if example is data)


@settings(max_examples=200, deadline=None)
@given(value=_values, headers=_headers, topic=st.sampled_from([entry.topic for entry in CONTRACT.values()]), when=st.integers())
def test_reading_never_fails(value: bytes | None, headers: list[tuple[str, bytes]], topic: str, when: int) -> None:
    read = decode(Record(topic, None, value, tuple(headers), timestamp_ms=when))
    assert isinstance(read, Message | Unreadable)
    orjson.dumps(as_cloudevent(read))


_edits = st.tuples(st.sampled_from(["company", "amount", "settle", "cash_discounts", "lines", "date", "dimensions", "from", "x"]), _json)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(list(INBOUND)), edits=st.lists(_edits, min_size=1, max_size=3))
def test_data_that_is_changed_at_random_is_read_or_refused_by_field(name: str, edits: list[tuple[str, Any]]) -> None:
    _, value, headers = encode(_sent(name, INBOUND[name]))
    record = Record(CONTRACT[name].topic, None, orjson.dumps(orjson.loads(value) | dict(edits)), tuple(headers))
    read = decode(record)
    if isinstance(read, Unreadable):
        assert (read.code == "invalid" and read.field.startswith("/")) or "stands twice" in read.message
        assert read.message.isprintable()
        assert "\x00" not in read.field


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PostingProfileDefined("A/B", "C"), PostingProfileDefined("A", "B/C")),
        (PostingProfileDefined("A%2FB", "C"), PostingProfileDefined("A/B", "C")),
        (ExchangeRatePublished("EUR", "USD", DAY, Decimal(1), "*"), ExchangeRatePublished("EUR", "USD", DAY, Decimal(1))),
    ],
)
def test_different_entities_have_different_keys_whatever_stands_in_their_ids(one: Any, other: Any) -> None:
    assert compaction_key(one) != compaction_key(other)


@pytest.mark.parametrize(
    ("withdrawn", "defined"),
    [
        (ReferenceWithdrawn("posting-profile.defined", "FAB", posting_profile="GEN"), "posting-profile.defined"),
        (ReferenceWithdrawn("exchange-rate.published", "FAB", from_="EUR", to="USD", date=DAY), "exchange-rate.published"),
        (ReferenceWithdrawn("trading-relation.defined", seller=RELATION.seller, buyer=RELATION.buyer), "trading-relation.defined"),
        (ReferenceWithdrawn("centralized-payments-members.defined"), "centralized-payments-members.defined"),
    ],
)
def test_a_withdrawal_has_the_key_of_what_it_withdraws(withdrawn: ReferenceWithdrawn, defined: str) -> None:
    assert compaction_key(withdrawn) == compaction_key(INBOUND[defined])


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"event": "company.defined", "company": "FAB"}, "/event"),
        ({"event": "period.closed", "company": "FAB"}, "/event"),
        ({"event": "party.defined"}, "/event"),
        ({"event": "posting-profile.defined", "company": "FAB"}, "/posting_profile"),
        ({"event": "methods-of-payment.defined", "company": "FAB", "partner": "FABE"}, "/partner"),
        ({"event": "exchange-rate.published", "from": "EUR", "to": "USD"}, "/date"),
        ({"event": "exchange-rate.published", "to": "USD", "date": "2026-01-01"}, "/from"),
    ],
)
def test_a_withdrawal_names_what_can_be_withdrawn_by_its_key_fields_and_no_others(data: dict[str, Any], field: str) -> None:
    headers = encode(_sent("reference.withdrawn", INBOUND["reference.withdrawn"]))[2]
    read = decode(Record(Topic.REFERENCE, b"key", orjson.dumps(data), headers))
    assert isinstance(read, Unreadable)
    assert (read.code, read.field) == ("invalid", field)


@pytest.mark.parametrize("name", INBOUND)
def test_what_is_stored_is_read_back_as_it_was(name: str) -> None:
    assert read_stored(CONTRACT[name].data, as_json(INBOUND[name])) == INBOUND[name]


def test_what_is_stored_is_not_judged_by_a_list_or_limit_of_today() -> None:
    stored = {"from": "QQQ", "to": "EUR", "date": "2026-01-01", "rate": f"0.{'0' * 25}1", "company": "A\u200b"}
    rate = read_stored(ExchangeRatePublished, orjson.dumps(stored))
    assert (rate.from_, rate.company, rate.rate) == ("QQQ", "A\u200b", Decimal("1E-26"))
