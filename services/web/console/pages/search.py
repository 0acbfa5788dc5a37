"""`/search`: what a text may mean; one meaning alone leads straight to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse

from services.web.console.reader import url

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.console.reader import Reader


async def view(reader: Reader) -> dict[str, Any] | Response:
    """The hits, or a way to the trace of the only thing that is meant."""
    wanted = (reader.parameter("q") or "").strip()
    hits = (await reader.ask("/v1/search", q=wanted))["data"] if wanted else []
    exact = [hit for hit in hits if hit["name"] == wanted]
    if len(hits) == 1 or (exact and exact == hits) or {hit["kind"] for hit in exact} >= {"document", "event"}:
        return RedirectResponse(address_of((exact or hits)[0]), status_code=303)
    return {"title": reader.t("Search"), "wanted": wanted, "hits": [{**hit, "address": address_of(hit)} for hit in hits]}


def address_of(hit: dict[str, Any]) -> str:
    """Where a hit leads to."""
    match hit["kind"]:
        case "voucher":
            return url("/voucher", company=hit["company"], voucher=hit["name"])
        case "account":
            return url("/open", company=hit["company"], account=hit["name"])
        case "company":
            return url("/vouchers", company=hit["name"])
        case "party":
            return url("/open", party=hit["name"])
        case "document":
            return url("/trace", document=hit["name"], company=hit["company"], ledger=hit["ledger"])
        case kind:
            return url("/trace", **{kind: hit["name"]}, source=hit["source"])
