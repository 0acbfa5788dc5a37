"""`/search`: what a text may mean; one meaning alone leads straight to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.responses import RedirectResponse

from services.web.console.reader import url

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.console.reader import Reader


_OF_A_TRACE: Final = frozenset({"document", "event", "settlement"})


async def view(reader: Reader) -> dict[str, Any] | Response:
    """The hits, or a way to the trace of the only thing that is meant."""
    wanted = (reader.parameter("q") or "").strip()
    hits = (await reader.ask("/v1/search", q=wanted))["data"] if wanted else []
    only = meant(wanted, hits, reader.company)
    if only is not None:
        return RedirectResponse(address_of(only), status_code=303)
    return {"title": reader.t("Search"), "wanted": wanted, "hits": [{**hit, "address": address_of(hit)} for hit in hits]}


def meant(wanted: str, hits: list[dict[str, Any]], company: str | None) -> dict[str, Any] | None:
    """The only thing that a text can mean; of several of the same name that of the company that is looked at; else None.

    A document, the event that posted it and the settlement that it asked for are one thing: its trace shows all three.
    """
    exact = [hit for hit in hits if hit["name"] == wanted]
    own = [hit for hit in exact if company is not None and hit["company"] == company]
    if len(hits) == 1 or (own and len(own) < len(exact) and _is_one(own)):
        return (own or hits)[0]
    is_all = exact == hits or {hit["kind"] for hit in exact} >= {"document", "event"}
    return exact[0] if exact and is_all and _is_one(exact) else None


def _is_one(hits: list[dict[str, Any]]) -> bool:
    """Whether hits are of one thing: of each kind one, in one company, and if there are several kinds, those of a trace."""
    kinds = [hit["kind"] for hit in hits]
    companies = {hit["company"] for hit in hits} - {None}
    return len(set(kinds)) == len(kinds) and len(companies) < 2 and (len(kinds) == 1 or set(kinds) <= _OF_A_TRACE)  # noqa: PLR2004


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
