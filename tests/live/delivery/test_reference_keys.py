"""Reference data that an earlier version has stored is found under the keys of today, in every service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import orjson
import pytest

from services.payment import store as payment
from services.posting import store as posting
from services.registry import SERVICES
from services.settlement import store as settlement
from shared.delivery.reference_table import ReferenceTable
from shared.delivery.service import AnyService
from shared.events.codec import read_stored
from shared.events.contract import CONTRACT
from shared.events.reference import compaction_key
from shared.postgresql.database import Postgres
from shared.postgresql.migrations import SHELL, migrate, migration_files
from tests.house.test_migrations import RELEASED
from tests.live.schemas import empty_schema
from tests.scenario_files import ROOT

pytestmark = pytest.mark.embedded

STORED: dict[str, tuple[str, dict[str, Any]]] = {
    "company/A/B": ("company.defined", {"company": "A/B", "currency": "USD", "accounts": {"cash": "1010", "sales_tax": ["3806", "3801"]}}),
    "company/C": ("company.defined", {"company": "C", "currency": "EUR", "accounts": {}}),
    "party/P%": ("party.defined", {"party": "P%", "customers": {"C": "C1"}, "vendors": {"C": "V1"}}),
    "centralized-payments-members": ("centralized-payments-members.defined", {"members": ["C"]}),
    "centralized-payments/C": ("centralized-payments.defined", {"company": "C"}),
    "intercompany-accounting/A/B/C": ("intercompany-accounting.defined", {"company": "A/B", "partner": "C"}),
    "settlement-parameters/C/payable": ("settlement-parameters.defined", {"company": "C", "ledger": "payable"}),
    "posting-profile/C/G/1": ("posting-profile.defined", {"company": "C", "posting_profile": "G/1"}),
    "methods-of-payment/C": ("methods-of-payment.defined", {"company": "C", "methods": ["EFT"]}),
    "payment-journal/C/AR": ("payment-journal.defined", {"company": "C", "journal": "AR"}),
    "trading-relation/C/I/1/A/B/V": (
        "trading-relation.defined",
        {"seller": {"company": "C", "customer": "I/1"}, "buyer": {"company": "A/B", "vendor": "V"}, "payment_journal": "AR"},
    ),
    "exchange-rate/*/EUR/USD/2026-01-01": ("exchange-rate.published", {"from": "EUR", "to": "USD", "date": "2026-01-01", "rate": "1.1"}),
    "exchange-rate/C/EUR/USD/2026-01-01": (
        "exchange-rate.published",
        {"company": "C", "from": "EUR", "to": "USD", "date": "2026-01-01", "rate": "1.2"},
    ),
    "period/C/2026-01-01/2026-01-31": ("period.closed", {"company": "C", "from": "2026-01-01", "to": "2026-01-31"}),
}
"""Rows as they were written before keys were escaped: the key, the type and the data."""


@pytest.fixture(params=[payment, posting, settlement], ids=["payment", "posting", "settlement"])
async def connection(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A connection to a service's tables, with the stored rows as its migration of the keys finds them."""
    async with empty_schema(database_url, "reference_keys_test", request.param) as opened:
        rows = [(key, number, name, orjson.dumps(data).decode()) for number, (key, (name, data)) in enumerate(STORED.items(), start=1)]
        await opened.executemany("insert into reference (key, position, type, data) values ($1, $2, $3, $4)", rows)
        await opened.execute((SHELL / "0006_reference_keys.sql").read_text(encoding="utf-8"))
        yield opened


async def test_stored_keys_are_those_that_a_newer_event_of_the_same_entity_has(connection: Any) -> None:
    rows = await connection.fetch("select key, type, data from reference order by position")
    assert [row["key"] for row in rows] == [compaction_key(read_stored(CONTRACT[row["type"]].data, row["data"])) for row in rows]
    assert len({row["key"] for row in rows}) == len(STORED)


async def test_what_was_stored_is_still_in_force(connection: Any) -> None:
    reference = await ReferenceTable().current(connection)
    assert reference.main_account("A/B", "cash") == "1010"
    assert reference.main_account("A/B", "sales_tax") == "3806"
    assert (reference.party("receivable", "C", "C1"), reference.party("payable", "C", "V1")) == ("P%", "P%")
    assert reference.members == frozenset({"C"})
    assert reference.rates.keys() == {(None, "EUR", "USD"), ("C", "EUR", "USD")}
    assert reference.is_closed("C", date(2026, 1, 15))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_schema_of_0_1_is_brought_to_the_keys_of_today(database_url: str, service: AnyService) -> None:
    schema = f"upgraded_{service.name}"
    database = Postgres(database_url, schema)
    try:
        async with database.transaction() as connection:
            await connection.execute(f"drop schema if exists {schema} cascade; create schema {schema}")
            await connection.execute("create table migrations (name text primary key, digest text not null)")
            for name, file in migration_files(service):
                if file.relative_to(ROOT).as_posix() in RELEASED:
                    text = file.read_text(encoding="utf-8")
                    await connection.execute(text)
                    digest = RELEASED[file.relative_to(ROOT).as_posix()]
                    await connection.execute("insert into migrations (name, digest) values ($1, $2)", name, digest)
            row = ("company/A/B", 1, "company.defined", '{"company": "A/B", "currency": "USD", "accounts": {"cash": "1010"}}')
            await connection.execute("insert into reference (key, position, type, data) values ($1, $2, $3, $4)", *row)
        await migrate(database, schema, service)
        async with database.transaction() as connection:
            assert (await ReferenceTable().current(connection)).main_account("A/B", "cash") == "1010"
            assert await connection.fetchval("select key from reference") == "company/A%2FB"
            assert await connection.fetchval("select count(*) from migrations") == len(migration_files(service))
    finally:
        await database.close()
