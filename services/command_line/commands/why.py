"""`why`: why a line of a voucher is there and has its amount."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.command_line.commands.asking import ask
from services.desk.schemas import InquiryMissingError
from services.desk.why.explain import Explanation
from services.desk.why.finding import why
from services.desk.why.in_force import as_they_were
from shared.console import output, print_json
from shared.rulebook import language_of, rule_book

if TYPE_CHECKING:
    from services.desk.schemas import Schemas


def why_command(
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="The company in whose books the voucher is.")],
    voucher: Annotated[str, typer.Argument(metavar="VOUCHER", help="Its number: AR-SET-000012.")],
    line: Annotated[int, typer.Argument(metavar="LINE", min=1, help="The line, from 1.")],
    *,
    language: Annotated[str, typer.Option(help="The language of the answer: en, fr, nl or de.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Says why a line of a voucher is there and has its amount, in one sentence with its figures.

    Example: intercompany why FABE AP-SET-000001 3
    """
    known = language_of(language)
    found = ask(lambda schemas: _why(schemas, company, voucher, line, known))
    if as_json:
        print_json(found.as_row())
        return
    output().print(Text(found.sentence))
    output().print(_rules(found, known))


async def _why(schemas: Schemas, company: str, voucher: str, line: int, language: str) -> Explanation:
    """With the parameters as they were then, as the HTTP API says it; where inquiry has never run, with those in force now."""
    try:
        async with schemas.books() as books:
            return await why(schemas, company, voucher, line, language, partial(as_they_were, schemas, books))
    except InquiryMissingError:
        return await why(schemas, company, voucher, line, language)


def _rules(found: Explanation, language: str) -> Table:
    """What the rules of the line are called and say."""
    table = Table(show_edge=False, pad_edge=False, show_header=False, box=None)
    book = rule_book(language)
    for rule in found.rules:
        table.add_row(Text(rule, style="bold"), Text(f"{book[rule].title}: {book[rule].sentence}"))
    return table
