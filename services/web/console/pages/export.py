"""`/export`: a list as CSV or as a workbook, as the API exports it; `/voucher.json`: a voucher as the API gives it.

CSV has the form that a spreadsheet knows as UTF-8, with decimal points in every language, so that a file means the same to all who get it.

Invariant: what the API does not show the reader is not exported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response, StreamingResponse

from services.files.exports.columns import LISTINGS, VOUCHERS
from services.files.exports.csv_file import csv_parts, form_of
from services.web.console.api import FILE_WITHIN, READ_WITHIN, AskedInVainError
from services.web.exporting import CSV, XLSX

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.web.console.reader import Reader

Row = dict[str, Any]

_VOUCHER: Final = "voucher"
_OURS: Final = frozenset({"list", "cursor", "limit", "count", "locale"})
_LOCALE: Final = "en"
"""Of which language the form of CSV is: UTF-8 with its mark, commas and decimal points."""
_MISSING: Final = 404


async def export(reader: Reader) -> Response:
    """The rows as a file; the address has the filters of the operation."""
    what, is_workbook = reader.parameter("list") or "", reader.parameter("format") == "xlsx"
    parameters = {name: value for name, value in reader.request.query_params.items() if name not in _OURS}
    if what == _VOUCHER:
        is_workbook = False
        parts: AsyncIterator[str | bytes] = csv_parts(
            VOUCHERS, _once((await reader.ask("/v1/voucher", **parameters))["data"]), form_of(_LOCALE)
        )
    elif what in LISTINGS:
        form = {} if is_workbook else {"locale": _LOCALE}
        parts = await begun(reader.download(f"/v1/exports/{what}", FILE_WITHIN if is_workbook else READ_WITHIN, **parameters, **form))
    else:
        raise AskedInVainError(_MISSING, {"title": what, "code": "not-found"})
    headers = {"Content-Disposition": f'attachment; filename="{what}.{"xlsx" if is_workbook else "csv"}"'}
    return StreamingResponse(parts, media_type=XLSX if is_workbook else f"{CSV}; charset=utf-8", headers=headers)


async def voucher(reader: Reader) -> Response:
    """The voucher as the API gives it."""
    names = {"company": reader.parameter("company"), "voucher": reader.parameter("voucher")}
    return Response(orjson.dumps(await reader.ask("/v1/voucher", **names)), media_type="application/json")


async def _once(row: Row) -> AsyncIterator[list[Row]]:
    yield [row]


async def begun(parts: AsyncIterator[bytes]) -> AsyncIterator[str | bytes]:
    """The parts, once the first is here: what stands in the way of it is a page that says so. AskedInVainError."""
    first = await anext(parts, b"")

    async def every() -> AsyncIterator[str | bytes]:
        yield first
        async for part in parts:
            yield part

    return every()
