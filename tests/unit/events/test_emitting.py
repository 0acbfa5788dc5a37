"""What a service says: on the contract's topic, with an id that follows from its cause, and with the chain kept."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.events.emitting import Emitter, caused_by
from shared.events.envelope import EventRef, Message, replay_identity, replay_number

TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)
FIRST, CAUSE = EventRef("erp", "PAY"), EventRef("intercompany/payment", "J-1")
MESSAGE = Message(CAUSE, "payment-journal.posted", None, TIME, first=FIRST, traceparent="00-1-2-01")
EMITTER = Emitter("intercompany/settlement")


def test_an_event_names_its_cause_the_first_of_its_chain_and_its_topic() -> None:
    said = EMITTER.emit(caused_by(MESSAGE), "settlement.posted", 0, "P-1", {})
    assert (said.cause, said.first, said.traceparent, said.time) == (CAUSE, FIRST, "00-1-2-01", TIME)
    assert (said.topic, said.key, said.ref.source) == ("intercompany.settlements", "P-1", "intercompany/settlement")


def test_a_message_without_a_first_event_begins_its_chain() -> None:
    assert caused_by(Message(FIRST, "customer-payment.posted", None, TIME)).first == FIRST


def test_the_same_effect_has_the_same_id_and_any_other_another() -> None:
    cause = caused_by(MESSAGE)
    said: list[tuple[str, int | str]] = [
        ("settlement.posted", 0),
        ("settlement.posted", 1),
        ("settlement.reversed", 0),
        ("settlement.posted", "0"),
        ("settlement.posted", "a"),
    ]
    ids = [EMITTER.emit(cause, name, number, "P-1", {}).ref.id for name, number in said]
    assert len(set(ids)) == len(ids)
    assert ids == [EMITTER.emit(cause, name, number, "P-2", {"other": "data"}).ref.id for name, number in said]
    assert EMITTER.emit(cause._replace(ref=FIRST), "settlement.posted", 0, "P-1", {}).ref.id not in ids


def test_a_replay_takes_an_identity_of_its_own_and_tells_its_number_again() -> None:
    identities = [replay_identity(FIRST, number) for number in (0, 1, 2)]
    assert identities[0] == FIRST
    assert len(set(identities)) == 3
    assert [replay_number(identity, FIRST) for identity in identities] == [0, 1, 2]
