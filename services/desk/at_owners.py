"""What was posted of an event, asked of the posting service itself, where inquiry may not be there or not have read so far.

Questions about the books are inquiry's (`services.inquiry.queries`). This is for those who wait for one event's vouchers: its state over
HTTP, and the benchmark's check, which runs without inquiry.

Invariant: what is not asked for is not read; rows are those of `services.desk.rows`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.desk.rows import voucher_row
from services.posting import queries as posting_queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.schemas import Schemas

Row = dict[str, Any]


async def posted(schemas: Schemas, documents: Iterable[tuple[str, str, str]], runs: Iterable[tuple[str, str]]) -> list[Row]:
    """The vouchers of these documents (ledger, company, number) and of these settlement runs (source, id), reversals included."""
    async with schemas.of("posting") as connection:
        found = await posting_queries.vouchers_of_documents(connection, documents)
        found += await posting_queries.vouchers_of_runs(connection, runs)
    return [voucher_row(voucher) for voucher in found]
