"""A connection that notes which growing tables a question's plans read from end to end, and how many statements it takes."""

from __future__ import annotations

import json
from typing import Any

GROWING = {
    *("events", "documents", "takes", "records", "vouchers", "lines", "daily", "between_days", "journals", "refusals"),
    "reference_history",
    "imported",
}
"""Not between_months: it has a row a month for each pair of companies, and the matrix is the sum of them all."""


class Explaining:
    """A connection that has every statement explained before it is run; the plans' nodes are kept."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements = 0
        self.scans: list[tuple[str, str]] = []

    async def fetch(self, query: str, *arguments: Any) -> Any:
        self.statements += 1
        plan = json.loads(await self._connection.fetchval(f"explain (format json) {query}", *arguments))
        self._take(plan[0]["Plan"], query)
        return await self._connection.fetch(query, *arguments)

    async def fetchrow(self, query: str, *arguments: Any) -> Any:
        rows = await self.fetch(query, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        row = await self.fetchrow(query, *arguments)
        return None if row is None else row[0]

    def _take(self, node: dict[str, Any], query: str) -> None:
        if node["Node Type"] in {"Seq Scan", "Parallel Seq Scan"} and node["Relation Name"] in GROWING:
            self.scans.append((node["Relation Name"], query))
        for child in node.get("Plans", ()):
            self._take(child, query)
