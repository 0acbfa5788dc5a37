"""Lists on a real PostgreSQL: what they show, that they go on where a page ends, and what is read at once however long they are."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from services.desk import put_aside, rejections, waiting
from services.desk.refusal_states import RefusalState
from services.desk.schemas import Schemas
from services.desk.work_lists import states_of
from services.operations.put_aside import acknowledge_gaps, order_retries
from services.registry import SERVICES
from services.settlement.queries import THAT_READ, documents_that_read
from services.settlement.rules.values import DocumentKey
from shared.events.envelope import EventRef
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import migrate
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.delivery.ports import Connection

pytestmark = pytest.mark.embedded

RUNS = """
insert into waiting (sequence, wakes, reserves, concerns, event_source, event_id, since, body)
select n, 'company', '{}', '{}', 'erp', 'E' || n, timestamptz '2026-01-01 00:00:00Z' + n / 10 * interval '1 second',
json_build_object('stage', 'document', 'need', '["company", {"company": "FAB"}, ["company", "FAB"]]'::json,
'message', repeat('x', 2000)) from generate_series(1, $1::int) n
"""
PARKED = """
insert into waiting (sequence, wakes, reserves, concerns, event_source, event_id, since, body)
values ($1, 'x', '{}', '{}', 'erp', $2, $3::text::timestamptz,
json_build_object('stage', $4::text, 'need', json_build_array($5::text, '{}'::json, '[]'::json)))
"""
JOURNAL = """
insert into waiting (company, payment, number, sequence, run_source, run_id, since, wakes, relation, data)
values ('FAB', $1, 1, $2, 'erp', $1, $3::text::timestamptz, '', '',
json_build_array('{}'::json, json_build_array($4::text, '{}'::json, '[]'::json)))
"""
REFUSALS = """
insert into rejections (id, rejected_at, source, event, scope, code, field, message, original, topic, key, value, headers)
select gen_random_uuid(), timestamptz '2026-01-01 00:00:00Z' + n / 10 * interval '1 second', 'erp', 'E' || n, 'event',
case when n % 2 = 0 then 'invalid' else 'malformed' end, '', '', '{"id": 1}', 'intercompany.payments', 'k', 'v', '[]'
from generate_series(1, $1::int) n
"""


class Counting(Schemas):
    """The schemas, with the rows of each statement counted."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.rows: list[int] = []

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[Connection]:
        """A connection that counts what it reads."""
        async with super().of(service) as connection:
            yield _Counted(connection, self.rows)

    async def execute(self, service: str, statement: str, *arguments: Any) -> None:
        """A statement in a service's schema."""
        async with super().of(service) as connection:
            await connection.execute(statement, *arguments)


class _Counted:
    def __init__(self, connection: Any, rows: list[int]) -> None:
        self._connection = connection
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def fetch(self, *arguments: Any) -> Any:
        rows = await self._connection.fetch(*arguments)
        self._rows.append(len(rows))
        return rows


@pytest.fixture
async def schemas(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Counting]:
    """Empty schemas of the three services."""
    settings = Settings(database_url=SecretStr(database_url), namespace=f"lists{abs(hash(request.node.name)) % 10**6}")
    for service in SERVICES:
        name = settings.schema_name(service.name)
        database = Postgres(settings.database, name)
        await migrate(database, name, service)
        await database.close()
    opened = Counting(settings)
    yield opened
    await opened.close()


async def _read(schemas: Counting) -> tuple[list[str], int, int]:
    """The events that are listed as waiting; the most rows that one statement gave; all of them."""
    schemas.rows.clear()
    found = [each.event.id async for each, _ in waiting.waiting(schemas)]
    return found, max(schemas.rows), sum(schemas.rows)


