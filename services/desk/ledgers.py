"""What stands in the ledgers: vouchers, open documents and balances, selected in the database.

Invariant: what is not asked for is not read; rows are those of `services.desk.rows`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from services.desk.rows import balance_row, document_row, voucher_row
from services.posting import queries as posting_queries
from services.posting.queries import Selection
from services.settlement import queries as settlement_queries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from services.desk.schemas import Schemas

__all__ = ["Ledgers", "Selection", "balances", "company_names", "open_documents", "posted", "vouchers"]

Row = dict[str, Any]

MOST_LINES_SHOWN: Final = 10_000
"""Lines of vouchers in a table, which needs all of them to be drawn; those of the first voucher at least."""


class Ledgers(NamedTuple):
    """Rows of several companies, and the names of all companies by code."""

    rows: list[Row]
    names: dict[str, str]


async def vouchers(schemas: Schemas, selection: Selection) -> AsyncGenerator[Row]:
    """The selected vouchers with their lines, by company and the oldest first, as they are read."""
    async with schemas.of("posting") as connection:
        async for voucher in posting_queries.vouchers(connection, selection):
            yield voucher_row(voucher)


async def company_names(schemas: Schemas) -> dict[str, str]:
    """The names of all companies, by code."""
    async with schemas.of("posting") as connection:
        return {code: company.name or code for code, company in (await posting_queries.companies(connection)).items()}


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
