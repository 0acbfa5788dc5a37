"""The store on a real PostgreSQL: what batches leave in the tables is what the same messages leave in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.posting import store as store_module
from services.posting import stored_tables
from services.posting.rules import Books, fold
from services.posting.rules.books import balances_of
from services.posting.store import Store
from shared.events.envelope import EventRef, Message
from shared.events.reference import CompanyDefined, IntercompanyAccountingDefined, ReferenceWithdrawn
from shared.events.settlements import DocumentPosted, SettlementPosted
from shared.events.vouchers import Voucher
from shared.missing import NotLoadedError
from tests.builders.posting import (
    books,
    difference,
    discount,
    document,
    gain,
    message,
    record,
    reversed_document,
    reversed_record,
    run,
)
from tests.live.schemas import empty_schema

pytestmark = pytest.mark.embedded

SCHEMA = "posting_store_test"
COMPANIES = (
    CompanyDefined("FAB", "USD", name="Fabrikam", accounts={"cash": ["1010"]}),
    CompanyDefined("FABE", "JPY", language="fr"),
    CompanyDefined("FABW", "KWD"),
)
PAY = document("PAY", "payment", "580.00", dimensions={"centre": "MAIN", "project": "é"})
INV = document("INV", "invoice", "600.00", company="FABE", own="JPY", rate="120.5", lines=(("sales", "333.33"), ("sales", "266.67")))
PARTS: tuple[tuple[dict[str, str], str, str], ...] = (({"centre": "A"}, "13.33", "1606"), ({}, "6.67", "804"))
ENTRY = record(
    "580.00", "580.00", "69890", discount=discount("20.00", "2410", parts=PARTS), gain=gain("-17"), remainder=difference("0.01", penny=True)
)
WEST = document("W-1", "payment", "1.234", ledger="payable", company="FABW", currency="KWD", own="KWD")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Any]:
    """A connection to an empty schema of the service."""
    async with empty_schema(database_url, SCHEMA, store_module) as opened:
        yield opened


def messages(*said: Any, start: int = 0) -> list[Message]:
    return [message(data, number) for number, data in enumerate(said, start)]


def payments(count: int) -> list[Message]:
    """So many payments, each settled in a run of its own."""
    said: list[DocumentPosted | SettlementPosted] = []
    for number in range(count):
        payment = replace(PAY, document=f"PAY-{number}")
        said += [payment, replace(run(payment, INV, ENTRY), run=EventRef("scenario", f"RUN-{number}"))]
    return messages(*said, start=1000)


async def deliver(connection: Any, store: Store, batch: Sequence[Message]) -> list[Voucher]:
    """One batch as the shell does it."""
    async with connection.transaction():
        loaded = await store.load(connection, batch)
        outgoing = [each for one in batch for each in fold(loaded, one)]
        await store.save(connection, loaded)
    return [each.data for each in outgoing]


class Counted:
    """A connection that counts its statements, COPY included."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in {"execute", "fetch", "fetchrow", "fetchval", "copy_to_table"}:
            self.calls.append(name)
        return getattr(self._connection, name)


def kept(group: Books) -> dict[str, Voucher]:
    return {f"{voucher.company} {voucher.voucher}": voucher for voucher in group.vouchers}


async def test_batches_leave_in_the_tables_what_they_leave_in_memory(connection: Any) -> None:
    batches = [
        messages(*COMPANIES, IntercompanyAccountingDefined("FAB", "FABE", due_to="2381")),
        messages(PAY, INV, WEST, run(PAY, INV, ENTRY), start=10),
        messages(reversed_record(date(2015, 3, 1)), reversed_document("PAY"), reversed_document("W-1", "FABW", "payable"), start=20),
    ]
    memory, store = Books(complete=True), Store()
    for batch in batches:
        expected = [each.data for one in batch for each in fold(memory, one)]
        memory.commit()
        assert await deliver(connection, store, batch) == expected
    stored = await Store().load_all(connection)
    assert kept(stored) == kept(memory)
    assert stored.balances == memory.balances
    assert kept(stored)["FABE AR-INV-000001"].lines[0].text == "Facture INV: clients"
    assert {line.account for line in kept(stored)["FAB AR-SET-000001"].lines} >= {"2381", "penny_difference"}


