"""What usual senders write is taken; what cannot be taken is answered with what was seen and what to send."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shared.events.bindings import LARGEST_INBOUND, MOST_HEADERS
from shared.events.contract import full_type
from shared.events.envelope import EventRef, Record, Topic
from tests.builders.records import INVOICE, PAYMENT, binary, refused, taken

TYPE = full_type("vendor-payment.posted")
EVENT = {"specversion": "1.0", "id": "E-1", "source": "erp", "type": TYPE, "data": PAYMENT}
JSON = ("content-type", b"application/json")
NAMED = binary("vendor-payment.posted", PAYMENT)


def _record(value: Any, *headers: tuple[str, bytes], topic: str = Topic.PAYMENTS) -> Record:
    return Record(topic, b"key", value if isinstance(value, bytes) else orjson.dumps(value), headers)


def _registry(value: bytes) -> bytes:
    return b"\0\0\0\0\x2a" + value


def _connect(payload: Any, kind: str = "struct") -> dict[str, Any]:
    return {"schema": {"type": kind, "optional": False}, "payload": payload}


@pytest.mark.parametrize(
    "record",
    [
        _record(EVENT, JSON),
        _record(EVENT, ("content-type", b"text/plain")),
        _record(EVENT),
        _record(EVENT, ("traceparent", b"x"), ("application", b"erp")),
        _record(b"\xef\xbb\xbf" + orjson.dumps(EVENT), JSON),
        _record(b"\xef\xbb\xbf" + orjson.dumps(PAYMENT), *NAMED.headers),
        _record(_registry(orjson.dumps(EVENT)), JSON),
        _record(_registry(orjson.dumps(PAYMENT)), *NAMED.headers),
        _record(_connect(EVENT), JSON),
        _record(_connect(PAYMENT), *NAMED.headers),
        _record(_connect(orjson.dumps(PAYMENT).decode(), "string"), *NAMED.headers),
    ],
    ids=(
        "SDK's structured form",
        "any content type",
        "no content type",
        "headers of others",
        "byte order mark, structured",
        "byte order mark, binary",
        "schema registry, structured",
        "schema registry, binary",
        "Connect, structured",
        "Connect, binary",
        "Connect, payload as text",
    ),
)
def test_what_usual_senders_put_around_an_event_is_taken_off(record: Record) -> None:
    message = taken(record)
    assert (message.ref, message.type) == (EventRef("erp", "E-1"), "vendor-payment.posted")
    assert (message.data, message.digest) == (taken(NAMED).data, taken(NAMED).digest)


def test_data_with_the_fields_schema_and_payload_alone_is_no_envelope_unless_the_schema_is_one() -> None:
    assert refused(_record({"schema": "1", "payload": PAYMENT}, *NAMED.headers)).field == "/schema"


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (_record(PAYMENT, ("ce-id", b"E-1"), ("ce-type", TYPE.encode())), 'the header "ce-id" is that of HTTP, in Kafka it is "ce_id"'),
        (_record(PAYMENT, ("CE_ID", b"E-1"), JSON), 'the header "CE_ID" is not in lower case, it is "ce_id"'),
        (_record([EVENT], ("content-type", b"application/cloudevents-batch+json")), "send each event as a record of its own"),
        (
            _record(PAYMENT, ("content-type", b"application/cloudevents+protobuf")),
            'the content type "application/cloudevents+protobuf" is not read',
        ),
        (_record(PAYMENT, ("id", b"E-1"), JSON), 'no ce_ headers, and the value has no specversion but "company", "account"'),
        (_record({}, JSON), "the value has no specversion but nothing"),
        (_record({**EVENT, "specversion": "0.3"}), 'specversion must be "1.0", got "0.3"'),
        (binary("vendor-payment.posted", PAYMENT, specversion=""), "specversion is missing"),
    ],
)
def test_an_event_whose_attributes_are_not_found_is_told_what_was_seen_and_what_to_send(record: Record, says: str) -> None:
    unreadable = refused(record)
    assert (unreadable.code, unreadable.field) == ("malformed", "/specversion")
    assert says in unreadable.message


@pytest.mark.parametrize("value", [_registry(b"\x02\x0eFAB"), b"\0", b"\0\0\0\0\x01"])
def test_what_a_schema_registry_has_written_in_another_form_than_json_is_named(value: bytes) -> None:
    unreadable = refused(_record(value, *NAMED.headers))
    assert (unreadable.code, "written by a schema registry serializer" in unreadable.message) == ("malformed", True)


def test_a_tombstone_on_the_reference_topic_is_told_how_to_take_data_back() -> None:
    assert "reference.withdrawn" in refused(Record(Topic.REFERENCE, b"company/FAB", None)).message
    assert "reference.withdrawn" not in refused(Record(Topic.PAYMENTS, b"4000", None)).message


# Keys and attributes


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b'{"company": "FAB", "amount": "1.00", "amount": "2.00"}', "amount"),
        (b'{"company": "FAB", "dimensions": {"CC": "1", " CC ": "2"}}', "CC"),
        (b'{"settle": [{"company": "FAB", "document": "I\\": 7", "document": "I"}]}', "document"),
    ],
)
def test_a_key_that_stands_twice_is_named(data: bytes, key: str) -> None:
    for record in (_record(data, *NAMED.headers), _record(orjson.dumps(EVENT)[:-1].partition(b'"data"')[0] + b'"data": ' + data + b"}")):
        unreadable = refused(record)
        assert (unreadable.code, f'the key "{key}" stands twice' in unreadable.message) == ("malformed", True)


def test_a_text_that_looks_like_a_key_is_a_text() -> None:
    text = 'a": "b'
    assert taken(binary("vendor-payment.posted", PAYMENT | {"text": text})).data.text == text
    assert taken(binary("vendor-payment.posted", PAYMENT | {"text": ": x"})).data.text == ": x"


def test_an_attribute_that_stands_twice_is_named() -> None:
    unreadable = refused(_record(PAYMENT, *NAMED.headers, ("ce_id", b"E-2")))
    assert (unreadable.code, unreadable.field, '"ce_id" stands there twice' in unreadable.message) == ("malformed", "/id", True)


@pytest.mark.parametrize("value", [{"deep": [[[1]]]}, [1]])
def test_an_attribute_is_text_a_number_or_a_boolean(value: Any) -> None:
    unreadable = refused(_record(EVENT | {"extension": value}))
    assert (unreadable.code, unreadable.field) == ("malformed", "/extension")
    assert taken(_record(EVENT | {"extension": True, "another": 7, "none": None})).ref.id == "E-1"


def test_a_record_with_more_headers_than_anyone_needs_is_refused() -> None:
    many = tuple((f"h{number}", b"x") for number in range(MOST_HEADERS - len(NAMED.headers)))
    assert taken(_record(PAYMENT, *NAMED.headers, *many)).ref.id == "E-1"
    assert "at most 100 are read" in refused(_record(PAYMENT, *NAMED.headers, *many, ("one", b"more"))).message


def test_ids_of_refused_events_are_cut_to_what_an_index_holds() -> None:
    unreadable = refused(binary("vendor-payment.posted", PAYMENT, id_="ä" * 1024, source="💶" * 1024))
    assert unreadable.ref is not None
    assert all(len(part.encode()) <= 512 for part in unreadable.ref)


def test_a_record_of_a_mebibyte_is_read_and_a_larger_one_is_not() -> None:
    spare = LARGEST_INBOUND - len(orjson.dumps(PAYMENT))
    assert taken(_record(orjson.dumps(PAYMENT) + b" " * spare, *NAMED.headers)).ref.id == "E-1"
    assert "at most 1048576 are read" in refused(_record(orjson.dumps(PAYMENT) + b" " * (spare + 1), *NAMED.headers)).message


# Values


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u2066", "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("\ufeff", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("\u00ad", "U+00AD SOFT HYPHEN"),
        ("\u0085", "U+0085 control character"),
        ("\u0007", "U+0007 control character"),
    ],
)
def test_what_does_not_show_is_refused_in_ids_by_name(character: str, name: str) -> None:
    number = f"VI{character}7"
    for record, field in (
        (binary("vendor-invoice.posted", INVOICE | {"document": number}), "/document"),
        (binary("vendor-payment.posted", PAYMENT | {"settle": [{"company": "F", "document": number}]}), "/settle/0/document"),
        (binary("vendor-payment.posted", PAYMENT, id_=number), "/id"),
        (binary("vendor-payment.posted", PAYMENT, source=number), "/source"),
    ):
        unreadable = refused(record)
        assert (unreadable.code, unreadable.field) == ("invalid", field)
        assert name in unreadable.message
        assert unreadable.message.isprintable()


def test_texts_may_hold_what_ids_may_not_but_no_control_characters() -> None:
    assert taken(binary("vendor-invoice.posted", INVOICE | {"text": "a\u200db", "reference": "a\u200cb"})).data.text == "a\u200db"
    assert refused(binary("vendor-invoice.posted", INVOICE | {"text": "a\u0085b"})).field == "/text"
    assert refused(binary("vendor-invoice.posted", INVOICE | {"reference": "a\nb"})).field == "/reference"


TOO_MANY = [{"account": "a", "amount": "1"}] * 10_001


@pytest.mark.parametrize(
    ("name", "data", "field", "says"),
    [
        ("vendor-payment.posted", PAYMENT | {"amt": "1"}, "/amt", "the fields here are company, account, document"),
        ("vendor-payment.posted", PAYMENT | {"amuont": "1"}, "/amuont", "did you mean amount?"),
        ("vendor-invoice.posted", INVOICE | {"amount": "-70.00"}, "/amount", "what lowers the balance is sent as kind credit_note"),
        (
            "vendor-payment.posted",
            PAYMENT | {"amount": "-70.00"},
            "/amount",
            "money that is paid back is sent as an invoice",
        ),
        ("vendor-invoice.posted", INVOICE | {"kind": "bill"}, "/kind", '"bill" is not one of invoice, credit_note, interest_note, '),
        (
            "vendor-invoice.posted",
            INVOICE | {"lines": [{"account": "a", "amount": "1"}] * 10_001},
            "/lines",
            "there are 10001 entries: at most 10000",
        ),
        ("settlement.requested", {"ledger": "payable", "settle": []}, "/settle", "the list is empty: at least one entry is needed"),
    ],
)
def test_what_is_wrong_is_said_in_words_of_the_contract(name: str, data: Any, field: str, says: str) -> None:
    unreadable = refused(binary(name, data))
    assert (unreadable.code, unreadable.field) == ("invalid", field)
    assert says in unreadable.message


def test_a_negative_amount_of_nothing_is_not_told_of_credit_notes() -> None:
    assert "credit_note" not in refused(binary("vendor-invoice.posted", INVOICE | {"amount": "-0.00"})).message
