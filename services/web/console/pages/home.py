"""`/`: what a controller looks at first: what needs somebody, what the companies owe each other, what was posted last."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from services.web.console.api import AskedInVainError
from services.web.console.pages.intercompany import matrices

if TYPE_CHECKING:
    from services.web.console.reader import Reader

_LAST: Final = 8


async def view(reader: Reader) -> dict[str, Any]:
    """Counts of what needs somebody, the matrix, and the last vouchers."""
    counts = await asyncio.gather(
        _count(reader, "/v1/waiting", company=reader.company),
        _count(reader, "/v1/refusals", company=reader.company, state="open"),
        _count(reader, "/v1/journals", company=reader.company, status="created"),
        _count(reader, "/v1/documents", company=reader.company, state="open", as_of=reader.day),
    )
    cells = await reader.ask("/v1/intercompany", as_of=reader.day, company=reader.company)
    posted = await reader.ask("/v1/vouchers", company=reader.company, limit=_LAST)
    named = (("Waiting", "/waiting"), ("Refused", "/refused"), ("to be approved", "/approvals"), ("open documents", "/open"))
    tiles = [{"name": name, "path": path, "count": count} for (name, path), count in zip(named, counts, strict=True)]
    return {"title": reader.t("Overview"), "tiles": tiles, "matrices": matrices(cells["data"]), "posted": posted["data"]}


async def _count(reader: Reader, path: str, **parameters: object) -> str | None:
    """How many rows a list has; None where the API does not have the list."""
    try:
        said = await reader.ask(path, limit=1, count="true", **parameters)
    except AskedInVainError as refused:
        if not refused.is_missing:
            raise
        return None
    count = said.get("count")
    return None if count is None else str(count)