async def test_zero_has_the_digits_of_its_currency_after_loading_too(connection: Any) -> None:
    store = Store()
    await deliver(connection, store, messages(*COMPANIES, INV, run(PAY, INV, ENTRY)))
    loss = next(line for line in kept(await store.load_all(connection))["FABE AR-SET-000001"].lines if line.posting_type == "realized_loss")
    assert [str(side) for side in (loss.debit, loss.credit, loss.accounting_debit, loss.accounting_credit)] == ["0.00", "0.00", "17", "0"]


async def test_a_settlement_can_be_reversed_in_its_own_batch(connection: Any) -> None:
    store = Store()
    posted = await deliver(connection, store, messages(*COMPANIES, PAY, run(PAY, INV, ENTRY), reversed_record(), reversed_document("PAY")))
    assert [(voucher.company, voucher.voucher) for voucher in posted if "reversal" in voucher.kind] == [
        ("FAB", "AR-SRV-000001"),
        ("FABE", "AR-SRV-000001"),
        ("FAB", "AR-PRV-000001"),
    ]


async def test_numbers_go_on_without_a_gap_after_a_restart(connection: Any) -> None:
    await deliver(connection, Store(), messages(*COMPANIES))
    batch = payments(5)
    numbers = [
        voucher.voucher for start in range(0, len(batch), 3) for voucher in await deliver(connection, Store(), batch[start : start + 3])
    ]
    assert [number for number in numbers if number.startswith("AR-PAY")] == [f"AR-PAY-{count:06}" for count in range(1, 6)]


async def test_what_is_rolled_back_leaves_no_gap_and_no_reference_data(connection: Any) -> None:
    store = Store()
    await deliver(connection, store, messages(*COMPANIES))
    transaction = connection.transaction()
    await transaction.start()
    batch = messages(CompanyDefined("FAB", "EUR"), replace(PAY, accounting_currency="EUR"))
    lost = await store.load(connection, batch)
    for one in batch:
        fold(lost, one)
    await store.save(connection, lost)
    await transaction.rollback()
    (voucher,) = await deliver(connection, store, messages(PAY))
    assert voucher.voucher == "AR-PAY-000001"
    assert (await store.load(connection, [])).reference.currency("FAB") == "USD"


async def test_the_latest_reference_event_of_a_key_counts_in_every_process(connection: Any) -> None:
    def chart(cash: str) -> CompanyDefined:
        return CompanyDefined("FAB", "USD", accounts={"cash": [cash]})

    here, elsewhere = Store(), Store()
    await deliver(connection, here, messages(*COMPANIES, chart("1011")))
    assert (await elsewhere.load(connection, [])).reference.main_account("FAB", "cash") == "1011"
    await deliver(connection, here, messages(chart("1012"), IntercompanyAccountingDefined("FAB", "FABE", due_to="2381"), start=10))
    for store in (here, elsewhere, Store()):
        reference = (await store.load(connection, [])).reference
        assert (reference.main_account("FAB", "cash"), reference.intercompany_account("FAB", "FABE", "due_to")) == ("1012", "2381")
    assert await connection.fetchval("select count(*) from reference") == len(COMPANIES) + 1


async def test_a_withdrawal_takes_the_place_of_what_it_withdraws_and_a_company_keeps_its_currency(connection: Any) -> None:
    store, defined = Store(), IntercompanyAccountingDefined("FAB", "FABE", due_to="2381")
    withdrawn = ReferenceWithdrawn("intercompany-accounting.defined", "FAB", "FABE")
    await deliver(connection, store, messages(*COMPANIES, defined))
    await deliver(connection, store, messages(withdrawn, CompanyDefined("FAB", "EUR"), start=10))
    for each in (store, Store()):
        reference = (await each.load(connection, [])).reference
        assert (reference.intercompany, reference.currency("FAB")) == ({}, "USD")
    assert await connection.fetchval("select count(*) from reference") == len(COMPANIES) + 1


