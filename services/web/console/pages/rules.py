"""`/rules`: the rule book, each rule with its sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.web.console.reader import Reader


async def view(reader: Reader) -> dict[str, Any]:
    """Every rule in the reader's language."""
    return {"title": reader.t("Rule book"), "rules": (await reader.ask("/v1/rules"))["data"]}
