"""What the owner of the database does to vouchers is found and named, and what the services have written holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from services.desk import chain_check as check_module
from services.desk import chain_walk as walk_module
from services.desk.chain_check import check_chain
from services.desk.chain_walk import ADDED, CHANGED, MISSING, OUT_OF_ORDER, REWRITTEN, SISTER_DIFFERS, ChainWalk, Head
from services.desk.schemas import SchemaMissingError, open_schemas
from services.local.backing_services import scenario_backing_services
from services.local.in_process import running_services
from services.posting import queries as queries_module
from services.posting import store as store_module
from services.posting.queries import voucher_pages
from services.posting.rules.chain import NOTHING_BEFORE, chained
from services.posting.store import Store
from services.posting.stored_pages import stored_pages
from services.scenarios.live_run import run
from services.scenarios.scenario_file import load_scenario
from shared.events.codec import as_json
from shared.events.reference import CompanyDefined
from tests.builders.chains import reversed_payment, runs
from tests.builders.posting import message
from tests.docs.test_the_chain_of_vouchers import program
from tests.live.posting.test_posting_store import deliver
from tests.live.schemas import empty_schema
from tests.scenario_files import EXAMPLES

pytestmark = pytest.mark.embedded

SCHEMA: Final = "posting_chain_test"
PAYMENTS: Final = 5
AMOUNT: Final = "lines = replace(lines, '580.00', '58.00')"


class OnePosting:
    """The schema of posting alone, on one connection."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[Any]:
        """Posting's; no other service has been started."""
        if service != "posting":
            raise SchemaMissingError(service)
        yield self.connection

    async def walk(self, *heads: Head) -> ChainWalk:
        """What is not as it was posted."""
        schemas: Any = self
        return await check_chain(schemas, heads)

    async def found(self, *heads: Head) -> set[tuple[str, str, str]]:
        """The same: company, voucher, problem."""
        return {each[:3] for each in (await self.walk(*heads)).findings}

    async def do(self, statement: str, *arguments: Any) -> None:
        """What the owner of the database does; it changes something."""
        assert not (await self.connection.execute(statement, *arguments)).endswith(" 0"), statement

    async def change(self, number: int, what: str, series: str = "AR-SET") -> None:
        """Changes a voucher of FAB."""
        await self.do(f"update vouchers set {what} where company = 'FAB' and series = $1 and number = $2", series, number)  # noqa: S608

    async def take_out(self, number: int) -> None:
        """Deletes a settlement voucher of FAB."""
        await self.do("delete from vouchers where company = 'FAB' and series = 'AR-SET' and number = $1", number)


@pytest.fixture
async def posting(database_url: str) -> AsyncIterator[OnePosting]:
    """The ledger of a group, posted in three batches: payments, their invoices and settlements, one of which is reversed."""
    async with empty_schema(database_url, SCHEMA, store_module) as connection:
        store = Store()
        companies = [CompanyDefined(code, "USD") for code in ("FAB", "FABE", "FABW")]
        said = [*companies, *runs(PAYMENTS), reversed_payment(2)]
        batch = [message(data, number) for number, data in enumerate(said)]
        for part in (batch[:5], batch[5:10], batch[10:]):
            await deliver(connection, store, part)
        yield OnePosting(connection)


async def compute_again(connection: Any, company: str, series: str) -> None:
    """All digests of a series, as whoever owns the database can."""
    digest = NOTHING_BEFORE
    for stored in [each async for page in stored_pages(connection) for each in page if each.key[:2] == (company, series)]:
        sisters = {of: bytes.fromhex(content) for of, content in stored.voucher.sister_contents.items()}
        digest = chained(digest, stored.content(), sisters)
        await connection.execute(
            "update vouchers set digest = $4 where (company, series, number) = ($1, $2, $3)", *stored.key, digest.hex()
        )
    await connection.execute("update numbers set digest = $3 where (company, series) = ($1, $2)", company, series, digest.hex())


def _number(number: int) -> str:
    return f"AR-SET-{number:06}"


async def test_what_several_batches_have_posted_holds_and_is_checked_whole(posting: OnePosting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries_module, "MOST_LINES", 3)  # several parts
    walk = await posting.walk()
    assert (walk.findings, walk.checked) == ([], PAYMENTS * 4 + 2)


async def test_what_is_read_back_has_the_digests_that_were_sent(posting: OnePosting) -> None:
    digest_of = program()["digest"]
    previous: dict[tuple[str, str], str] = {}
    async for page in voucher_pages(posting.connection):
        for row in (json.loads(as_json(voucher)) for voucher in page):
            of = row["company"], row["series"]
            assert row["digest"] == digest_of(row, previous.get(of, "00" * 32))
            previous[of] = row["digest"]
    assert len(previous) == 6


async def test_a_changed_amount_is_named(posting: OnePosting) -> None:
    await posting.change(3, AMOUNT)
    assert await posting.found() == {("FAB", _number(3), CHANGED), ("FABE", _number(3), SISTER_DIFFERS)}


@pytest.mark.parametrize(
    "change",
    [
        "document = 'PAY-X'",
        "date = date + 1",
        "reference = 'X'",
        "ledger = 'payable'",
        "kind = 'invoice'",
        "record = 2",
        "run_id = 'PAY-X'",
        "lines = replace(lines, 'F-C01', 'F-C02')",
        "lines = replace(lines, ',', ', ')",
        "lines = 'nothing that can be read'",
        "digest = null",
        "digest = 'nothing that can be read'",
        "sister_contents = 'nothing that can be read'",
        "sister_contents = null",
    ],
)
async def test_whatever_is_changed_in_a_row_the_voucher_is_named(posting: OnePosting, change: str) -> None:
    await posting.change(3, change)
    assert ("FAB", _number(3)) in {each[:2] for each in await posting.found()}


