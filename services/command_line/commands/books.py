"""`vouchers`, `open`, `balances`, `trace`: what stands in the books."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from services.command_line import tables, trace_tree
from services.inquiry.schemas import schema_of
from services.inquiry.trace import trace
from services.local.backing_services import product_settings
from services.posting import queries as ledger
from services.settlement import queries as subledger
from shared.console import fail, notes, output, print_json

if TYPE_CHECKING:
    from datetime import date

Row = dict[str, Any]

Company = Annotated[str | None, typer.Option(help="Only this company.", show_default=False)]
Party = Annotated[str | None, typer.Option(help="Only this party.", show_default=False)]
Document = Annotated[str | None, typer.Option(help="Only this document.", show_default=False)]
Kind = Annotated[str | None, typer.Option(help="Only this kind: invoice, payment, settlement …", show_default=False)]
From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="From this date.", show_default=False)]
To = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="To this date.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the newest.")]
All = Annotated[bool, typer.Option("--all", help="Closed documents too.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per row on standard output.")]

_MATRIX_TYPES: Final = frozenset({"due_from", "due_to"})


def vouchers_command(  # noqa: PLR0913 - one option each
    company: Company = None,
    document: Document = None,
    kind: Kind = None,
    from_: From = None,
    to: To = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """Prints vouchers with their lines, company by company; the newest 50 unless told otherwise.

    Example: intercompany vouchers --company FAB --kind settlement --from 2026-03-01
    """
    selection = ledger.Selection(company, document, kind, _day(from_), _day(to), limit)
    rows, companies = asyncio.run(_vouchers(selection))
    if as_json:
        for row in rows:
            print_json(row)
        return
    names = {code: data.get("name") or code for code, data in companies.items()}
    by_company = tables.by_company(rows).items()
    output().print(tables.spaced(tables.vouchers(code, names.get(code, code), own) for code, own in by_company))
    if len(rows) == limit:
        notes().print(f"These are the newest {limit}; --limit shows more.")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment is not None else None


async def _vouchers(selection: ledger.Selection) -> tuple[list[Row], dict[str, Row]]:
    async with schema_of("posting", product_settings()) as connection:
        return await ledger.vouchers(connection, selection), await ledger.companies(connection)


def open_command(company: Company = None, party: Party = None, *, everything: All = False, as_json: AsJson = False) -> None:
    """Prints open documents with what is open of each, debit positive (receivable invoices +, payable invoices -).

    Example: intercompany open --company FAB --party 4050
    """
    rows = asyncio.run(_open(company, party, everything=everything))
    if as_json:
        for row in rows:
            print_json(row)
        return
    output().print(tables.open_documents(rows))


async def _open(company: str | None, party: str | None, *, everything: bool) -> list[Row]:
    async with schema_of("settlement", product_settings()) as connection:
        return [
            {
                "company": document.company,
                "document": document.document,
                "ledger": document.ledger,
                "currency": document.currency,
                "balance": format(document.balance, "f"),
            }
            async for document in subledger.documents(connection, company, party)
            if everything or document.open
        ]


def balances_command(company: Company = None, *, as_json: AsJson = False) -> None:
    """Prints the balance of every account of each company, and what the companies owe each other.

    Example: intercompany balances --company FABE
    """
    rows, companies = asyncio.run(_balances(company))
    if as_json:
        for row in rows:
            print_json({name: format(value, "f") if name in tables.BALANCE_AMOUNTS else value for name, value in row.items()})
        return
    names = {code: data.get("name") or code for code, data in companies.items()}
    output().print(tables.spaced(tables.balances(code, names.get(code, code), own) for code, own in tables.by_company(rows).items()))
    matrix = [row for row in rows if row["posting_type"] in _MATRIX_TYPES]
    output().print(tables.intercompany_matrix(tables.sums_of_balances(matrix)))


async def _balances(company: str | None) -> tuple[list[Row], dict[str, Row]]:
    async with schema_of("posting", product_settings()) as connection:
        return await ledger.balances(connection, company), await ledger.companies(connection)


def trace_command(
    name: Annotated[str, typer.Argument(metavar="EVENT-OR-DOCUMENT", help="The id of an event, or a document's number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Follows an event or a document through journals and settlements to every voucher, with the rule of each line.

    Example: intercompany trace VPAY-7
    """
    found = asyncio.run(trace(product_settings(), name))
    if not found.found:
        hint = "see `rejections list` and `waiting list`"
        fail(f"no event {name!r} has posted or settled anything and no document has this number; {hint}")
    if as_json:
        print_json(trace_tree.as_json(found))
        return
    output().print(trace_tree.tree(name, found))
    output().print(Text(f"{len(found.documents)} documents, {len(found.runs)} settlements", style="dim"))
