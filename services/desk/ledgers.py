"""What stands in the ledgers: vouchers, open documents and balances, selected in the database.

Invariant: what is not asked for is not read; rows are those of `services.desk.rows`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from services.desk.rows import balance_row, document_row, voucher_order, voucher_row
from services.posting import queries as posting_queries
from services.posting.queries import Selection
from services.settlement import queries as settlement_queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.desk.schemas import Schemas

__all__ = ["Ledgers", "Selection", "balances", "open_documents", "posted", "vouchers"]

Row = dict[str, Any]


class Ledgers(NamedTuple):
    """Rows of several companies, and the names of all companies by code."""

    rows: list[Row]
    names: dict[str, str]


async def vouchers(schemas: Schemas, selection: Selection) -> Ledgers:
    """The selected vouchers with their lines, by company and the oldest first."""
    async with schemas.of("posting") as connection:
        found = await posting_queries.vouchers(connection, selection)
        companies = await posting_queries.companies(connection)
    rows = [voucher_row(voucher) for voucher in found]
    return Ledgers(sorted(rows, key=voucher_order), {code: company.name or code for code, company in companies.items()})


async def posted(schemas: Schemas, documents: Iterable[tuple[str, str, str]], runs: Iterable[tuple[str, str]]) -> list[Row]:
    """The vouchers of these documents (ledger, company, number) and of these settlement runs (source, id), reversals included."""
    async with schemas.of("posting") as connection:
        found = await posting_queries.vouchers_of_documents(connection, documents)
        found += await posting_queries.vouchers_of_runs(connection, runs)
    return [voucher_row(voucher) for voucher in found]


async def open_documents(
    schemas: Schemas, company: str | None = None, party: str | None = None, *, closed: bool = False
) -> AsyncIterator[Row]:
    """Documents with what is open of each, by ledger, company and document; with `closed` those with nothing open too."""
    async with schemas.of("settlement") as connection:
        async for document in settlement_queries.documents(connection, company, party):
            if closed or document.open:
                yield document_row(document)


async def balances(schemas: Schemas, company: str | None = None) -> Ledgers:
    """The balances of the accounts, by company, account, posting type, partner and currency."""
    async with schemas.of("posting") as connection:
        found = await posting_queries.balances(connection, company)
        companies = await posting_queries.companies(connection)
    rows = [balance_row(key, balance, companies[key.company].currency) for key, balance in found.items()]
    return Ledgers(rows, {code: company.name or code for code, company in companies.items()})