async def test_reference_data_that_was_emptied_is_forgotten(connection: Any) -> None:
    store = Store()
    await deliver(connection, store, messages(*COMPANIES))
    await store.load(connection, [])
    await connection.execute("truncate reference")
    assert (await store.load(connection, [])).reference.company("FAB") is None


async def test_balances_are_the_sums_of_all_lines(connection: Any) -> None:
    store = Store()
    await deliver(connection, store, messages(*COMPANIES))
    batch = payments(6)
    for start in range(0, len(batch), 4):
        await deliver(connection, store, batch[start : start + 4])
    stored = await store.load_all(connection)
    assert stored.balances == balances_of(stored.vouchers)
    assert len(stored.balances) > len(COMPANIES)


async def test_what_a_fold_misses_is_loaded_and_then_found(connection: Any) -> None:
    store = Store()
    batch = messages(reversed_record(), reversed_document("PAY"), start=20)
    await deliver(connection, store, messages(*COMPANIES, PAY, run(PAY, INV, ENTRY)))
    loaded = await store.load(connection, [])
    posted: list[Voucher] = []
    asked = 0
    while not posted:
        try:
            posted = [each.data for one in batch for each in fold(loaded, one)]
        except NotLoadedError as error:
            asked += 1
            loaded.rollback()
            await store.load_missing(connection, loaded, [error.missing])
    assert [voucher.kind for voucher in posted] == ["settlement_reversal", "settlement_reversal", "payment_reversal"]
    assert asked == 2, "once for the record, once for the payment; the numbers of their companies come along"


async def test_the_queries_of_a_batch_do_not_depend_on_its_size(connection: Any) -> None:
    store = Store()
    await deliver(connection, store, messages(*COMPANIES))
    await store.load(connection, [])  # reads the new reference data
    counted = Counted(connection)

    async def queries(batch: Sequence[Message]) -> int:
        counted.calls.clear()
        await deliver(counted, store, batch)
        return len(counted.calls)

    small, large = payments(1), payments(41)[2:]
    posting = [await queries(small), await queries(large)]
    reversals = [
        await queries([message(reversed_document(f"PAY-{number}"), number) for number in some]) for some in (range(1), range(1, 41))
    ]
    assert posting == [posting[0]] * 2
    assert reversals == [reversals[0]] * 2
    assert (posting[0], reversals[0]) == (5, 8), counted.calls


async def test_reversals_are_found_by_an_index(connection: Any) -> None:
    """Also when the table is large and its statistics are not there yet."""
    await connection.execute("set enable_seqscan = off")
    plans = [
        await connection.fetch(f"explain {store_module.OF_RECORDS}", ["scenario"], ["PAY"]),
        await connection.fetch(f"explain {store_module.OF_DOCUMENTS}", ["receivable"], ["FAB"], ["PAY"]),
        await connection.fetch(f"explain {stored_tables.LINES_OF_VOUCHERS}", ["FAB"], ["AR-SET"], [1]),
    ]
    text = ["\n".join(row[0] for row in plan) for plan in plans]
    assert "vouchers_of_a_run" in text[0]
    assert "vouchers_of_a_document" in text[1]
    assert "vouchers_pkey" in text[2]


def test_the_books_of_a_batch_do_not_take_what_was_not_loaded_for_what_is_not_there() -> None:
    partial = Books(books(*COMPANIES).reference)
    with pytest.raises(NotLoadedError, match="numbers"):
        fold(partial, message(PAY))
    with pytest.raises(NotLoadedError, match="record"):
        fold(partial, message(reversed_record()))
