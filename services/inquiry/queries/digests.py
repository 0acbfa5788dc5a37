"""The digests that were told with vouchers when they were posted: what the ledger's own can be held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.ports import Connection

_OF_THESE: Final = """
select v.company, v.series, v.number, v.digest
from unnest($1::text[], $2::text[], $3::bigint[]) as k (company, series, number) join vouchers v using (company, series, number)"""


async def digests_told(connection: Connection, keys: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], str | None]:
    """The digests of these vouchers (company, series, number), of those that have been read here."""
    columns = [[key[place] for key in keys] for place in range(3)]
    return {(row["company"], row["series"], row["number"]): row["digest"] for row in await connection.fetch(_OF_THESE, *columns)}
