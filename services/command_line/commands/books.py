"""`vouchers`, `open`, `balances`, `matrix`, `trace`: what stands in the books.

Invariant: the rows are those of the HTTP API, by the same questions to inquiry, all of a command at one moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import typer
from rich.text import Text

from services.command_line import tables, trace_tree
from services.command_line.commands.asking import Books, ask_books
from services.command_line.options import (
    Account,
    AsJson,
    Company,
    Currency,
    Day,
    Document,
    DueTo,
    From,
    Imported,
    Kind,
    KnownAt,
    Ledger,
    OfLedger,
    Partner,
    Party,
    PostingType,
    Settlement,
    To,
    day,
    moment,
    scope_of,
)
from services.desk import rows as desk_rows
from services.desk.tracing import traced
from services.inquiry.queries.balances import BalanceSelection, balances
from services.inquiry.queries.companies import company_names
from services.inquiry.queries.documents import DocumentSelection, documents
from services.inquiry.queries.intercompany import MatrixSelection, matrix
from services.inquiry.queries.pages import PageOfRows, PageWanted
from services.inquiry.queries.trace import TraceStart
from services.inquiry.queries.vouchers import VoucherSelection, vouchers
from shared.console import fail, notes, output, print_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from rich.table import Table

Row = dict[str, Any]

_AT_ONCE: Final = 50
"""Rows read at once: a voucher may have thousands of lines."""
_MOST_SHOWN: Final = 1_000

Limit = Annotated[int, typer.Option(min=1, help="At most this many, the newest.")]
OpenLimit = Annotated[int | None, typer.Option(min=1, help="At most this many; 1,000 in the table, with --json all.", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="Closed and reversed documents too.")]


class _Shown(NamedTuple):
    """What a table shows, the companies' names by code, and whether there is more."""

    rows: list[Row]
    names: dict[str, str]
    more: bool = False


async def _rows(page_of: Callable[[PageWanted], Awaitable[PageOfRows]], most: int | None) -> AsyncIterator[Row]:
    """The rows of a list, page by page, at most so many."""
    after, left = None, most
    while left is None or left > 0:
        found = await page_of(PageWanted(after, _AT_ONCE if left is None else min(left, _AT_ONCE)))
        for row in found.rows:
            yield row
        if found.after is None:
            return
        after, left = found.after, None if left is None else left - len(found.rows)


