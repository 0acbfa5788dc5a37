"""The store on a real PostgreSQL: what batches leave in the tables is what the same messages leave in memory, in any order."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from services.inquiry import store as store_module
from services.inquiry.rules.fold import fold
from services.inquiry.rules.projection import KEYS
from services.inquiry.store import Store
from services.scenarios.scenario_file import load_scenario
from services.simulator import streams
from services.simulator.streams import scenario
from shared.events.envelope import Message
from tests.builders.inquiry import Listening, folded, in_order, interleaved, listening, messages_of, refused_and_sent_again, rows
from tests.builders.settlement import GROUP, invoice
from tests.live.delivering import deliver
from tests.live.schemas import empty_schema
from tests.scenario_files import FILES

pytestmark = pytest.mark.embedded

SCHEMA = "inquiry_store_test"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to an empty schema of the service."""
    async with empty_schema(database_url, SCHEMA, store_module) as opened:
        yield opened


async def _stored(connection: Any) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in KEYS:
        kept = await connection.fetch(f"select * from {table}")  # noqa: S608 - our own tables
        found[table] = [{name: value for name, value in row.items() if (table, name) != ("vouchers", "position")} for row in kept]
    return in_order(found)


async def _read(connection: Any, messages: list[Message], most: int) -> None:
    for start in range(0, len(messages), most):
        await deliver(connection, Store(), fold, messages[start : start + most])


def _drawn(random: Random) -> Listening:
    across = random.random() < 0.5
    group = streams.group(random, automatic=False, across_currencies=across)
    events = streams.events(random, across_currencies=across, reversals=True)
    return listening(streams.scenario(group, [*events, *streams.requests(random, events), *streams.said_of_vouchers(random)]))


@pytest.mark.parametrize("seed", range(8))
async def test_of_any_stream_in_any_order_and_any_batches_the_tables_have_the_rows_of_the_simulation(connection: Any, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    records = _drawn(random).records
    expected = rows(folded(messages_of(records)))
    again = random.sample(records, len(records) // 3)
    await _read(connection, messages_of([*interleaved(random, records), *again]), random.choice([1, 7, 1000]))
    stored = await _stored(connection)
    for table in KEYS:
        assert stored[table] == expected[table], table


@pytest.mark.parametrize("each", [5, pytest.param(1, marks=pytest.mark.long)])
async def test_of_many_scenarios_one_after_the_other_too(connection: Any, each: int) -> None:
    records = [record for path in FILES[::each] for record in listening(load_scenario(path)).records]
    messages = messages_of(records)
    await _read(connection, messages, 500)
    expected = rows(folded(messages))
    assert each > 1 or [table for table in KEYS if not expected[table]] == []
    assert await _stored(connection) == expected


@pytest.mark.parametrize("backwards", [False, True])
async def test_versions_of_an_event_are_told_apart_whatever_is_read_first(connection: Any, *, backwards: bool) -> None:
    sent = (invoice("I-1", due_date="2026-02-01"), invoice("I-1", due_date="2026-03-01"), invoice("I-2"))
    messages = messages_of(listening(scenario(GROUP, [*sent])).records)
    await _read(connection, messages[::-1] if backwards else messages, 1)
    assert await _stored(connection) == rows(folded(messages))
    assert str(await connection.fetchval("select due_date from documents where document = 'I-1'")) == "2026-02-01"


@pytest.mark.parametrize("backwards", [False, True])
async def test_what_is_said_of_vouchers_counts_by_when_it_was_said_and_whether_it_was_refused(connection: Any, *, backwards: bool) -> None:
    """Message by message, so that each refusal and each voucher is read alone, whichever comes first."""
    said = {"type": "voucher.imported", "company": "FAB", "erp_number": "GJ-1"}
    failed = {"id": "T1", "type": "voucher.import-failed", "company": "FAB", "voucher": "AR-INV-000001", "message": "closed"}
    first, second = said | {"id": "T2", "voucher": "AR-INV-000001"}, said | {"id": "T3", "voucher": "AR-INV-000002"}
    taken = said | {"id": "T1", "voucher": "AR-INV-000003"}
    sent = [invoice("I-1"), second, failed, first, failed, invoice("I-2"), invoice("I-3"), taken]
    messages = messages_of(listening(scenario(GROUP, sent)).records)
    await _read(connection, messages[::-1] if backwards else messages, 1)
    assert await _stored(connection) == rows(folded(messages))
    states = await connection.fetch("select document, import_state from vouchers order by document")
    assert [tuple(row) for row in states] == [("I-1", "imported"), ("I-2", "imported"), ("I-3", "no")]
    assert [row["voucher"] for row in await connection.fetch("select voucher from imported")] != []


@pytest.mark.parametrize("backwards", [False, True])
async def test_what_was_refused_of_a_sender_counts_once_it_is_sent_again_by_who_may(connection: Any, *, backwards: bool) -> None:
    refused, refused_again, taken = refused_and_sent_again()
    for before, records, companies in (([], refused, ["FAB"]), (refused, refused_again, ["FAB"]), (refused_again, taken, ["FAB", "FABE"])):
        messages = messages_of(records[len(before) :])
        await _read(connection, messages[::-1] if backwards else messages, 1)
        assert await _stored(connection) == rows(folded(messages_of(records)))
        assert [row["company"] for row in await connection.fetch("select company from imported order by company")] == companies
        imported = await connection.fetch("select company from vouchers where import_state = 'imported' order by company")
        assert [row["company"] for row in imported] == companies


class Counted:
    """A connection that counts its statements, COPY included."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in {"execute", "fetch", "fetchrow", "fetchval", "copy_records_to_table"}:
            self.calls.append(name)
        return getattr(self._connection, name)


async def test_a_batch_of_any_size_takes_the_same_number_of_statements(connection: Any) -> None:
    random = Random(5)  # noqa: S311 - no secret
    small = messages_of(_drawn(random).records)
    large = [message for _ in range(5) for message in messages_of(_drawn(random).records)]
    counts = []
    for messages in (small, large):
        counted = Counted(connection)
        await deliver(counted, Store(), fold, messages)
        counts.append(len(counted.calls))
    assert max(counts) <= 21
    assert len(set(counts)) == 1


class KilledError(Exception):
    """The process ends here."""


class Killed(Counted):
    """A connection over which one process sends so many statements, and no more."""

    def __init__(self, connection: Any, after: int) -> None:
        super().__init__(connection)
        self._after = after

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if len(self.calls) > self._after:
            raise KilledError
        return found


async def test_killed_after_any_statement_and_read_again_nothing_is_lost_or_counted_twice(connection: Any) -> None:
    random = Random(11)  # noqa: S311 - no secret
    messages = messages_of(_drawn(random).records)
    counted = Counted(connection)
    first, second = messages[: len(messages) // 2], messages[len(messages) // 2 :]
    await deliver(counted, Store(), fold, first)
    for statements in range(len(counted.calls) + 1):
        with contextlib.suppress(KilledError):
            await deliver(Killed(connection, statements), Store(), fold, messages)
    await deliver(connection, Store(), fold, second)
    assert await _stored(connection) == rows(folded(messages))
