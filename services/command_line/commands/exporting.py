"""`export` and its commands: the lists of the books as files, as the HTTP API exports them.

Invariant: a file is of one moment and is read page by page, whatever its length; a file that could not be written whole is removed.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

import typer

from services.command_line.commands.asking import Books, ask_books
from services.command_line.options import (
    Account,
    Company,
    Currency,
    Day,
    Document,
    DueTo,
    From,
    Imported,
    Kind,
    KnownAt,
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
from services.files.exports.columns import BALANCES, DOCUMENTS, LINES, MATRIX, PAIR, VOUCHERS
from services.files.exports.csv_file import csv_parts, form_of
from services.files.exports.pages import pages_of, with_rule_titles
from services.files.exports.templates import read_template, write_erp_files
from services.files.exports.workbook import ExportedWorkbook
from services.inquiry.queries.balances import BalanceSelection, balances
from services.inquiry.queries.documents import DocumentSelection, documents
from services.inquiry.queries.intercompany import MatrixSelection, PairSelection, matrix, pair
from services.inquiry.queries.lines import LineSelection, lines
from services.inquiry.queries.pages import PageOfRows
from services.inquiry.queries.vouchers import VoucherSelection, vouchers
from shared.console import notes
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from services.files.exports.columns import Listing
    from services.files.exports.pages import Question

Row = dict[str, Any]

export = typer.Typer(
    help="Writes vouchers, documents, lines, balances or intercompany accounts as CSV or a workbook.",
    no_args_is_help=True,
    add_completion=False,
)
_SUFFIXES: Final = {".xlsx": "xlsx", ".csv": "csv"}

Format = Annotated[
    Literal["csv", "xlsx"] | None,
    typer.Option("--format", help="CSV, or a workbook; without it as --output ends, else CSV.", show_default=False),
]
CsvLocale = Annotated[
    Literal["en", "fr", "nl", "de"] | None,
    typer.Option("--locale", help="CSV as a spreadsheet in this language reads it; without it for programs.", show_default=False),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Into this file; without it CSV goes to standard output.", show_default=False)
]
State = Annotated[
    Literal["open", "closed", "reversed"] | None, typer.Option(help="Only those that were this on that day.", show_default=False)
]
Template = Annotated[
    Path | None, typer.Option(help="In the form of another system: deploy/exports/d365.yaml, odoo.yaml, or your own.", show_default=False)
]
By = Annotated[Literal["account", "day"], typer.Option(help="A row per account for the period, or per day.")]


class _Wanted(NamedTuple):
    """The file that is asked for, and the options that were given."""

    format: str
    locale: str | None
    output: Path | None
    asked: Row


def _wanted(context: typer.Context, format_: str | None, locale: str | None, output: Path | None) -> _Wanted:
    chosen = format_ or _SUFFIXES.get("" if output is None else output.suffix.lower(), "csv")
    if chosen == "xlsx" and output is None:
        msg = "a workbook needs a file to be written into: --output FILE.xlsx"
        raise typer.BadParameter(msg)
    if chosen == "xlsx" and locale is not None:
        msg = "--locale is for CSV: a workbook is read in every language"
        raise typer.BadParameter(msg)
    given = {name.strip("_"): value for name, value in context.params.items() if value is not None and name not in {"output", "format_"}}
    asked = {name: _in_words(value) for name, value in given.items()}
    return _Wanted(chosen, locale, output, asked)


def _in_words(value: object) -> str:
    """An option as it was given: a day without a time of it."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.tzinfo is None else instant(value)
    return str(value)