def vouchers_command(  # noqa: PLR0913 - one option each
    company: Company = None,
    ledger: OfLedger = None,
    kind: Kind = None,
    document: Document = None,
    party: Party = None,
    account: Account = None,
    settlement: Settlement = None,
    from_: From = None,
    to: To = None,
    known_at: KnownAt = None,
    imported: Imported = None,
    limit: Limit = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """Prints vouchers with their lines, company by company; the newest 50 unless told otherwise.

    As JSON they come as they are read, the newest first. With --imported no, or failed, the oldest come first: what is still to be done
    in the company's own system.

    Example: intercompany vouchers --company FAB --kind settlement --from 2026-03-01
    """
    order: Literal["date", "-date"] = "date" if imported in {"no", "failed"} else "-date"
    what = (scope_of(company), ledger, kind, document, party, settlement, None, day(from_), day(to), account)
    selection = VoucherSelection(*what, sort=order, known_at=known_at, imported=imported)
    shown = ask_books(lambda books: _read_vouchers(books, selection, limit, as_json=as_json))
    if as_json:
        return
    _print_by_company(shown._replace(rows=sorted(shown.rows, key=desk_rows.voucher_order)), tables.vouchers)
    output().print(tables.spaced([tables.rules(shown.rows)]))
    if shown.more:
        notes().print("Not all of these are shown: --json prints them all, --company, --document and the dates select fewer.")
    elif len(shown.rows) == limit:
        notes().print(f"These are the {'oldest' if order == 'date' else 'newest'} {limit}; --limit shows more.")


async def _read_vouchers(books: Books, selection: VoucherSelection, limit: int, *, as_json: bool) -> _Shown:
    """What the table shows, vouchers of so many lines, one at least; as JSON all is printed while it is read."""
    shown = _Shown([], {} if as_json else await company_names(books.connection))
    lines = 0
    async for row in _rows(lambda page: vouchers(books.connection, selection, page), limit):
        if as_json:
            print_json(row)
            continue
        lines += len(row["lines"])
        if shown.rows and lines > desk_rows.MOST_LINES_SHOWN:
            return shown._replace(more=True)
        shown.rows.append(row)
    return shown


def _print_by_company(shown: _Shown, table: Callable[[str, str, list[Row]], Table]) -> None:
    companies = tables.by_company(shown.rows).items()
    output().print(tables.spaced(table(code, shown.names.get(code, code), own) for code, own in companies))


def open_command(  # noqa: PLR0913 - one option each
    company: Company = None,
    ledger: OfLedger = None,
    party: Party = None,
    account: Account = None,
    kind: Kind = None,
    document: Document = None,
    currency: Currency = None,
    due_to: DueTo = None,
    as_of: Day = None,
    known_at: KnownAt = None,
    limit: OpenLimit = None,
    *,
    everything: All = False,
    as_json: AsJson = False,
) -> None:
    """Prints open documents with what is open of each, debit positive (receivable invoices +, payable invoices -).

    Those due first come first; with --as-of what was open at the end of that day.

    Example: intercompany open --company FAB --party 4050 --as-of 2026-03-31
    """
    most = limit if as_json else limit or _MOST_SHOWN

    async def read(books: Books) -> _Shown:
        """What the table shows, and whether there is more; as JSON it is printed while it is read."""
        at = moment(books.now, as_of, known_at)
        selection = DocumentSelection(
            scope_of(company), ledger, party, account, kind, document, None if everything else "open", day(due_to), currency, as_of=at
        )
        shown = _Shown([], {})
        count = 0
        async for row in _rows(lambda page: documents(books.connection, selection, page), None if most is None else most + 1):
            if count == most:
                return shown._replace(more=True)
            count += 1
            if as_json:
                print_json(row)
            else:
                shown.rows.append(row)
        return shown

    shown = ask_books(read)
    if not as_json:
        output().print(tables.documents(shown.rows, day(as_of)))
    if shown.more:
        notes().print(f"These are the first {most}; --limit shows more, --company and --party fewer.")


def balances_command(  # noqa: PLR0913 - one option each
    company: Company = None,
    account: Account = None,
    posting_type: PostingType = None,
    partner: Partner = None,
    currency: Currency = None,
    from_: From = None,
    as_of: Day = None,
    known_at: KnownAt = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Prints the balance of every account of each company, and what the companies owe each other.

    With --from also what each account had before that day. Balances are debit less credit.

    Example: intercompany balances --company FABE --from 2026-03-01 --as-of 2026-03-31
    """
    scope = scope_of(company)

    async def read(books: Books) -> tuple[_Shown, list[Row]]:
        at = moment(books.now, as_of, known_at)
        selection = BalanceSelection(scope, account, posting_type, partner, currency, day(from_), as_of=at)
        found = _Shown([row async for row in _rows(lambda page: balances(books.connection, selection, page), None)], {})
        if as_json:
            return found, []
        cells = await matrix(books.connection, MatrixSelection(scope, currency, at))
        return found._replace(names=await company_names(books.connection)), _own(cells, company, partner)

    found, cells = ask_books(read)
    if as_json:
        return _print_rows(found.rows)
    _print_by_company(found, tables.balances)
    output().print(tables.intercompany_matrix(cells))
    return None


def _own(cells: list[Row], company: str | None, partner: str | None) -> list[Row]:
    """Of the cells of a company's pairs its own."""
    return [cell for cell in cells if company in {None, cell["company"]} and partner in {None, cell["partner"]}]


def _print_rows(rows: list[Row]) -> None:
    for row in rows:
        print_json(row)


def matrix_command(
    company: Company = None, currency: Currency = None, as_of: Day = None, known_at: KnownAt = None, *, as_json: AsJson = False
) -> None:
    """Prints what each company is due from and due to each other one, in transaction and in accounting currency, and the partner's side.

    With --company the pairs that it is one of.

    Example: intercompany matrix --as-of 2026-03-31
    """

    async def read(books: Books) -> list[Row]:
        return await matrix(books.connection, MatrixSelection(scope_of(company), currency, moment(books.now, as_of, known_at)))

    cells = ask_books(read)
    if as_json:
        return _print_rows(cells)
    output().print(tables.intercompany_matrix(cells))
    return None


def trace_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An event's id, or the number of a document or voucher.")],
    company: Annotated[str | None, typer.Option(help="The company of the document or voucher.", show_default=False)] = None,
    ledger: Annotated[Ledger | None, typer.Option(help="The document's ledger.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="The event's source.", show_default=False)] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Follows an event, document, voucher or settlement to all that came of it, with the state of each and the rule of each line.

    What waits says for what and since when, what was refused says why.

    Example: intercompany trace VPAY-7
    """
    start = TraceStart(name, source, name, company, ledger, name, name)
    found = ask_books(lambda books: traced(books.schemas, books.connection, start))
    if not found.nodes:
        fail(f"there is no event, document, voucher or settlement {name!r}; see `rejections list` and `waiting list`")
    if as_json:
        print_json(found.as_row())
        return
    output().print(trace_tree.tree(name, found))
    posted = [node for node in found.nodes if node["kind"] == "voucher"]
    output().print(tables.spaced([tables.rules(posted)]))
    if found.truncated:
        notes().print(f"There is more than these {len(found.nodes):,}: begin with one of them to see what belongs to it.")
    if posted:
        output().print(Text("Why a line is there: intercompany why COMPANY VOUCHER LINE", style="dim"))
