"""`/accounts` and `/account`: the trial balance at a day, and the statement of an account with its running balance."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from services.web.console.reader import Reader

Row = dict[str, Any]

_MOST: Final = 500
_BALANCE: Final = ("opening", "debit", "credit", "closing")
_NAMES: Final = ("account", "posting_type", "partner", "currency", "from")


async def view(reader: Reader) -> Row:
    """Every account's opening, debit, credit and closing, by company."""
    said = await reader.ask(
        "/v1/balances",
        company=reader.company,
        from_=reader.parameter("from"),
        as_of=reader.day,
        cursor=reader.parameter("cursor"),
        limit=_MOST,
    )
    companies: dict[str, list[Row]] = {}
    for row in said["data"]:
        companies.setdefault(row["company"], []).append(row)
    called = {each["company"]: each["name"] for each in reader.companies}
    tables = [
        {"company": name, "name": called.get(name), "currency": rows[0]["accounting_currency"], "rows": rows, **_sums(rows)}
        for name, rows in companies.items()
    ]
    return {
        "title": reader.t("Trial balance"),
        "tables": tables,
        "both": any(row["currency"] != row["accounting_currency"] for row in said["data"]),
        "is_part": said["next"] is not None or reader.parameter("cursor") is not None,
        "next": said["next"],
        "first": reader.parameter("from"),
    }


async def statement(reader: Reader) -> Row:
    """The lines of an account, the oldest first, from opening to closing, with the balance after each where there is one currency."""
    names = {name: reader.parameter(name) for name in _NAMES}
    company, cursor = reader.parameter("company"), reader.parameter("cursor")
    said = await reader.ask("/v1/lines", company=company, as_of=reader.day, cursor=cursor, limit=100, **names)
    balances = (await reader.ask("/v1/balances", company=company, as_of=reader.day, limit=_MOST, **names))["data"]
    sums = _by_currency(balances)
    return {
        "title": f"{company} {names['account'] or reader.name(names['posting_type'])}",
        "company": company,
        "names": names,
        "lines": said["data"],
        "next": said["next"],
        "running": None not in {company, names["account"], names["currency"]},
        "openings": sums if names["from"] and cursor is None else [],
        "totals": sums if said["next"] is None else [],
    }


def _by_currency(balances: list[Row]) -> list[Row]:
    """Opening, debit, credit and closing of an account's balances (it has one for each partner), by currency."""
    sums: dict[str, dict[str, Decimal]] = {}
    for row in balances:
        found = sums.setdefault(row["currency"], dict.fromkeys(_BALANCE, Decimal(0)))
        for name in _BALANCE:
            found[name] += Decimal(row[name])
    return [{"currency": currency, **{name: str(value) for name, value in found.items()}} for currency, found in sorted(sums.items())]


def _sums(rows: list[Row]) -> Row:
    """The company's debit, credit and closing in its accounting currency; debit equals credit."""
    names = ("accounting_opening", "accounting_debit", "accounting_credit", "accounting_closing")
    return {name: str(sum((Decimal(row[name]) for row in rows if row[name] is not None), Decimal(0))) for name in names}