def _write(wanted: _Wanted, listing: Listing, question_of: Callable[[Books], Question], shown: Callable[[Row], Row] | None = None) -> None:
    """Asks the books and writes the file."""
    output = wanted.output
    unfinished = None if output is None else output.with_name(f"{output.name}.part")

    async def write(books: Books) -> None:
        pages = pages_of(question_of(books), books.connection, listing.at_once, shown)
        if unfinished is not None and wanted.format == "xlsx":
            await _write_workbook(unfinished, listing, pages, {**wanted.asked, **_read_to(books)})
        else:
            await _write_csv(unfinished, listing, pages, wanted.locale)

    try:
        ask_books(write)
        if output is not None and unfinished is not None:
            unfinished.replace(output)
            notes().print(f"Written: {output}", markup=False, soft_wrap=True)
    finally:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)


def _read_to(books: Books) -> Row:
    """How far the books had been read, as the workbook says it."""
    row = books.far.as_row()
    left = "not known" if row["behind"] is None else sum(row["behind"].values())
    return {"asked at": instant(books.now), "read to": row["time"], "messages still to be read": left}


async def _write_workbook(path: Path, listing: Listing, pages: AsyncIterator[list[Row]], asked: Row) -> None:
    book = ExportedWorkbook(path, listing)
    try:
        async for page in pages:
            book.write(page)
    finally:
        book.close(asked)


async def _write_csv(path: Path | None, listing: Listing, pages: AsyncIterator[list[Row]], locale: str | None) -> None:
    with nullcontext(sys.stdout.buffer) if path is None else path.open("wb") as file:
        async for part in csv_parts(listing, pages, form_of(locale)):
            file.write(part.encode())
        file.flush()


def _write_for_erp(template: Path, context: typer.Context, question: Question) -> None:
    """Writes vouchers as another system imports them."""
    given = [f"--{name.strip('_')}" for name in ("format_", "locale") if context.params[name] is not None]
    if given:
        msg = f"{given[0]} is not for --template, which says how its files are written"
        raise typer.BadParameter(msg)
    form, folder = read_template(template), context.params["output"]
    if folder is None or not folder.is_dir():
        msg = "with --template name a folder that is there: --output FOLDER"
        raise typer.BadParameter(msg)
    titled = with_rule_titles("en")
    written = ask_books(lambda books: write_erp_files(pages_of(question, books.connection, VOUCHERS.at_once, titled), form, folder))
    for file in written:
        notes().print(f"Written: {file}", markup=False, soft_wrap=True)


@export.command("vouchers")
def export_vouchers(  # noqa: PLR0913 - one option each
    context: typer.Context,
    *,
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
    format_: Format = None,
    locale: CsvLocale = None,
    output: Output = None,
    template: Template = None,
) -> None:
    """Writes vouchers, a row for each line, the oldest first.

    With --template in the form that another system imports, into the folder --output, a file for each company.

    Example: intercompany export vouchers --company FABE --from 2026-03-01 --to 2026-03-31
    """
    what = (scope_of(company), ledger, kind, document, party, settlement, None, day(from_), day(to), account)
    selection = VoucherSelection(*what, sort="date", known_at=known_at, imported=imported)
    question: Question = lambda connection, page: vouchers(connection, selection, page)  # noqa: E731 - what is asked
    if template is not None:
        _write_for_erp(template, context, question)
    else:
        _write(_wanted(context, format_, locale, output), VOUCHERS, lambda _: question, with_rule_titles("en"))


@export.command("documents")
def export_documents(  # noqa: PLR0913 - one option each
    context: typer.Context,
    *,
    company: Company = None,
    ledger: OfLedger = None,
    party: Party = None,
    account: Account = None,
    kind: Kind = None,
    document: Document = None,
    state: State = None,
    due_to: DueTo = None,
    currency: Currency = None,
    as_of: Day = None,
    known_at: KnownAt = None,
    format_: Format = None,
    locale: CsvLocale = None,
    output: Output = None,
) -> None:
    """Writes documents with what is open of each, debit positive, those due first first.

    Example: intercompany export documents --state open --as-of 2026-03-31 --output open.xlsx
    """
    what = (scope_of(company), ledger, party, account, kind, document, state, day(due_to), currency)

    def question_of(books: Books) -> Question:
        selection = DocumentSelection(*what, as_of=moment(books.now, as_of, known_at))
        return lambda connection, page: documents(connection, selection, page)

    _write(_wanted(context, format_, locale, output), DOCUMENTS, question_of)


