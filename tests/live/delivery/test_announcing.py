"""Senders are told what waits, once and only after a while, and that it resumed; exactly once, whatever crashes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from services.payment.service import SERVICE as PAYMENT
from services.settlement.service import SERVICE as SETTLEMENT
from shared.delivery import shell_queries
from shared.delivery.outbox import unpack
from shared.delivery.service import AnyService
from shared.events.codec import decode, encode
from shared.events.contract import CONTRACT
from shared.events.envelope import EventRef, Message, Outgoing, Record, Topic
from shared.events.inbound import JournalApprovalRequested
from shared.settings import Settings
from shared.working_set import SLICE
from tests.builders.invoices import headers, invoice, invoice_data
from tests.builders.payment import IC_4, NUMBER, ready
from tests.builders.records import binary, taken
from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded

AN_HOUR = timedelta(hours=1)
Make = Callable[..., Awaitable[Running]]


@pytest.fixture
async def make(settings: Settings) -> AsyncIterator[Make]:
    made: list[Running] = []

    async def running(service: AnyService = SETTLEMENT, after: timedelta | None = AN_HOUR) -> Running:
        made.append(Running(settings.model_copy(update={"announce_waits_after": after}), service))
        await made[-1].prepare()
        return made[-1]

    yield running
    for each in made:
        await each.database.close()


def _reference(identifier: str, name: str, offset: int, data: dict[str, Any]) -> Record:
    return Record(Topic.REFERENCE, identifier.encode(), orjson.dumps(data), headers(identifier, name), 0, offset, 1_767_225_600_000)


PARTY = _reference("NW", "party.defined", 0, {"party": "NW", "customers": {"FAB": "4000"}})
COMPANY = _reference("FAB", "company.defined", 1, {"company": "FAB", "currency": "USD"})


async def _said(running: Running, *names: str) -> list[Message]:
    """The events of these names that go out, in order."""
    async with running.database.transaction() as connection:
        rows = await connection.fetch("select messages from outbox order by id")
    sent = [message for row in rows for message in unpack(row["messages"])]
    read = [decode(Record(each.topic, each.key, each.value, tuple(each.headers))) for each in sent]
    return [each for each in read if isinstance(each, Message) and each.type in (names or ("event.waiting", "event.resumed"))]


async def _told(running: Running) -> list[tuple[str, str]]:
    return [(each.type.removeprefix("event."), each.data.event) for each in await _said(running)]


async def _an_hour_later(running: Running, tables: Sequence[str] = ("waiting",)) -> None:
    for table in tables:
        await running.value(f"with moved as (update {table} set since = since - interval '2 hours' returning 1) select count(*) from moved")  # noqa: S608
    await running.housekeeping.once()


async def test_what_waits_is_told_once_and_only_after_a_while(make: Make) -> None:
    running = await make()
    begun = datetime.now(UTC)
    await running.deliver(PARTY, invoice("A", 0, document="D1"))
    await running.housekeeping.once()
    assert await _told(running) == []
    await _an_hour_later(running)
    await running.housekeeping.once()
    [told] = await _said(running)
    wait = told.data
    assert (told.type, told.ref.source, told.record and told.record.topic) == ("event.waiting", "intercompany/settlement", Topic.REJECTIONS)
    assert (wait.event, wait.source, wait.what, wait.for_, wait.key) == ("A", "erp", "document", "company", {"company": "FAB"})
    assert begun <= wait.since <= datetime.now(UTC)
    assert (told.cause, told.first) == (EventRef("erp", "A"), EventRef("erp", "A"))
    assert told.record
    assert orjson.loads(told.record.value or b"").keys() == {"event", "source", "what", "for", "key", "since"}


async def test_that_it_resumed_is_told_once_and_with_what_was_told_before(make: Make) -> None:
    running = await make()
    await running.deliver(PARTY, invoice("A", 0, document="D1"), invoice("B", 1, document="D2"))
    await _an_hour_later(running)
    await running.deliver(COMPANY)
    await running.housekeeping.once()
    await running.housekeeping.once()
    assert await _told(running) == [("waiting", "A"), ("waiting", "B"), ("resumed", "A"), ("resumed", "B")]
    said = await _said(running)
    assert said[2].data == said[0].data
    assert len({each.ref for each in said}) == 4
    assert await running.value("select count(*) from announced") == 0


async def test_what_ends_before_it_was_told_is_not_told_at_all(make: Make) -> None:
    running = await make()
    await running.deliver(PARTY, invoice("A", 0, document="D1"))
    await running.housekeeping.once()
    await running.deliver(COMPANY)
    await _an_hour_later(running)
    assert await _told(running) == []


async def test_an_event_that_waits_on_for_something_else_is_told_once_and_resumes_at_the_end(make: Make) -> None:
    running = await make()
    payment = invoice_data(document="PAY") | {"settle": [{"company": "FAB", "document": "D1"}]}
    [handed_on] = PAYMENT.fold(PAYMENT.new_books(), taken(binary("customer-payment.posted", payment, id_="C")))
    key, value, head = encode(handed_on)
    await running.deliver(PARTY, Record(Topic.JOURNALS, key, value, tuple(head)))
    await _an_hour_later(running)
    await running.deliver(COMPANY)
    assert await running.value("select count(*) from waiting") == 1
    await _an_hour_later(running)
    assert await _told(running) == [("waiting", "C")]
    await running.deliver(invoice("A", 1, document="D1"))
    await running.housekeeping.once()
    assert await _told(running) == [("waiting", "C"), ("resumed", "C")]


async def test_what_is_given_up_is_refused_and_not_said_to_have_resumed(make: Make) -> None:
    running = await make()
    await running.deliver(PARTY, invoice("A", 0, document="D1"))
    await _an_hour_later(running)
    async with running.database.transaction() as connection:
        await shell_queries.order_discards(connection, [EventRef("erp", "A")])
    await running.housekeeping.once()
    await running.housekeeping.once()
    assert await _told(running) == [("waiting", "A")]
    assert [each.data.code for each in await _said(running, "event.rejected")] == ["discarded"]
    assert await running.value("select count(*) from announced") == 0


async def test_an_id_that_waits_a_second_time_is_told_again_under_another_id(make: Make) -> None:
    running = await make()
    for offset in (0, 1):
        await running.deliver(PARTY, invoice("A", offset, document="D1"))
        await _an_hour_later(running)
        async with running.database.transaction() as connection:
            await shell_queries.order_discards(connection, [EventRef("erp", "A")])
        await running.housekeeping.once()
    first, second = await _said(running)
    assert (first.data.event, second.data.event) == ("A", "A")
    assert first.ref != second.ref


async def test_very_many_are_told_in_slices_each_once_whatever_crashes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await make()
    number = SLICE * 2 + 50
    await running.deliver(PARTY, *(invoice(f"A{each}", each, document=f"D{each}") for each in range(number)))
    plain, calls = running.delivery.write, 0

    async def write(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        written = await plain(*arguments)
        if calls % 2:
            msg = "the connection is gone before the commit"
            raise ConnectionResetError(msg)
        return written

    monkeypatch.setattr(running.delivery, "write", write)
    await _an_hour_later(running)
    assert sorted(await _told(running)) == sorted(("waiting", f"A{each}") for each in range(number))
    assert await running.value("select count(*) from outbox") == 3
    monkeypatch.setattr(running.delivery, "write", plain)
    await running.deliver(COMPANY)
    await running.housekeeping.release()
    monkeypatch.setattr(running.delivery, "write", write)
    await running.housekeeping.once()
    resumed = [event for name, event in await _told(running) if name == "resumed"]
    assert sorted(resumed) == sorted(f"A{each}" for each in range(number))


async def test_nothing_is_told_where_it_is_switched_off(make: Make) -> None:
    running = await make(after=None)
    await running.deliver(PARTY, invoice("A", 0, document="D1"))
    await _an_hour_later(running)
    assert await _told(running) == []


def _record(name: str, ref: EventRef, data: Any, offset: int) -> Record:
    cause = EventRef("scenario", "VPAY-7")
    outgoing = Outgoing(CONTRACT[name].topic, "k", name, ref, data, datetime(2026, 3, 12, tzinfo=UTC), cause, cause)
    key, value, head = encode(outgoing)
    return Record(outgoing.topic, key, value, tuple(head), 0, offset)


async def test_the_payment_service_tells_of_sales_payments(make: Make) -> None:
    running = await make(PAYMENT)
    await running.deliver(_record("settlement.posted", EventRef("intercompany/settlement", "S-7"), IC_4, 0))
    await _an_hour_later(running)
    await running.housekeeping.once()
    told = {each.data.event: each.data for each in await _said(running)}
    assert {event: (each.what, each.for_) for event, each in told.items()} == {"VPAY-7": ("sales payment", "company")}
    assert {each.ref.source for each in await _said(running)} == {"intercompany/payment"}
    await running.deliver(
        _reference("FABW", "company.defined", 0, {"company": "FABW", "currency": "USD"}),
        _reference("EAST", "party.defined", 1, {"party": "EAST", "customers": {"FABW": "IC-EAST"}}),
        _reference("J", "payment-journal.defined", 2, {"company": "FABW", "journal": "ARPAY-IC"}),
        _reference(
            *("T", "trading-relation.defined", 3),
            {
                "seller": {"company": "FABW", "customer": "IC-EAST"},
                "buyer": {"company": "FABE", "vendor": "IC-WEST"},
                "payment_journal": "ARPAY-IC",
                "post_automatically": False,
            },
        ),
    )
    await running.housekeeping.once()
    assert [event for name, event in await _told(running) if name == "resumed"] == ["VPAY-7"]


async def test_the_settlement_service_tells_of_approvals(make: Make) -> None:
    running = await make(SETTLEMENT)
    request = JournalApprovalRequested("FABW", "ARPAY-IC", NUMBER)
    await running.deliver(_record("journal-approval.requested", EventRef("erp", "OK-7"), request, 0))
    await _an_hour_later(running)
    await running.housekeeping.once()
    (told,) = [each.data for each in await _said(running)]
    assert (told.event, told.what, told.for_, told.key["document"]) == ("OK-7", "approval", "document", NUMBER)
    created = ready(automatic=False).hear(IC_4)[0].data
    await running.deliver(_record("sales-payment-journal.created", EventRef("intercompany/payment", "J-7"), created, 0))
    await running.housekeeping.once()
    assert [each for each in await _told(running) if each[0] == "resumed"] == []
    await running.deliver(
        _reference("FABW", "company.defined", 0, {"company": "FABW", "currency": "USD"}),
        _reference("EAST", "party.defined", 1, {"party": "EAST", "customers": {"FABW": "IC-EAST"}}),
    )
    await running.housekeeping.once()
    assert [event for name, event in await _told(running) if name == "resumed"] == ["OK-7"]