async def test_what_waits_is_read_in_pages_however_much_it_is_and_twice_as_much_costs_twice(
    schemas: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_AT_ONCE", 50)
    await schemas.execute("settlement", RUNS, 300)
    found, most, once = await _read(schemas)
    assert found == [f"E{number}" for number in range(1, 301)]
    await schemas.execute("settlement", "delete from waiting")
    await schemas.execute("settlement", RUNS, 600)
    found, most_twice, twice = await _read(schemas)
    assert len(found) == 600
    assert most == most_twice == 50
    assert twice <= 2 * once


async def test_an_event_is_listed_once_with_the_first_reason_of_the_table_whichever_service_keeps_what(
    schemas: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_AT_ONCE", 1)
    await schemas.execute("settlement", PARKED, 7, "BOTH", "2026-01-02T00:00:00Z", "run", "reservation")
    await schemas.execute("settlement", PARKED, 3, "BOTH", "2026-01-03T00:00:00Z", "run", "document")
    await schemas.execute("settlement", PARKED, 4, "LATE", "2026-01-04T00:00:00Z", "document", "company")
    await schemas.execute("payment", JOURNAL, "BOTH", 9, "2026-01-01T00:00:00Z", "trading-relation")
    await schemas.execute("payment", JOURNAL, "SAME", 2, "2026-01-04T00:00:00Z", "trading-relation")
    listed = [(each.event.id, each.reason, place) async for each, place in waiting.waiting(schemas)]
    assert [(event, reason) for event, reason, _ in listed] == [("BOTH", "document"), ("SAME", "trading-relation"), ("LATE", "company")]
    for number, (_, _, place) in enumerate(listed):
        after = waiting.place_of(str(place))
        following = [each.event.id async for each, _ in waiting.waiting(schemas, after)]
        assert following == [event for event, _, _ in listed[number + 1 :]]
    named = await waiting.waiting_named(schemas, "BOTH")
    assert [(each.service, each.reason) for each in named] == [
        ("payment", "trading-relation"),
        ("settlement", "reservation"),
        ("settlement", "document"),
    ]


async def test_refusals_are_listed_without_the_events_which_are_read_a_few_at_a_time(schemas: Counting) -> None:
    for service in ("settlement", "payment"):
        await schemas.execute(service, REFUSALS, 100)
    listed = await rejections.refused(schemas, None, 60)
    assert max(schemas.rows) == 60
    assert not any(each.record or each.rejection.original for each in listed)
    older = await rejections.refused(schemas, None, 60, rejections.place_of(str(listed[0].place)))
    everything = await rejections.refused(schemas)
    assert [each.id for each in [*older, *listed]] == [each.id for each in everything[-120:]]
    assert {each.rejection.code for each in await rejections.refused(schemas, "invalid", 10)} == {"invalid"}
    schemas.rows.clear()
    whole = [each async for each in rejections.whole(schemas, listed)]
    assert [each.id for each in whole] == [each.id for each in listed]
    assert all(each.record is not None and each.rejection.original == {"id": 1} for each in whole)
    assert max(schemas.rows) <= rejections.WHOLE_AT_ONCE
    (of_payment, of_settlement) = await rejections.refused_named(schemas, "E5")
    assert {of_payment.event, of_settlement.event} == {EventRef("erp", "E5")}
    assert [each.id for each in await rejections.refused_named(schemas, of_payment.id)] == [of_payment.id]
    assert str(UUID(of_payment.id)) == of_payment.id


REFUSED_TWICE = """
insert into rejections (id, rejected_at, source, event, scope, code, field, message, original, again_at)
select id::uuid, at::timestamptz, 'erp', event, 'event', code, '', '', '{}', again::timestamptz from (values
('00000000-0000-0000-0000-000000000001', '2026-01-01Z', 'SENT-TWICE', 'invalid', null),
('00000000-0000-0000-0000-000000000002', '2026-01-02Z', 'SENT-TWICE', 'unknown-party', null),
('00000000-0000-0000-0000-000000000003', '2026-01-01Z', 'AS-BEFORE', 'invalid', '2026-01-03Z'),
('00000000-0000-0000-0000-000000000004', '2026-01-02Z', 'AS-BEFORE', 'unknown-party', null),
('00000000-0000-0000-0000-000000000005', '2026-01-01Z', 'TAKEN', 'conflicting-duplicate', null),
('00000000-0000-0000-0000-000000000006', '2026-01-02Z', 'TAKEN', 'conflicting-duplicate', null)
) as given (id, at, event, code, again)
"""


async def test_of_an_event_that_was_sent_and_refused_again_the_last_refusal_alone_is_open(schemas: Counting) -> None:
    await schemas.execute("settlement", REFUSED_TWICE)
    states = await states_of(schemas, await rejections.refused(schemas))
    assert {int(id_[-1]) for id_, state in states.items() if state is RefusalState.OPEN} == {2, 3, 5, 6}
    assert {int(id_[-1]) for id_, state in states.items() if state is RefusalState.RESENT} == {1, 4}


async def test_what_is_asked_of_a_large_ledger_is_found_by_an_index(schemas: Counting) -> None:
    """The planner is told to read no table from end to end where an index helps."""
    async with schemas.of("settlement") as connection:
        await connection.execute("set enable_seqscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {THAT_READ}", ["receivable"], ["FAB"], ["I1"]))
        await connection.execute("reset enable_seqscan")
    assert all(f"{index} " in plan for index in ("documents_pkey", "documents_that_read_otherwise")), plan
    assert "Seq Scan" not in plan


async def test_numbers_that_read_the_same_are_found_in_their_company_and_ledger(schemas: Counting) -> None:
    alike = ["I1", "I 1", "I\N{NO-BREAK SPACE}1", "\N{FULLWIDTH LATIN CAPITAL LETTER I}1"]
    columns = "ledger, company, document, side, amount, open, net, kind, party, account, currency, automatic, event_source, event_id"
    for ledger, company, number in [
        *(("receivable", "FAB", each) for each in [*alike, "I2"]),
        ("payable", "FAB", "I 1"),
        ("receivable", "FABE", "I 1"),
    ]:
        values = f"('{ledger}', '{company}', '{number}', 0, 1, 1, 1, '', '', '', '', false, '', '', '2026-01-01', '2026-01-01', '{{}}')"
        await schemas.execute("settlement", f"insert into documents ({columns}, due_date, date, body) values {values}")  # noqa: S608
    async with schemas.of("settlement") as connection:
        found = await documents_that_read(connection, [DocumentKey("receivable", "FAB", "I1")])
    assert sorted(found) == sorted(DocumentKey("receivable", "FAB", each) for each in alike)


async def test_messages_put_aside_are_listed_in_pages_and_an_operator_has_them_tried_again(
    schemas: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(put_aside, "MOST_AT_ONCE", 3)
    for service in ("payment", "posting"):
        query = """insert into failed (direction, topic, partition, "offset", headers, error)
                   select 'in', 't', 0, n, '[]', 'TypeError' from generate_series(1, 7) n"""
        await schemas.execute(service, query)
    listed = [place async for place, _ in put_aside.failed(schemas)]
    assert [(place.service, place.number) for place in listed] == [(service, n) for service in ("payment", "posting") for n in range(1, 8)]
    after = put_aside.failed_place(str(listed[4]))
    assert [place async for place, _ in put_aside.failed(schemas, after)] == listed[5:]
    assert await order_retries(schemas, [listed[0], listed[8]]) == 2
    assert [place async for place, each in put_aside.failed(schemas) if each.retry] == [listed[0], listed[8]]
    assert await order_retries(schemas, None) == 12


async def test_a_gap_is_listed_until_somebody_acknowledges_it_by_its_partition_or_by_itself(schemas: Counting) -> None:
    query = "insert into gaps (topic, partition, first, last) values ('t', 0, 3, 4), ('t', 0, 9, 9), ('t', 1, 0, 5)"
    await schemas.execute("posting", query)
    await schemas.execute("payment", query)
    assert len([place async for place, _ in put_aside.gaps(schemas)]) == 6
    one = put_aside.gap_place("posting/t/0/9")
    assert await acknowledge_gaps(schemas, [one]) == [one]
    assert await acknowledge_gaps(schemas, [one]) == []
    assert len(await acknowledge_gaps(schemas, [put_aside.gap_place("payment/t/0")])) == 2
    assert [str(place) async for place, _ in put_aside.gaps(schemas)] == ["payment/t/1/0", "posting/t/0/3", "posting/t/1/0"]
    assert len(await acknowledge_gaps(schemas, None)) == 3
    assert [place async for place, _ in put_aside.gaps(schemas)] == []
    everything = [gap async for _, gap in put_aside.gaps(schemas, acknowledged=True)]
    assert len(everything) == 6
    assert all(gap.acknowledged_by and gap.acknowledged_at for gap in everything)
