"""`vouchers`, `open`, `balances`, `trace`: what stands in the books."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer
from rich.text import Text

from services.command_line import tables, trace_tree
from services.command_line.commands.asking import ask
from services.desk import ledgers
from services.desk.intercompany import pair_rows, sums_of_balances
from services.desk.trace import trace
from shared.console import fail, notes, output, print_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from rich.table import Table

    from services.desk.schemas import Schemas

Row = dict[str, Any]

_MOST_SHOWN: Final = 1_000

Company = Annotated[str | None, typer.Option(help="Only this company.", show_default=False)]
Party = Annotated[str | None, typer.Option(help="Only this party.", show_default=False)]
Document = Annotated[str | None, typer.Option(help="Only this document.", show_default=False)]
Kind = Annotated[str | None, typer.Option(help="Only this kind: invoice, payment, settlement …", show_default=False)]
From = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="From this date.", show_default=False)]
To = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="To this date.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, help="At most this many, the newest.")]
OpenLimit = Annotated[int | None, typer.Option(min=1, help="At most this many; 1,000 in the table, with --json all.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Closed documents too.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per row on standard output.")]


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
    selection = ledgers.Selection(company, document, kind, _day(from_), _day(to), limit)
    shown = ask(partial(_read_vouchers, selection=selection, as_json=as_json))
    if as_json:
        return
    _print_by_company(shown.found, tables.vouchers)
    output().print(tables.spaced([tables.rules(shown.found.rows)]))
    if shown.more:
        notes().print("Not all of these are shown: --json prints them all, --company, --document and the dates select fewer.")
    elif len(shown.found.rows) == limit:
        notes().print(f"These are the newest {limit}; --limit shows more.")


class _Shown(NamedTuple):
    """What a table shows, and whether there is more."""

    found: ledgers.Ledgers
    more: bool


async def _read_vouchers(schemas: Schemas, selection: ledgers.Selection, *, as_json: bool) -> _Shown:
    """What the table shows, vouchers of so many lines, one at least; as JSON all is printed while it is read."""
    found = ledgers.Ledgers([], {} if as_json else await ledgers.company_names(schemas))
    lines = 0
    async with aclosing(ledgers.vouchers(schemas, selection)) as rows:
        async for row in rows:
            if as_json:
                print_json(row)
                continue
            lines += len(row["lines"])
            if found.rows and lines > ledgers.MOST_LINES_SHOWN:
                return _Shown(found, more=True)
            found.rows.append(row)
    return _Shown(found, more=False)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment is not None else None


def _print_rows(rows: list[Row]) -> None:
    for row in rows:
        print_json(row)


def _print_by_company(found: ledgers.Ledgers, table: Callable[[str, str, list[Row]], Table]) -> None:
    companies = tables.by_company(found.rows).items()
    output().print(tables.spaced(table(code, found.names.get(code, code), own) for code, own in companies))


def open_command(
    company: Company = None, party: Party = None, limit: OpenLimit = None, *, everything: All = False, as_json: AsJson = False
) -> None:
    """Prints open documents with what is open of each, debit positive (receivable invoices +, payable invoices -).

    Example: intercompany open --company FAB --party 4050
    """
    most = limit if as_json else limit or _MOST_SHOWN

    async def read(schemas: Schemas) -> tuple[list[Row], bool]:
        """What the table shows, and whether there is more; as JSON it is printed while it is read."""
        rows: list[Row] = []
        count = 0
        async for row in ledgers.open_documents(schemas, company, party, closed=everything):
            if count == most:
                return rows, True
            count += 1
            if as_json:
                print_json(row)
            else:
                rows.append(row)
        return rows, False

    rows, more = ask(read)
    if not as_json:
        output().print(tables.open_documents(rows))
    if more:
        notes().print(f"These are the first {most}; --limit shows more, --company and --party fewer.")


def balances_command(company: Company = None, *, as_json: AsJson = False) -> None:
    """Prints the balance of every account of each company, and what the companies owe each other.

    Example: intercompany balances --company FABE
    """
    found = ask(lambda schemas: ledgers.balances(schemas, company))
    if as_json:
        return _print_rows(found.rows)
    _print_by_company(found, tables.balances)
    output().print(tables.intercompany_matrix(pair_rows(sums_of_balances(found.rows))))
    return None


def trace_command(
    name: Annotated[str, typer.Argument(metavar="EVENT-OR-DOCUMENT", help="The id of an event, or a document's number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Follows an event or a document through journals and settlements to every voucher, with the rule of each line.

    Example: intercompany trace VPAY-7
    """
    found = ask(lambda schemas: trace(schemas, name))
    if not found.found:
        hint = "see `rejections list` and `waiting list`"
        fail(f"no event {name!r} has posted or settled anything and no document has this number; {hint}")
    if as_json:
        print_json(found.as_row())
        return
    output().print(trace_tree.tree(name, found))
    output().print(tables.spaced([tables.rules(trace_tree.vouchers(found))]))
    output().print(Text(f"Documents: {len(found.documents)}, settlements: {len(found.runs)}", style="dim"))
    output().print(Text("Why a line is there: intercompany why COMPANY VOUCHER LINE", style="dim"))
