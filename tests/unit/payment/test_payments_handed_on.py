"""Payments of other systems are handed on as they are, and refused by the service that knows all ids."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from services.payment.rules import fold, refused_payment
from services.payment.service import SERVICE
from shared.events.codec import decode, digest_as_written
from shared.events.envelope import EventRef, Record, Topic, Unreadable, derived_id
from shared.events.inbound import PaymentPosted
from tests.builders.payment import WEST, Payment, ready
from tests.builders.records import INVOICE, PAYMENT, binary, refused, taken
from tests.builders.senders import sent

DATA = PaymentPosted("FAB", "IC-WEST", "VPAY-7", taken(binary("vendor-payment.posted", PAYMENT)).data.date, "USD", Decimal("980.00"))


def test_a_payment_becomes_a_payment_journal_that_carries_its_event() -> None:
    message = taken(binary("vendor-payment.posted", PAYMENT, time="2026-03-12T10:00:00Z"))
    (posted,) = fold(ready().books, message)
    assert (posted.topic, posted.type, posted.key) == (Topic.JOURNALS, "payment-journal.posted", "WEST")
    assert (posted.data.ledger, posted.data.event, posted.data.digest) == ("payable", EventRef("erp", "E-1"), message.digest.hex())
    assert (posted.data.payment, posted.cause, posted.first, posted.time) == (message.data, message.ref, message.ref, message.time)
    assert fold(ready().books, message) == [posted]


def test_the_ledger_follows_from_the_type() -> None:
    (posted,) = Payment().hear(DATA, name="customer-payment.posted")
    assert posted.data.ledger == "receivable"


def test_a_payment_keeps_its_id_from_version_to_version_however_often_it_is_handed_on() -> None:
    """What is handed on again, by a later version, too, must be known by its id to whoever has taken it."""
    message = taken(binary("vendor-payment.posted", PAYMENT, time="2026-03-12T10:00:00Z"))
    digest = message.digest.hex()
    numbers = {(0, None): digest, (2, None): f"{digest}/2", (0, "erp-eu"): f"{digest}/erp-eu", (2, "erp-eu"): f"{digest}/2/erp-eu"}
    for (replay, sender), number in numbers.items():
        (posted,) = fold(ready().books, replace(message, replay=replay, sender=sender))
        expected = derived_id(message.ref, message.time, f"payment-journal.posted/{number}", 0)
        assert posted.ref == EventRef("intercompany/payment", expected)


def test_a_payment_journal_has_the_digest_of_what_was_written_as_long_as_that_is_at_hand() -> None:
    message = taken(binary("vendor-payment.posted", PAYMENT))
    (posted,) = fold(ready().books, message)
    (without,) = fold(ready().books, replace(message, as_written=b""))
    written = digest_as_written(message)
    assert written is not None
    assert (posted.data.digest_as_written, without.data.digest_as_written) == (written.hex(), None)


def test_a_replay_is_another_journal_event_of_the_same_payment() -> None:
    first = fold(ready().books, taken(binary("vendor-payment.posted", PAYMENT)))[0]
    again = fold(ready().books, taken(binary("vendor-payment.posted", PAYMENT, replay="1")))[0]
    assert (first.data.replay, again.data.replay, first.data.event) == (0, 1, again.data.event)
    assert first.ref != again.ref


def test_the_same_id_with_other_data_is_another_journal_event_so_that_the_conflict_is_seen() -> None:
    first = fold(ready().books, taken(binary("vendor-payment.posted", PAYMENT)))[0]
    other = fold(ready().books, taken(binary("vendor-payment.posted", PAYMENT | {"amount": "1.00"})))[0]
    assert first.ref != other.ref


def test_as_long_as_the_party_is_not_known_the_account_is_the_key() -> None:
    service = Payment()
    assert service.hear(DATA, name="vendor-payment.posted")[0].key == "FAB/IC-WEST"
    service.hear(WEST)
    assert service.hear(DATA, name="vendor-payment.posted")[0].key == "WEST"


def test_a_payment_that_is_wrong_in_form_is_handed_on_with_what_is_wrong() -> None:
    event = refused(binary("vendor-payment.posted", PAYMENT | {"amount": 980}))
    handed_on = refused_payment(event)
    assert handed_on is not None
    assert (handed_on.type, handed_on.key, handed_on.data.event, handed_on.data.code, handed_on.data.field) == (
        "payment.refused",
        "key",
        EventRef("erp", "E-1"),
        "invalid",
        "/amount",
    )
    assert handed_on.data.original["data"]["amount"] == 980
    assert handed_on.data.digest == event.digest.hex() != ""


def test_a_payment_that_is_wrong_in_form_keeps_the_key_of_its_record_readable_or_not() -> None:
    record = binary("vendor-payment.posted", PAYMENT | {"amount": 980})
    keys = [refused_payment(refused(replace(record, key=key))) for key in (None, b"", b"key", b"K\xff")]
    assert [each.key if each is not None else None for each in keys] == ["", "", "key", "K\ufffd"]


def test_a_payment_that_is_wrong_in_form_is_another_event_when_it_is_replayed_or_comes_from_another_sender() -> None:
    wrong = PAYMENT | {"amount": 980}
    records = [binary("vendor-payment.posted", wrong, replay=replay) for replay in ("", "1", "2")]
    records += [sent("vendor-payment.posted", wrong, sender) for sender in ("erp-eu", "erp-us")]
    told = [refused_payment(refused(record)) for record in records]
    assert [each.data.replay for each in told if each is not None] == [0, 1, 2, 0, 0]
    assert len({each.ref for each in told if each is not None}) == len(records)


def test_what_has_no_id_or_is_no_payment_is_not_handed_on() -> None:
    nameless = decode(Record(Topic.PAYMENTS, None, b"{"))
    assert isinstance(nameless, Unreadable)
    assert refused_payment(nameless) is None
    assert refused_payment(refused(binary("vendor-invoice.posted", INVOICE | {"amount": 1}))) is None


def test_the_service_takes_payments_but_no_requests_and_remembers_no_payment() -> None:
    assert SERVICE.takes(Topic.PAYMENTS, "vendor-payment.posted")
    assert not SERVICE.takes(Topic.REQUESTS, "journal-approval.requested")
    assert SERVICE.rejects_unreadable(Topic.PAYMENTS, None)
    assert not SERVICE.rejects_unreadable(Topic.REQUESTS, "journal-approval.requested")
    assert SERVICE.identity(taken(binary("vendor-payment.posted", PAYMENT))) is None
