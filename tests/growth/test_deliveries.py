"""What a load costs a service on its database grows with it in proportion; what it holds in memory does not grow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from typing import TYPE_CHECKING

import pytest

from services.desk.waiting import BEGINNING
from services.posting.queries import voucher_pages
from services.registry import POSTING, SETTLEMENT
from services.settlement.queries import WAITING
from shared.delivery.housekeeping import MOST_COUNTED
from shared.delivery.outbox import unpack
from shared.events.envelope import EventRef, Record
from shared.events.inbound import DocumentRef, DocumentReversalRequested, JournalApprovalRequested
from shared.events.reference import PeriodClosed, PeriodOpened
from tests.builders.invoices import poison
from tests.builders.payment import DAY, EAST, FABW, IC_4, NUMBER, approved, ready
from tests.growth.counting import assert_bounded
from tests.growth.loads import LINES, company, invoices, party, rates, sized, told

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.growth.conftest import Counted
    from tests.growth.counting import Cost

    Make = Callable[..., Awaitable[Counted]]

pytestmark = pytest.mark.embedded


# What waits for one thing, or for many that come together


async def _let_go(settlement: Counted, number: int, first: list[Record], last: list[Record], **shape: int) -> None:
    """Invoices wait after what comes first; what it costs that they are let go by what comes last, and that all is posted."""
    await settlement.deliver_all(first)
    await settlement.deliver_all(invoices(0, number, **shape))
    assert await settlement.value("select count(*) from waiting") == number
    async with settlement.counting():
        await settlement.delivery.deliver(last)
        await settlement.housekeeping.release()
    assert await settlement.value("select count(*) from waiting") == 0
    assert await settlement.value("select count(*) from released") == 0
    assert await settlement.value("select count(*) from documents") == number


@pytest.mark.parametrize(("number", "lines"), [(sized(40_000, 600), 0), pytest.param(sized(600, 50), LINES, marks=pytest.mark.long)])
async def test_invoices_released_by_one_company_cost_their_number_and_hold_one_slice(instance: Make, number: int, lines: int) -> None:
    once, twice = await instance(SETTLEMENT), await instance(SETTLEMENT)
    await _let_go(once, number, [party()], [company(offset=1)], lines=lines)
    await _let_go(twice, 2 * number, [party()], [company(offset=1)], lines=lines)
    once.costs[0].assert_linear(twice.costs[0])
    once.costs[0].assert_bounded_memory(twice.costs[0])


async def test_invoices_released_by_many_accounts_at_once_cost_their_number_and_hold_one_transaction(instance: Make) -> None:
    number, accounts = sized(600, 45), 30
    parties = [party(f"P{each}", str(4000 + each), 1 + each) for each in range(accounts)]
    once, twice = await instance(SETTLEMENT), await instance(SETTLEMENT)
    await _let_go(once, number, [company()], parties, lines=LINES, accounts=accounts)
    await _let_go(twice, 2 * number, [company()], parties, lines=LINES, accounts=accounts)
    once.costs[0].assert_linear(twice.costs[0])
    once.costs[0].assert_bounded_memory(twice.costs[0])


async def _approved(settlement: Counted, number: int) -> None:
    """Two times approvals wait for one journal: what it costs that they arrive, and that the journal is posted and they are refused."""
    known = [FABW, EAST, PeriodClosed("FABW", DAY, DAY)]
    payment, request = ready(automatic=False), JournalApprovalRequested("FABW", "ARPAY-IC", NUMBER)
    created, posted = payment.hear(IC_4)[0].data, payment.hear(approved(by="A0"))[0].data
    posted.approval = EventRef("erp", "A0")
    await settlement.deliver_all(told(f"R{place}", data, place) for place, data in enumerate(known))
    await settlement.deliver_all(told(f"A{place}", request, place) for place in range(number))
    later = [told(f"B{place}", request, number + place) for place in range(number)]
    async with settlement.counting():
        await settlement.delivery.deliver([told("CREATED", created, 0)])
        await settlement.housekeeping.release()
        await settlement.deliver_all(later)
        assert await settlement.value("select count(*) from waiting") == 2 * number
        await settlement.delivery.deliver([told("OPENED", PeriodOpened("FABW", DAY, DAY), len(known))])
        await settlement.housekeeping.release()
        await settlement.delivery.deliver([told("POSTED", posted, 1, "sales-payment-journal.posted")])
        await settlement.housekeeping.release()
    assert await settlement.value("select body->>'stage' from waiting") == "run"
    assert await settlement.value("select count(*) from rejections where code = 'not-created'") == 2 * number - 1
    assert await settlement.value("select count(*) from released") == 0


@pytest.mark.long
async def test_approvals_of_one_journal_cost_their_number_and_hold_one_slice(instance: Make) -> None:
    number = sized(100_000, 1_000)
    once, twice = await instance(SETTLEMENT), await instance(SETTLEMENT)
    await _approved(once, number)
    await _approved(twice, 2 * number)
    once.costs[0].assert_linear(twice.costs[0])
    once.costs[0].assert_bounded_memory(twice.costs[0])


async def _expired(settlement: Counted, number: int) -> None:
    """What it costs to give up all that waits: it has waited longer than no time at all."""
    await settlement.deliver_all(invoices(0, number))
    async with settlement.counting():
        await settlement.housekeeping.once()
    assert await settlement.value("select count(*) from waiting") == 0
    assert await settlement.value("select count(*) from rejections where code = 'discarded'") == number


async def test_waits_that_expire_cost_their_number_and_hold_one_slice(instance: Make) -> None:
    number = sized(100_000, 600)
    once, twice = [await instance(SETTLEMENT, timedelta(0)) for _ in range(2)]
    await _expired(once, number)
    await _expired(twice, 2 * number)
    once.costs[0].assert_linear(twice.costs[0])
    once.costs[0].assert_bounded_memory(twice.costs[0])


_AS_MANY_WAITING = """
insert into waiting (sequence, wakes, reserves, concerns, event_source, event_id, since, body)
select sequence + number, wakes, reserves, concerns, event_source, event_id || '-' || number, since + number * interval '1 us',
replace(body::text, '"sequence":' || sequence, '"sequence":' || sequence + number)::json
from (select * from waiting order by sequence limit 1) w, generate_series({}, {}) as number"""
_AT_ONCE = 20_000


async def _copied(settlement: Counted, number: int) -> None:
    """So many events wait as one does."""
    for first in range(1, number, _AT_ONCE):
        await settlement.value(_AS_MANY_WAITING.format(first, min(number, first + _AT_ONCE) - 1))


async def _started(settlement: Counted, number: int) -> Counted:
    """An instance that starts where so many events wait for their company, and takes an invoice and turns of its housekeeping."""
    await settlement.deliver_all([company("OTHER"), party(offset=1), *invoices(0, 1)])
    await _copied(settlement, number)
    await settlement.value("select setval('arrivals', (select max(sequence) from waiting))")
    await settlement.value("analyze waiting")  # the planner knows that all of it waits for the same
    started = await settlement.anew()
    async with started.counting():
        await started.delivery.start("settlement-0")
        await started.delivery.deliver(list(invoices(1, 1)))
        await started.delivery.deliver([company("THIRD", 3), party("OTHER", "5000", 4)])
        await started.housekeeping.release()
        await started.housekeeping.once()
    assert await started.value("select count(*) from waiting") == number + 1
    return started


async def test_a_start_reads_and_holds_as_much_whatever_the_number_of_events_that_wait(instance: Make) -> None:
    number = sized(1_000_000, 10_000)
    once = await _started(await instance(SETTLEMENT, timedelta(days=1)), number)
    twice = await _started(await instance(SETTLEMENT, timedelta(days=1)), 2 * number)
    assert twice.costs[0].queries == once.costs[0].queries
    assert_bounded(once.costs[0].rows, twice.costs[0].rows, "rows")
    once.costs[0].assert_bounded_memory(twice.costs[0])


_SMALL = 4_000
"""Bytes that the entry of a list takes in memory, and less than its event would."""


async def test_a_list_of_what_waits_reads_and_holds_what_it_shows(instance: Make) -> None:
    number, shown = sized(1_000_000, 1_000), 100
    costs = []
    for each in (number, 2 * number):
        settlement = await instance(SETTLEMENT)
        await settlement.deliver_all(invoices(0, 1))
        await _copied(settlement, each)
        async with settlement.counting(), settlement.database.transaction() as connection:
            assert len(await WAITING.page(connection, (BEGINNING.since, BEGINNING.sequence), shown)) == shown
        costs += settlement.costs
    assert_bounded(costs[0].rows, costs[1].rows, "rows")
    costs[0].assert_bounded_memory(costs[1])
    assert costs[1].peak < shown * _SMALL, "the events themselves are read"


async def test_pages_of_vouchers_hold_no_more_than_it_reads_at_once_however_many_lines_they_have(instance: Make) -> None:
    number = sized(600, 20)
    costs: list[list[Cost]] = []
    for each in (number, 2 * number):
        settlement, posting = await instance(SETTLEMENT), await instance(POSTING)
        await settlement.deliver_all([company(), party(offset=1), *invoices(0, each, lines=LINES)])
        await posting.deliver_all([company(), party(offset=1), *await _said(settlement)])
        async with posting.counting(), posting.database.transaction() as connection:
            assert sum([len(page) async for page in voucher_pages(connection)]) == each
        costs.append(posting.costs)
    for once, twice in zip(*costs, strict=True):
        once.assert_linear(twice)
        once.assert_bounded_memory(twice)


async def test_a_turn_of_housekeeping_reads_as_much_however_long_the_outbox_is(instance: Make) -> None:
    costs = []
    for each in (MOST_COUNTED, 2 * MOST_COUNTED):
        settlement = await instance(SETTLEMENT)
        await settlement.value(f"insert into outbox (messages) select '' from generate_series(1, {each})")  # noqa: S608 - a number
        async with settlement.counting():
            await settlement.housekeeping.once()
        assert settlement.housekeeping.outbox_age > 0
        costs += settlement.costs
    assert costs[0].queries == costs[1].queries
    assert_bounded(costs[0].rows, costs[1].rows, "rows")


# What comes in at once


async def _said(settlement: Counted) -> list[Record]:
    """What the settlement service has said."""
    async with settlement.database.transaction() as connection:
        rows = await connection.fetch("select messages from outbox order by id")
    messages = [message for row in rows for message in unpack(row["messages"])]
    return [Record(*message, 0, number) for number, message in enumerate(messages)]


async def test_invoices_of_a_thousand_lines_cost_their_number_and_hold_one_transaction(instance: Make) -> None:
    number = sized(600, 25)
    costs = []
    for each in (number, 2 * number):
        settlement, posting = await instance(SETTLEMENT), await instance(POSTING)
        await settlement.deliver_all([company(), party(offset=1)])
        arriving = list(invoices(0, each, lines=LINES))
        async with settlement.counting():
            await settlement.deliver_all(arriving)
        said = await _said(settlement)
        await posting.deliver_all([company(), party(offset=1)])
        async with posting.counting():
            await posting.deliver_all(said)
        assert await posting.value("select count(*) from lines") == each * (LINES + 1)
        costs.append((*settlement.costs, *posting.costs))
    for once, twice in zip(*costs, strict=True):
        once.assert_linear(twice)
        once.assert_bounded_memory(twice)


@pytest.mark.long
async def test_invoices_of_a_thousand_lines_that_are_reversed_cost_their_number_and_hold_one_transaction(instance: Make) -> None:
    number = sized(600, 25)
    costs = []
    for each in (number, 2 * number):
        settlement, posting = await instance(SETTLEMENT), await instance(POSTING)
        await settlement.deliver_all([company(), party(offset=1), *invoices(0, each, lines=LINES)])
        reversals = [DocumentReversalRequested("receivable", DocumentRef("FAB", f"D{place}")) for place in range(each)]
        await posting.deliver_all([company(), party(offset=1), *await _said(settlement)])
        await settlement.value("delete from outbox")
        await settlement.deliver_all([told(f"R{place}", data, place) for place, data in enumerate(reversals)])
        said = await _said(settlement)
        assert len(said) == each
        async with posting.counting():
            await posting.delivery.deliver(said)
        assert await posting.value("select count(*) from lines") == 2 * each * (LINES + 1)
        costs += posting.costs
    costs[0].assert_linear(costs[1])
    costs[0].assert_bounded_memory(costs[1])


async def test_records_that_are_no_events_cost_their_number_and_hold_nothing_up(instance: Make) -> None:
    number = sized(1_000, 250)
    kinds = [record for kind, record in poison().items() if kind != "5 MB"]
    costs = []
    for each in (number, 2 * number):
        settlement = await instance(SETTLEMENT)
        await settlement.deliver_all([company(), party(offset=1)])
        records = [replace(record, offset=place) for place, record in enumerate(islice(cycle(kinds), each))]
        async with settlement.counting():
            await settlement.deliver_all([*records, *invoices(each, 1)])
        assert await settlement.value("select count(*) from documents") == 1
        assert await settlement.value("select next_offset from positions where topic = 'intercompany.invoices'") == each + 1
        costs += settlement.costs
    costs[0].assert_linear(costs[1])


async def test_rates_of_one_pair_are_read_once_at_a_start_and_cost_their_number(instance: Make) -> None:
    costs = []
    for number in (sized(16_000, 400), 2 * sized(16_000, 400)):
        settlement = await instance(SETTLEMENT)
        await settlement.deliver_all([company(), party(offset=1), *rates(2, number)])
        started = await settlement.anew()
        async with started.counting():
            await started.delivery.deliver(list(invoices(0, 1)))
        assert started.costs[0].rows >= number
        costs += started.costs
    assert costs[0].queries == costs[1].queries
    costs[0].assert_linear(costs[1])
