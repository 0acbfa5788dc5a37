"""`/vouchers` and `/voucher`: what was posted, line by line, and why each line is there."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, RedirectResponse

from services.web.console import formats
from services.web.console.api import AskedInVainError
from services.web.console.formats import place
from services.web.console.parameters import LIMITS, value
from services.web.console.reader import url
from services.web.console.rendering import rendered

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.console.reader import Reader

Row = dict[str, Any]

FILTERS: Final = ("ledger", "kind", "document", "party", "settlement", "from", "to", "account", "min", "max", "sort", "cursor")
_PAGE: Final = 30
LINES: Final = 50
"""Lines of a voucher on a page."""
_SISTERS: Final = 12
_LINES_OF_A_SISTER: Final = 12
_COMPANIES: Final = 500
_NOT_OF_DOCUMENTS: Final = ("settlement", "settlement_reversal")


async def many(reader: Reader) -> Row:
    """Vouchers with their lines, the newest first."""
    filters = {name: reader.parameter(name) for name in FILTERS}
    filters |= {name: formats.plain_day(reader.language, filters[name] or "") or filters[name] for name in ("from", "to")}
    said = await reader.ask("/v1/vouchers", company=reader.company, limit=_PAGE, **filters)
    title = reader.t("Vouchers")
    return {"title": title, "vouchers": said["data"], "next": said["next"], "filters": filters}


async def view(reader: Reader) -> Row | Response:
    """One voucher with its sisters; of the line that is asked for, why it is there, and with `part=why` that alone."""
    if reader.parameter("voucher") is None:
        return await _of_document(reader)
    names = {"company": reader.parameter("company"), "voucher": reader.parameter("voucher")}
    voucher = (await reader.ask("/v1/voucher", **names))["data"]
    marked = _marked(voucher, reader)
    if reader.parameter("part") == "why":
        why = None if marked is None else await _why(reader, names, marked)
        return HTMLResponse(rendered(reader, "parts/why.html", {"voucher": voucher, "marked": marked, "why": why}))
    named = voucher["sisters"] or []
    sisters = await asyncio.gather(*(reader.ask("/v1/voucher", **sister) for sister in named[:_SISTERS]))
    why = None
    if reader.parameter("why") and marked is not None:
        why = await _why(reader, names, marked)
    return {
        "title": f"{voucher['company']} {voucher['voucher']}",
        "voucher": voucher,
        "totals": [] if voucher["ledger"] is None else totals(voucher["lines"]),
        "marked": marked,
        "why": why,
        "sisters": [each["data"] for each in sisters],
        "more_sisters": named[_SISTERS:],
        "most_of_a_sister": _LINES_OF_A_SISTER,
        **_page_of_lines(voucher, reader, marked),
    }


def _page_of_lines(voucher: Row, reader: Reader, marked: int | None) -> Row:
    """The lines of a page: that of the `page` which is asked for, else of the marked line; with the places of the pages around it."""
    lines = voucher["lines"]
    last = max(0, len(lines) - 1) // LINES
    wanted = place(reader.parameter("page") or "")
    page = min(max(0, wanted - 1), last) if wanted is not None else ((marked or 1) - 1) // LINES
    shown = lines[page * LINES : (page + 1) * LINES]
    around = {"before": page if page > 0 else None, "after": page + 2 if page < last else None}
    return {"lines": shown, "of": {"first": page * LINES + 1, "last": page * LINES + len(shown), "all": len(lines), **around}}


async def _why(reader: Reader, names: Row, line: int) -> Row | None:
    try:
        found = (await reader.ask("/v1/voucher/why", **names, line=line))["data"]
    except AskedInVainError as refused:
        if not refused.is_missing:
            raise
        return None
    book = {each["rule"]: each for each in (await reader.ask("/v1/rules"))["data"]}
    rules = [book.get(rule, {"rule": rule, "title": "", "sentence": ""}) for rule in found["rules"]]
    return {**found, "rules": rules, "parameters": await _parameters(reader, found["parameters"])}


async def _parameters(reader: Reader, parameters: list[Row]) -> list[Row]:
    """The parameters with their values in the reader's form."""
    if any(each["name"] in LIMITS for each in parameters) and not reader.companies:
        reader.companies = (await reader.ask("/v1/companies", limit=_COMPANIES))["data"]
    currencies = {each["company"]: each["currency"] for each in reader.companies}
    return [{**each, "shown": value(reader.language, each, currencies)} for each in parameters]


def _marked(voucher: Row, reader: Reader) -> int | None:
    """The line that is meant: by its number, or by what it is (`mark=due_from:FABE`, `settles=VI-7`)."""
    number = place(reader.parameter("why") or reader.parameter("line") or "")
    if number is not None and 1 <= number <= len(voucher["lines"]):
        return number
    posting_type, _, partner = (reader.parameter("mark") or "").partition(":")
    settles = reader.parameter("settles")
    for number, line in enumerate(voucher["lines"], 1):
        if posting_type and line["posting_type"] == posting_type and line["partner"] == (partner or None):
            return number
        if settles and line["settles"] == settles:
            return number
    return None


async def _of_document(reader: Reader) -> Response:
    """Leads to the voucher that a document was posted with."""
    names = {name: reader.parameter(name) for name in ("company", "ledger", "document")}
    found = (await reader.ask("/v1/vouchers", **names, sort="date"))["data"]
    own = [each for each in found if each["kind"] not in _NOT_OF_DOCUMENTS] or found
    if not own:
        return RedirectResponse(url("/document", **names), status_code=303)
    why = reader.parameter("why") and "1"
    address = url("/voucher", company=own[0]["company"], voucher=own[0]["voucher"], settles=names["document"])
    line = _place(own[0], names["document"])
    return RedirectResponse(
        address
        if line is None
        else url(address.partition("?")[0], company=own[0]["company"], voucher=own[0]["voucher"], line=line, why=why and line),
        status_code=303,
    )


def _place(voucher: Row, document: str | None) -> int | None:
    return next((place for place, line in enumerate(voucher["lines"], 1) if line["settles"] == document), None)


def totals(lines: list[Row]) -> list[Row]:
    """Debit and credit per currency, and in accounting currency (key None)."""
    sums: dict[str | None, list[Decimal]] = {}
    for line in lines:
        for key, debit, credit in (
            (line["currency"], line["debit"], line["credit"]),
            (None, line["accounting_debit"], line["accounting_credit"]),
        ):
            if debit is not None and credit is not None:
                found = sums.setdefault(key, [Decimal(0), Decimal(0)])
                found[0] += Decimal(debit)
                found[1] += Decimal(credit)
    return [{"currency": key, "debit": str(debit), "credit": str(credit)} for key, (debit, credit) in sums.items()]
