"""`/companies`: the companies of the group, with what is open and which periods are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.web.console.reader import Reader


async def view(reader: Reader) -> dict[str, Any]:
    """The companies in scope, and the parties with their accounts."""
    parties = await reader.ask("/v1/parties", limit=100, cursor=reader.parameter("cursor"))
    return {"title": reader.t("Companies"), "rows": reader.companies, "parties": parties["data"], "next": parties["next"]}
