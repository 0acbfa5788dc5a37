"""The reconciler on the services' own tables: each kind of difference, planted by SQL, is found by name; a load raises no false alarm."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import pytest

from services.desk.reconciliation import reconcile
from services.desk.schemas import Schemas, open_schemas
from services.desk.under_way import UnderWay
from services.local.backing_services import scenario_backing_services
from services.local.in_process import RunningServices, running_services
from services.payment import queries as payment_queries
from services.posting import queries as posting_queries
from services.settlement import queries as settlement_queries
from services.simulator import streams
from tests.builders.load import intercompany_file
from tests.growth.counting import TWICE, queries_of
from tests.live.arriving import arrive

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.desk.checking import Check

pytestmark = pytest.mark.embedded

REVERSAL = {"type": "settlement-reversal.requested", "ledger": "payable"}
PAYMENTS = 4


class Posted(NamedTuple):
    """Payments with mirrors, one of them taken back whole, another one's settlement alone."""

    services: RunningServices
    schemas: Schemas

    async def reconciled(self) -> dict[str, list[str]]:
        """What does not hold."""
        return _failing(await reconcile(self.schemas, UnderWay(self.schemas, 2)))

    async def execute(self, statement: str) -> str:
        """A statement by the database's owner; names of schemas in braces."""
        settings = self.services.settings
        names = {name: settings.schema_name(name) for name in ("payment", "settlement", "posting")}
        connection = await asyncpg.connect(settings.database)
        try:
            return str(await connection.execute(statement.format(**names, of_paid_0=OF_PAID_0)))
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def posted() -> Any:
    """The services at rest behind it: read by all tests, each of which puts back what it changes."""
    with asyncio.Runner() as runner:
        opened = _posted()
        yield runner, runner.run(opened.__aenter__())
        runner.run(opened.__aexit__(None, None, None))


@asynccontextmanager
async def _posted() -> AsyncIterator[Posted]:
    content = intercompany_file(PAYMENTS)
    content["events"] += [
        {"id": "BACK-1", **REVERSAL, "payment": {"company": "FAB", "document": "PAID-1"}},
        {"id": "BACK-2", **REVERSAL, "payment": {"company": "FAB", "document": "PAID-2"}},
        {"id": "GONE-2", "type": "payment-reversal.requested", "ledger": "payable", "payment": {"company": "FAB", "document": "PAID-2"}},
    ]
    async with scenario_backing_services("planted") as settings, running_services(settings) as services:
        await arrive(services, streams.scenario(content["group"], content["events"]))
        async with open_schemas(settings) as schemas:
            yield Posted(services, schemas)


def _failing(checks: list[Check]) -> dict[str, list[str]]:
    return {check.name: check.said() for check in checks if not check.holds}


def test_books_at_rest_hold_in_every_check(posted: tuple[asyncio.Runner, Posted]) -> None:
    runner, books = posted
    checks = runner.run(reconcile(books.schemas))
    assert _failing(checks) == {}
    assert not any(check.under_way for check in checks)
    compared = {check.name: check.compared for check in checks}
    assert compared["each document has its voucher"] == f"{4 * PAYMENTS} documents"
    assert compared["each settlement record has its vouchers, in each company"] == f"{2 * PAYMENTS} records"
    assert compared["each sales payment is in both services' books, and mirrors a payment"] == f"{2 * PAYMENTS} sales payments, each side"


DOCUMENTS = "each document has its voucher"
RECORDS = "each settlement record has its vouchers, in each company"
CAUSES = "each voucher has its document or settlement record, with its amount"
OPEN = "what is open of a document is what its records leave"
MIRRORS = "each sales payment is in both services' books, and mirrors a payment"
ANSWERED = "every run's sales payments are made or answered"
NUMBERS = "voucher numbers are gapless"
BALANCES = "balances are the sums of the lines"
PAID_0 = "FAB payable payment PAID-0 (98.00 USD)"
RUN_0 = "payable settlement scenario PAID-0 record 1 (FAB PAID-0 with FABE BILL-0, 98.00 USD)"
SALES_0 = "FABW ARPAY-IC sales payment ARPAY-IC-FAB-PAID-0-1 (98.00 USD)"
OF_PAID_0 = "where document = 'PAID-0' and run_id is null"