async def test_the_currency_of_a_companys_books_cannot_change_unseen(posting: OnePosting) -> None:
    await posting.do("update reference set data = replace(data::text, 'USD', 'EUR')::json where data ->> 'company' = 'FABE'")
    named = {each[:2] for each in await posting.found()}
    assert {("FABE", _number(number)) for number in range(1, PAYMENTS + 1)} <= named


async def test_a_removed_voucher_is_named(posting: OnePosting) -> None:
    await posting.take_out(3)
    assert await posting.found() == {("FAB", _number(3), MISSING), ("FABE", _number(3), SISTER_DIFFERS)}


async def test_the_last_voucher_removed_with_its_number_is_missed_by_its_sister_and_by_what_was_written_down(posting: OnePosting) -> None:
    heads = (await posting.walk()).as_heads("2026-03-31T00:00:00Z")
    await posting.take_out(PAYMENTS)
    await posting.do(
        """
        update numbers n set number = v.number, digest = v.digest from vouchers v
        where v.company = 'FAB' and v.series = 'AR-SET' and v.number = $1 and (n.company, n.series) = (v.company, v.series)""",
        PAYMENTS - 1,
    )
    assert await posting.found() == {("FABE", _number(PAYMENTS), SISTER_DIFFERS)}
    assert await posting.found(*heads) == {("FABE", _number(PAYMENTS), SISTER_DIFFERS), ("FAB", _number(PAYMENTS), MISSING)}


async def test_a_renumbered_voucher_is_named_with_its_number_of_before(posting: OnePosting) -> None:
    for was, becomes in ((3, 99), (4, 3), (99, 4)):
        await posting.change(was, f"number = {becomes}")
    walk = await posting.walk()
    moved = {(each.voucher, each.message) for each in walk.findings if each.problem == OUT_OF_ORDER and each.company == "FAB"}
    assert moved >= {(_number(3), f"it was posted as {_number(4)}"), (_number(4), f"it was posted as {_number(3)}")}


async def test_an_added_voucher_is_named(posting: OnePosting) -> None:
    await posting.do(
        """
        create table copied as select * from vouchers where company = 'FAB' and series = 'AR-SET' and number = 5;
        update copied set number = 6;
        insert into vouchers select * from copied;
        drop table copied -- 1"""
    )
    assert ("FAB", _number(PAYMENTS + 1), ADDED) in await posting.found()


async def test_all_digests_computed_again_are_found_by_a_head_alone_and_by_the_sister_where_there_is_one(posting: OnePosting) -> None:
    heads = (await posting.walk()).as_heads("2026-03-31T00:00:00Z")
    await posting.do(
        "update vouchers set lines = replace(lines, '580.00', '58.00') where company = 'FAB' and series = 'AR-PAY' and number = 2"
    )
    await compute_again(posting.connection, "FAB", "AR-PAY")
    assert await posting.found() == set()
    assert await posting.found(*heads) == {("FAB", f"AR-PAY-{PAYMENTS:06}", REWRITTEN)}

    await posting.change(3, AMOUNT)
    await compute_again(posting.connection, "FAB", "AR-SET")
    assert await posting.found() == {("FABE", _number(3), SISTER_DIFFERS)}


async def test_a_changed_reversal_is_missed_by_its_sister(posting: OnePosting) -> None:
    await posting.change(1, AMOUNT, "AR-SRV")
    await compute_again(posting.connection, "FAB", "AR-SRV")
    assert await posting.found() == {("FABE", "AR-SRV-000001", SISTER_DIFFERS)}


async def test_of_very_many_findings_some_are_named_and_the_others_counted(posting: OnePosting, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (check_module, walk_module):
        monkeypatch.setattr(module, "MOST_NAMED", 2)
    await posting.do("update vouchers set document = document || '?' where company = 'FAB' and series = 'AR-PAY'")
    walk = await posting.walk()
    assert ([each.problem for each in walk.findings], walk.found) == ([CHANGED] * 2, {CHANGED: PAYMENTS})


async def test_a_chain_begins_with_the_first_voucher_posted_after_the_upgrade(posting: OnePosting) -> None:
    await posting.do("update vouchers set digest = null, sister_contents = null")
    await posting.do("update numbers set digest = null")
    more = [message(data, 900 + number) for number, data in enumerate(runs(PAYMENTS + 1)[-3:])]
    await deliver(posting.connection, Store(), more)
    walk = await posting.walk()
    assert (walk.findings, walk.checked, walk.before.total()) == ([], 4, PAYMENTS * 4 + 2)


async def test_the_services_post_chains_that_hold_and_the_read_side_names_what_was_rewritten() -> None:
    async with (
        scenario_backing_services("chain") as settings,
        running_services(settings, inquiry=True) as services,
        open_schemas(settings) as schemas,
    ):
        result = await run(load_scenario(EXAMPLES / "der-rev-1.yaml"), services)
        await services.until_inquiry_has_read()
        walk = await check_chain(schemas)
        assert (walk.findings, walk.checked) == ([], len(result.vouchers))
        async with schemas.of("posting") as connection:
            await connection.execute("update vouchers set lines = replace(lines, '638.22', '63.22') where series = 'AR-INV'")
            await compute_again(connection, "FABE", "AR-INV")
        assert [each[:3] for each in (await check_chain(schemas)).findings] == [("FABE", "AR-INV-000001", REWRITTEN)]
