"""`/accounts` and `/account`: the trial balance at a day, and the statement of an account with its running balance."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_NAMES: Final = ("account", "posting_type", "partner", "currency", "from")


async def view(reader: Reader) -> Row:
    """Every account's opening, debit, credit and closing, by company."""
    said = await reader.ask(
        "/v1/balances",
        company=reader.company,
        from_=reader.parameter("from"),
        as_of=reader.day,
        cursor=reader.parameter("cursor"),
        limit=200,
    )
    companies: dict[str, list[Row]] = {}
    for row in said["data"]:
        companies.setdefault(row["company"], []).append(row)
    tables = [
        {"company": name, "currency": rows[0]["accounting_currency"], "rows": rows, **_sums(rows)} for name, rows in companies.items()
    ]
    return {"title": reader.t("Trial balance"), "tables": tables, "next": said["next"], "first": reader.parameter("from")}


async def statement(reader: Reader) -> Row:
    """The lines of an account, the oldest first, with the balance after each where there is one currency."""
    names = {name: reader.parameter(name) for name in _NAMES}
    company = reader.parameter("company")
    said = await reader.ask("/v1/lines", company=company, as_of=reader.day, cursor=reader.parameter("cursor"), limit=100, **names)
    title = f"{company} {names['account'] or reader.name(names['posting_type'])}"
    return {"title": title, "company": company, "names": names, "lines": said["data"], "next": said["next"]}


def _sums(rows: list[Row]) -> Row:
    """The company's debit, credit and closing in its accounting currency; debit equals credit."""
    names = ("accounting_opening", "accounting_debit", "accounting_credit", "accounting_closing")
    return {name: str(sum((Decimal(row[name]) for row in rows if row[name] is not None), Decimal(0))) for name in names}
