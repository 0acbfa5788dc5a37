"""What an earlier version left in the tables is read by this one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.scenarios.scenario_file import arrivals, load_scenario
from services.settlement import store as store_module
from services.settlement.rules.fold import Books, fold
from services.settlement.store import Store
from shared.events.codec import decode
from shared.events.envelope import Message
from tests.live.schemas import empty_schema
from tests.scenario_files import ROOT

pytestmark = pytest.mark.embedded

SCHEMA = "settlement_migrations_test"
MIGRATION = Path(store_module.__file__).parent / "migrations" / "0007_invoices_that_wait_without_lines.sql"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to an empty schema of the service."""
    async with empty_schema(database_url, SCHEMA, store_module) as opened:
        yield opened


def an_invoice_that_waits() -> Message:
    """An invoice of a company that nobody has defined."""
    scenario = load_scenario(ROOT / "tests/scenarios/waiting/company-and-account.yaml")
    events = (decode(arrival.record) for arrival in arrivals(scenario))
    return next(event for event in events if isinstance(event, Message) and event.type == "customer-invoice.posted")


async def test_an_invoice_that_waits_with_null_for_its_lines_is_read(connection: Any) -> None:
    books = Books(complete=True)
    fold(books, an_invoice_that_waits())
    await Store().save(connection, books)
    row = orjson.loads(await connection.fetchval("select body from waiting"))
    data = orjson.loads(row["message"]["data"])
    row["message"]["data"] = orjson.dumps({**data, "lines": None}).decode()
    await connection.execute("update waiting set body = $1", orjson.dumps(row).decode())

    await connection.execute(MIGRATION.read_text(encoding="utf-8"))

    [parked] = (await Store().load_all(connection)).waiting
    assert parked.message.data.lines == []
    assert (parked.message.data.document, parked.message.data.amount) == (data["document"], an_invoice_that_waits().data.amount)
