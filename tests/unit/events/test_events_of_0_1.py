"""What version 0.1 wrote and took is read as it meant it: `released/` was written by that version's own code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.payment.service import SERVICE as PAYMENT
from services.settlement.rules.incoming import read as read_incoming
from services.settlement.rules.values import Request
from services.settlement.service import SERVICE as SETTLEMENT
from shared.delivery.folding import fold_batch, identity_of
from shared.delivery.inbox import Inbox
from shared.events.codec import as_json, decode, encode
from shared.events.contract import CONTRACT
from shared.events.earlier_names import renamed
from shared.events.envelope import Message, Record, Topic
from shared.events.journals import SalesPaymentsReply
from shared.events.settlements import SettlementPosted

RELEASED = Path(__file__).parent / "released"


def _lines(file: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in (RELEASED / file).read_text(encoding="utf-8").splitlines()]


def _record(line: dict[str, Any]) -> Record:
    value = line["value"].encode() if "value" in line else orjson.dumps(line["data"])
    return Record(line["topic"], b"", value, tuple((name, text.encode()) for name, text in line["headers"].items()))


def _name(line: dict[str, Any]) -> str:
    return str(line["headers"]["ce_type"].removeprefix("intercompany.").removesuffix(".v1"))


def _leaves(value: Any) -> Iterator[str]:
    """Every value of a document but its nulls."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    elif value is not None:
        yield str(value)


OWN = _lines("own_events_of_0_1.jsonl")
TAKEN = _lines("taken_by_0_1.jsonl")


def _read(line: dict[str, Any]) -> Message:
    message = decode(_record(line))
    assert isinstance(message, Message), message
    return message


@pytest.mark.parametrize("line", OWN, ids=_name)
def test_an_event_of_our_own_is_read_and_loses_no_value(line: dict[str, Any]) -> None:
    written, read = Counter(_leaves(line["data"])), Counter(_leaves(orjson.loads(as_json(_read(line).data))))
    assert not written - read


def test_every_type_that_the_services_tell_one_another_is_among_them() -> None:
    sent = {name for name, entry in CONTRACT.items() if entry.topic in {Topic.JOURNALS, Topic.SETTLEMENTS}}
    # A run that no journal follows from is answered in the same form as one whose journal waits; 0.1 approved in the payment service.
    assert {_name(line) for line in OWN} == sent - {"sales-payment-journals.answered", "sales-payment-journal.approved"}


def test_the_figures_of_a_settlement_are_under_their_names_of_now() -> None:
    posted = [message.data for message in map(_read, OWN) if isinstance(message.data, SettlementPosted)]
    records = [record for each in posted for record in each.records]
    written = [(line["data"], record) for line in OWN if _name(line) == "settlement.posted" for record in line["data"]["records"]]
    assert [each.reply_expected for each in posted] == [line["data"]["answer"] for line in OWN if _name(line) == "settlement.posted"]
    assert any(each.reply_expected for each in posted)
    for record, (_, old) in zip(records, written, strict=True):
        assert record.accounting_amount_in_payment_company == Decimal(old["lowering_value"])
        assert record.accounting_amount_in_invoice_company == Decimal(old["raising_value"])
        for now, before in ((record.discount, old["discount"]), (record.gain, old["gain"])):
            figures = now and (now.accounting_amount, now.posted_accounting_amount)
            assert figures == (before and (Decimal(before["value"]), Decimal(before["posted_value"])))
        for difference, before in ((record.remainder, old["left"]), (record.shortfall, old["lacking"])):
            assert (difference and difference.accounting_amount) == (before and Decimal(before["value"]))
    assert any(record.remainder for record in records)
    assert any(record.shortfall for record in records)


def test_the_number_of_replies_is_under_its_name_of_now() -> None:
    line = next(line for line in OWN if _name(line) == "sales-payment-journal.waiting")
    reply = _read(line).data
    assert isinstance(reply, SalesPaymentsReply)
    assert reply.reply_count == line["data"]["answers"] > 0


def test_a_dimension_keeps_its_name_whatever_it_is_called() -> None:
    data = orjson.dumps({"documents": [{"dimensions": {"value": "left"}}], "records": [{"value": "1"}]})
    now = renamed(SettlementPosted, data)
    assert now is not None
    assert orjson.loads(now) == {"documents": [{"dimensions": {"value": "left"}}], "records": [{"accounting_amount": "1"}]}


@pytest.mark.parametrize("line", [line for line in OWN if _name(line) == "payment-journal.posted"])
def test_a_payment_that_was_handed_on_as_it_came_has_the_line_of_its_offset(line: dict[str, Any]) -> None:
    payment = line["data"]["payment"]
    document = read_incoming(_read(line)).document
    assert document is not None
    assert [(each.account, each.amount) for each in document.lines] == [(payment["offset"] or "cash", Decimal(payment["amount"]))]


# What 0.1 took is not taken again


def _as_its_service_gets_it(line: dict[str, Any]) -> Message:
    """Payments come to settlement through the payment service."""
    if line["topic"] != Topic.PAYMENTS:
        return _read(line)
    [sent] = PAYMENT.fold(PAYMENT.new_books(), _read(line))
    key, value, headers = encode(sent)
    message = decode(Record(sent.topic, key, value, headers))
    assert isinstance(message, Message)
    return message


def test_every_kind_of_event_from_outside_that_0_1_knew_is_among_them() -> None:
    assert len(TAKEN) == 21
    assert {line["topic"] for line in TAKEN} == {Topic.REFERENCE, Topic.INVOICES, Topic.PAYMENTS, Topic.REQUESTS}


@pytest.mark.parametrize("line", TAKEN, ids=_name)
def test_an_event_that_0_1_took_is_a_duplicate_and_one_with_other_data_a_conflict(line: dict[str, Any]) -> None:
    service, message = SETTLEMENT, _as_its_service_gets_it(line)
    identity = identity_of(service, message)
    assert identity is not None
    key, taken = identity[0], bytes.fromhex(line["digest"])

    again = fold_batch(service, service.new_books(), Inbox({key: taken}), [message])
    assert (again.duplicates, again.taken, again.outgoing) == (1, 0, [])

    [refused] = fold_batch(service, service.new_books(), Inbox({key: taken[::-1]}), [message]).outgoing
    assert refused.data.code == "conflicting-duplicate"


def test_an_approval_that_0_1_carried_out_in_the_payment_service_changes_nothing_when_it_is_read_again() -> None:
    (message,) = (_read(line) for line in TAKEN if _name(line) == "journal-approval.requested")
    books = SETTLEMENT.new_books()
    books.requests.put(message.ref, Request(message.ref, "journal-approval.requested"))
    books.commit()
    again = fold_batch(SETTLEMENT, books, Inbox(), [message])
    assert (again.outgoing, list(books.waiting)) == ([], [])
    unknown = SETTLEMENT.new_books()
    fold_batch(SETTLEMENT, unknown, Inbox(), [message])
    assert [parked.event for parked in unknown.waiting] == [message.ref]