@export.command("lines")
def export_lines(  # noqa: PLR0913 - one option each
    context: typer.Context,
    *,
    company: Company = None,
    account: Account = None,
    posting_type: PostingType = None,
    partner: Partner = None,
    currency: Currency = None,
    party: Party = None,
    from_: From = None,
    as_of: Day = None,
    known_at: KnownAt = None,
    format_: Format = None,
    locale: CsvLocale = None,
    output: Output = None,
) -> None:
    """Writes the lines of accounts, the oldest first; with a running balance for one company, account and currency.

    Example: intercompany export lines --company FAB --account 1380 --currency USD --as-of 2026-03-31
    """
    what = (scope_of(company), account, posting_type, partner, currency, party)

    def question_of(books: Books) -> Question:
        selection = LineSelection(*what, from_=day(from_), as_of=moment(books.now, as_of, known_at))
        return lambda connection, page: lines(connection, selection, page)

    _write(_wanted(context, format_, locale, output), LINES, question_of)


@export.command("balances")
def export_balances(  # noqa: PLR0913 - one option each
    context: typer.Context,
    *,
    company: Company = None,
    account: Account = None,
    posting_type: PostingType = None,
    partner: Partner = None,
    currency: Currency = None,
    from_: From = None,
    by: By = "account",
    as_of: Day = None,
    known_at: KnownAt = None,
    format_: Format = None,
    locale: CsvLocale = None,
    output: Output = None,
) -> None:
    """Writes the balance of every account, or what was posted on it on each day.

    Example: intercompany export balances --from 2026-03-01 --as-of 2026-03-31 --output march.xlsx
    """
    what = (scope_of(company), account, posting_type, partner, currency, day(from_), by)

    def question_of(books: Books) -> Question:
        selection = BalanceSelection(*what, as_of=moment(books.now, as_of, known_at))
        return lambda connection, page: balances(connection, selection, page)

    _write(_wanted(context, format_, locale, output), BALANCES, question_of)


@export.command("intercompany")
def export_intercompany(  # noqa: PLR0913 - one option each
    context: typer.Context,
    *,
    company: Company = None,
    currency: Currency = None,
    as_of: Day = None,
    known_at: KnownAt = None,
    format_: Format = None,
    locale: CsvLocale = None,
    output: Output = None,
) -> None:
    """Writes what each company is due from and due to each other one, with the partner's side beside it.

    Example: intercompany export intercompany --as-of 2026-03-31 --locale nl --output intercompany.csv
    """

    def question_of(books: Books) -> Question:
        selection = MatrixSelection(scope_of(company), currency, moment(books.now, as_of, known_at))

        async def question(connection: Any, _: Any) -> PageOfRows:
            return PageOfRows(await matrix(connection, selection))

        return question

    _write(_wanted(context, format_, locale, output), MATRIX, question_of)


@export.command("pair")
def export_pair(  # noqa: PLR0913 - one option each
    context: typer.Context,
    company: Annotated[str, typer.Argument(help="A company.", show_default=False)],
    partner: Annotated[str, typer.Argument(help="The other company.", show_default=False)],
    *,
    currency: Currency = None,
    from_: From = None,
    as_of: Day = None,
    known_at: KnownAt = None,
    format_: Format = None,
    locale: CsvLocale = None,
    output: Output = None,
) -> None:
    """Writes what two companies posted towards each other, both sides of each settlement record in one row.

    Example: intercompany export pair FAB FABE --as-of 2026-03-31
    """

    def question_of(books: Books) -> Question:
        selection = PairSelection(company, partner, currency, day(from_), moment(books.now, as_of, known_at))
        return lambda connection, page: pair(connection, selection, page)

    _write(_wanted(context, format_, locale, output), PAIR, question_of)
