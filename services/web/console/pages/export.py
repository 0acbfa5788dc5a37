"""`/export`: a list as CSV, all its rows, amounts as plain decimals; `/voucher.json`: a voucher as the API gives it.

Documents have the signs that their page shows, debit positive, so that a column adds up to the balance of the accounts.

Invariant: a cell never begins with what a spreadsheet takes for a formula; what the API does not show the reader is not exported.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response, StreamingResponse

from services.web.console.api import AskedInVainError
from services.web.console.signs import is_debit, signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from services.web.console.reader import Reader

Row = dict[str, Any]

LISTS: Final = {
    "vouchers": "/v1/vouchers",
    "documents": "/v1/documents",
    "balances": "/v1/balances",
    "lines": "/v1/lines",
    "pair": "/v1/intercompany/pair",
    "matrix": "/v1/intercompany",
}
"""What can be exported, by the operation that lists it."""
_VOUCHER: Final = "voucher"
_PAGE: Final = 500
_OF_A_VOUCHER: Final = ("company", "voucher", "ledger", "kind", "date", "document", "accounting_currency", "posted_at")
_OURS: Final = frozenset({"list", "cursor", "limit", "count"})
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_SEPARATED: Final = re.compile(r"([;,\t\n]\s*)(?=[=+@-])")
"""What begins a cell in the midst of a text, where a spreadsheet separates cells by something else than we do."""
_NESTED: Final = {
    "discount": ("amount", "until"),
    "event": ("source", "id"),
    "caused_by": ("source", "id"),
    "settlement": ("source", "id"),
    "reserved_by": ("what",),
    "imported": ("state", "erp_number"),
}
"""Objects that a row may lack, with what of them is exported: a heading is written before the later rows are known."""
_UTF_8: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""What tells a spreadsheet that the text is UTF-8: Söhne is Söhne then."""
_UNSIGNED: Final = ("amount", "open", "open_accounting")
"""What the API has of a document without a sign."""
_UNPAGED: Final = frozenset({"matrix"})
_MISSING: Final = 404


async def export(reader: Reader) -> Response:
    """The rows as CSV; the address has the filters of the operation."""
    what = reader.parameter("list") or ""
    parameters = {name: value for name, value in reader.request.query_params.items() if name not in _OURS}
    if what == _VOUCHER:
        pages = _once([(await reader.ask("/v1/voucher", **parameters))["data"]])
    elif what in LISTS:
        first = await reader.ask(LISTS[what], **parameters, **({} if what in _UNPAGED else {"limit": _PAGE}))
        pages = _pages(reader, LISTS[what], parameters, first)
    else:
        raise AskedInVainError(_MISSING, {"title": what, "code": "not-found"})
    headers = {"Content-Disposition": f'attachment; filename="{what}.csv"'}
    return StreamingResponse(_written(pages), media_type="text/csv; charset=utf-8", headers=headers)


async def voucher(reader: Reader) -> Response:
    """The voucher as the API gives it."""
    names = {"company": reader.parameter("company"), "voucher": reader.parameter("voucher")}
    return Response(orjson.dumps(await reader.ask("/v1/voucher", **names)), media_type="application/json")


async def _once(rows: list[Row]) -> AsyncIterator[list[Row]]:
    yield rows


async def _pages(reader: Reader, path: str, parameters: Row, first: Row) -> AsyncIterator[list[Row]]:
    page = first
    while True:
        yield page["data"]
        if not page.get("next"):
            return
        page = await reader.ask(path, **parameters, limit=_PAGE, cursor=page["next"])


async def _written(pages: AsyncIterator[list[Row]]) -> AsyncIterator[str]:
    """CSV with a heading, a voucher line by line."""
    columns: list[str] = []
    begins = _UTF_8
    async for page in pages:
        text = io.StringIO()
        text.write(begins)
        begins = ""
        writer = csv.writer(text)
        for row in (flat for each in page for flat in _rows(each)):
            if not columns:
                columns = list(row)
                writer.writerow(columns)
            writer.writerow([_cell(row.get(column)) for column in columns])
        yield text.getvalue()


def _rows(row: Row) -> Iterable[Row]:
    """A row of the API as rows of cells: a voucher is a row for each line."""
    if "balance" in row and "open" in row:
        return [flat(_with_signs(row))]
    if "lines" not in row or not isinstance(row["lines"], list):
        return [flat(row)]
    head = {name: row[name] for name in _OF_A_VOUCHER}
    return [flat({**head, "line": place, **line}) for place, line in enumerate(row["lines"], 1)]


def _with_signs(document: Row) -> Row:
    """A document with the signs of its balance, which `open` then is."""
    debits = is_debit(document["ledger"], document["kind"])
    given = {name: signed(document[name], is_debit=debits) for name in _UNSIGNED}
    return {name: given.get(name, value) for name, value in document.items() if name != "balance"}


def flat(row: Row, before: str = "") -> Row:
    """Objects in a row as columns of their own (`event_id`; a party's id is `party`); lists are left out."""
    found: Row = {}
    for name, value in row.items():
        if name in _NESTED:
            found |= {f"{before}{name}_{inner}": (value or {}).get(inner) for inner in _NESTED[name]}
        elif isinstance(value, dict) and name == "party":
            found |= {f"{before}party": value["id"], f"{before}party_name": value["name"]}
        elif isinstance(value, dict):
            found |= flat(value, f"{before}{name}_") if name != "dimensions" else {f"{before}{name}": orjson.dumps(value).decode()}
        elif not isinstance(value, list):
            found[before + name] = value
    return found


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    is_amount = text[1:2].isdigit() and text.startswith("-") and text[1:].replace(".", "", 1).isdigit()
    text = _SEPARATED.sub(r"\1'", text)
    return f"'{text}" if text.startswith(_FORMULAS) and not is_amount else text