PLANTED = {
    "a document's voucher is gone": (
        "delete from {posting}.vouchers {of_paid_0}",
        {
            DOCUMENTS: f"{PAID_0} has no voucher",
            NUMBERS: "FAB AP-PAY-000001 is missing",
            BALANCES: "FAB accounts_payable: the balance is ",
        },
    ),
    "a settlement record's voucher is gone in one of its companies": (
        "delete from {posting}.vouchers where company = 'FABE' and series = 'AP-SET' and number in (1, 2)",
        {
            RECORDS: f"{RUN_0} has no voucher in FABE",
            NUMBERS: "FABE AP-SET-000001 to AP-SET-000002 are missing",
        },
    ),
    "a reversal has not reached one of the companies": (
        "delete from {posting}.vouchers where company = 'FABE' and series = 'AP-SRV' and number = 2",
        {
            RECORDS: "payable settlement scenario PAID-2 record 1 (FAB PAID-2 with FABE BILL-2, 100.00 USD) is reversed,"
            " and in FABE its voucher AP-SET-000003 is not",
            NUMBERS: "FABE AP-SRV-000002 is missing",
        },
    ),
    "a document's reversal is not posted": (
        "delete from {posting}.vouchers where company = 'FAB' and series = 'AP-PRV'",
        {DOCUMENTS: "FAB payable payment PAID-2 (100.00 USD) is reversed, and its voucher AP-PAY-000003 is not"},
    ),
    "a voucher posts a document that is not there": (
        "update {posting}.vouchers set document = 'NOBODY' {of_paid_0}",
        {
            CAUSES: "FAB AP-PAY-000001 posts the payable document NOBODY, which settlement does not have",
            DOCUMENTS: f"{PAID_0} has no voucher",
        },
    ),
    "a voucher posts a settlement record that is not there": (
        "update {posting}.vouchers set run_id = 'NONE' where company = 'FAB' and series = 'AP-SET' and number = 1",
        {
            CAUSES: "FAB AP-SET-000001 posts record 1 of the payable settlement scenario NONE, which settlement does not have",
            RECORDS: f"{RUN_0} has no voucher in FAB",
        },
    ),
    "a voucher is of another kind than its document": (
        "update {posting}.vouchers set kind = 'refund' {of_paid_0}",
        {CAUSES: f"FAB AP-PAY-000001 posts a refund, and settlement has {PAID_0}", DOCUMENTS: f"{PAID_0} has no voucher"},
    ),
    "a voucher has another amount than its document": (
        "update {posting}.vouchers set lines = replace(lines, '98.00', '99.00') {of_paid_0}",
        {CAUSES: f"FAB AP-PAY-000001, {PAID_0}: 99.00 USD is posted on the party's account, the document is 98.00"},
    ),
    "a voucher has another amount than its settlement record": (
        "update {posting}.vouchers set lines = replace(lines, '98.00', '99.00') where company = 'FAB' and series = 'AP-SET' and number = 1",
        {CAUSES: f"FAB AP-SET-000001, {RUN_0}: -99.00 USD is posted on the party's account, the record settles -98.00"},
    ),
    "a voucher does not balance": (
        """update {posting}.vouchers set lines = jsonb_set(lines::jsonb, '{{0,7}}', '"99.00"')::text {of_paid_0}""",
        {"every voucher balances in its currencies and in accounting currency": "FAB AP-PAY-000001: debits are 99.00 USD, credits 98.00"},
    ),
    "a document is posted twice": (
        """insert into {posting}.vouchers
        select company, series, 5, ledger, kind, date, document, run_source, run_id, record, reference, lines
        from {posting}.vouchers {of_paid_0}""",
        {
            DOCUMENTS: f"{PAID_0} is posted twice: AP-PAY-000001, AP-PAY-000005",
            NUMBERS: "FAB AP-PAY-000005 is there, and the last number that was given is AP-PAY-000004",
        },
    ),
    "a voucher reverses what is not reversed": (
        "update {posting}.vouchers set kind = 'payment_reversal' where company = 'FAB' and series = 'AP-PAY' and number = 4",
        {CAUSES: "FAB AP-PAY-000004 reverses FAB payable payment PAID-3 (98.00 USD), which settlement has not reversed"},
    ),
    "a number was given and has no voucher": (
        "update {posting}.numbers set number = number + 1 where company = 'FAB' and series = 'AP-PAY'",
        {NUMBERS: "FAB AP-PAY-000005 is missing"},
    ),
    "a balance has drifted": (
        "update {posting}.balances set debit = debit + 1 where company = 'FAB' and posting_type = 'cash'",
        {BALANCES: "FAB cash: the balance is 101.00 debit and 396.00 credit USD (100.00 and 396.00 USD), the lines add up to 100.00 debit"},
    ),
    "what one company is due the other is not": (
        "update {posting}.balances set debit = debit + 1 where company = 'FAB' and posting_type = 'due_from'",
        {
            "what A is due from B is what B is due to A, per currency": "FAB has 197.00 USD due from FABE, which has 196.00 due to FAB",
            BALANCES: "FAB due_from",
        },
    ),
    "more is open of a document than its records leave": (
        """update {settlement}.documents set body = jsonb_set(body::jsonb, '{{13}}', '"5.00"')::json where document = 'PAID-0'""",
        {OPEN: f"{PAID_0}: 5.00 USD is open, its 1 records leave 0.00"},
    ),
    "a settlement record is gone": (
        "delete from {settlement}.records where run_id = 'PAID-0'",
        {
            OPEN: f"{PAID_0}: 0.00 USD is open, its 0 records leave 98.00",
            CAUSES: "FAB AP-SET-000001 posts record 1 of the payable settlement scenario PAID-0, which settlement does not have",
        },
    ),
    "a mirror's payment is gone": (
        "delete from {settlement}.documents where ledger = 'payable' and document = 'PAID-0'",
        {
            MIRRORS: f"{SALES_0} mirrors FAB PAID-0, which settlement does not have",
            RECORDS: "record 1 of PAID-0: there is no payable FAB PAID-0",
            CAUSES: "FAB AP-PAY-000001 posts the payable document PAID-0, which settlement does not have",
        },
    ),
    "a sales payment has not reached settlement": (
        """delete from {settlement}.journals where document like '%PAID-0-1';
        delete from {settlement}.documents where document like '%PAID-0-1'""",
        {MIRRORS: f"{SALES_0} is posted in payment, settlement does not know it"},
    ),
    "a sales payment has no document": (
        "delete from {settlement}.documents where document like '%PAID-0-1'",
        {MIRRORS: f"{SALES_0} is posted in payment, and no document in settlement"},
    ),
    "payment has forgotten a sales payment": (
        "delete from {payment}.journals where document like '%PAID-0-1'",
        {MIRRORS: "FABW ARPAY-IC sales payment ARPAY-IC-FAB-PAID-0-1: settlement has it, payment has not"},
    ),
    "the reversal of a sales payment has not reached payment": (
        "update {payment}.journals set status = 'posted' where document like '%PAID-1-1'",
        {MIRRORS: "FABW ARPAY-IC sales payment ARPAY-IC-FAB-PAID-1-1 (100.00 USD) is reversed in settlement, posted in payment"},
    ),
    "a sales payment is reversed in payment alone": (
        "update {payment}.journals set status = 'reversed' where document like '%PAID-0-1'",
        {MIRRORS: f"{SALES_0} is reversed in payment, its document in settlement is not"},
    ),
    "a sales payment has another amount in settlement": (
        """update {payment}.journals set data = replace(data::text, '"amount":"98.00"', '"amount":"97.00"')::json
        where document like '%PAID-0-1'""",
        {MIRRORS: "FABW ARPAY-IC sales payment ARPAY-IC-FAB-PAID-0-1 (97.00 USD) is 98.00 USD in settlement"},
    ),
    "a payment's mirror was never made": (
        """insert into {settlement}.pending_replies values ('scenario', 'PAID-3', '[["scenario","PAID-3"],1,[]]')""",
        {
            ANSWERED: "scenario PAID-3 waits in settlement for its sales payments, payment has not answered",
        },
    ),
    "an event has an effect and no id": (
        "delete from {settlement}.inbox",
        {"every document's event is in the inbox": "FAB payable payment PAID-0 (98.00 USD): the event scenario PAID-0 is not in the inbox"},
    ),
    "a message has not arrived": (
        "delete from {posting}.inbox",
        {"what was sent has arrived": " document.posted "},
    ),
    "a payment has not arrived": (
        "delete from {settlement}.inbox",
        {"what was sent has arrived": " of FAB PAID-0, and settlement has not read it"},
    ),
    "a message was put aside": (
        "insert into {posting}.failed (direction, topic, partition, \"offset\", headers, error) values ('in', 't', 0, 7, '[]', 'KeyError')",
        {"nothing is put aside as defects": "in t/0/7: KeyError"},
    ),
    "a record was gone before it was read": (
        "insert into {settlement}.gaps (topic, partition, first, last) values ('intercompany.invoices', 0, 3, 9)",
        {"no record was gone before it was read": "settlement/intercompany.invoices/0: the records 3 to 9"},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_difference_is_found_by_name(posted: tuple[asyncio.Runner, Posted], name: str) -> None:
    runner, books = posted
    statement, said = PLANTED[name]
    tables = sorted(set(re.findall(r"\{\w+\}\.\w+", statement)))
    for number, table in enumerate(tables):
        runner.run(books.execute(f"create table public.kept{number} as table {table}"))
    try:
        runner.run(books.execute(statement))
        found = runner.run(books.reconciled())
    finally:
        for number, table in enumerate(tables):
            put_back = f"insert into {table} overriding system value select * from public.kept{number}"  # noqa: S608 - names of our own
            runner.run(books.execute(f"truncate {table}; {put_back}; drop table public.kept{number}"))
    for check, text in said.items():
        assert any(text in problem for problem in found.get(check, [])), found
    assert runner.run(books.reconciled()) == {}


def test_what_is_read_a_page_at_a_time_is_the_same(posted: tuple[asyncio.Runner, Posted], monkeypatch: pytest.MonkeyPatch) -> None:
    runner, books = posted
    whole = [check.as_row() for check in runner.run(reconcile(books.schemas))]
    for module, name, size in (
        (posting_queries, "_PAGE_CHECKED", 3),
        (posting_queries, "MOST_LINES", 10),
        (settlement_queries, "_PAGE", 3),
        (payment_queries, "_PAGE", 1),
    ):
        monkeypatch.setattr(module, name, size)
    assert [check.as_row() for check in runner.run(reconcile(books.schemas))] == whole


def test_what_it_asks_grows_with_the_pages_alone(posted: tuple[asyncio.Runner, Posted], monkeypatch: pytest.MonkeyPatch) -> None:
    runner, books = posted
    names = [books.services.settings.schema_name(name) for name in ("payment", "settlement", "posting")]
    asked = []
    for size in (8, 4):
        for module, name in ((posting_queries, "_PAGE_CHECKED"), (settlement_queries, "_PAGE"), (payment_queries, "_PAGE")):
            monkeypatch.setattr(module, name, size)
        before = sum(map(queries_of, names))
        runner.run(reconcile(books.schemas))
        asked.append(sum(map(queries_of, names)) - before)
    assert asked[0] < asked[1] <= TWICE * asked[0]


PER_PAGE = {
    "posting": (
        (posting_queries._NEXT, ("", "", 0, None, None, 500)),  # noqa: SLF001 - the statements themselves are what is tried
        (posting_queries._FOUND_OF_DOCUMENTS, (["payable"], ["FAB"], ["PAID-0"])),  # noqa: SLF001
        (posting_queries._FOUND_OF_RECORDS, (["scenario"], ["PAID-0"], ["payable"], [1])),  # noqa: SLF001
        (posting_queries._OF_RUNS, (["scenario"], ["PAID-0"])),  # noqa: SLF001
    ),
    "settlement": (
        (settlement_queries._NEXT, ("", "", "", None, None, 500)),  # noqa: SLF001
        (settlement_queries._TAKEN_OF, (["payable"], ["FAB"], ["PAID-0"])),  # noqa: SLF001
        (settlement_queries._NEXT_RECORDS, ("", "", "", -1, 500)),  # noqa: SLF001
        (settlement_queries._NEXT_JOURNALS, ("", "", 500)),  # noqa: SLF001
        (settlement_queries._NEXT_PENDING, ("", "", 500)),  # noqa: SLF001
    ),
    "payment": (
        (payment_queries._NEXT, ("", "", 500)),  # noqa: SLF001
        (payment_queries._OF_KEYS, (["FABW"], ["ARPAY-IC-FAB-PAID-0-1"])),  # noqa: SLF001
    ),
}


@pytest.mark.parametrize("service", PER_PAGE)
def test_no_page_goes_through_a_whole_table(posted: tuple[asyncio.Runner, Posted], service: str) -> None:
    runner, books = posted

    async def plans() -> list[str]:
        async with books.schemas.of(service) as connection:
            await connection.execute("set local enable_seqscan = off")  # a table so small is read whole, unless no index will do
            return [str(await connection.fetch(f"explain {query}", *values)) for query, values in PER_PAGE[service]]

    for plan in runner.run(plans()):
        assert "Index" in plan
        assert "Seq Scan" not in plan, plan
