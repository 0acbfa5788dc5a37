"""`check` and its commands, `inquiry rebuild`, `inquiry digest`: whether the tables that can be asked are right, and reading them again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.command_line.commands.asking import ask
from services.command_line.commands.chaining import check_chain_command
from services.command_line.commands.faults import check_faults
from services.desk.inquiry_check import check_inquiry as check_books
from services.inquiry.checks import digest as digest_of
from services.operations.inquiry_rebuild import RebuildIncompleteError
from services.operations.inquiry_rebuild import rebuild as rebuild_tables
from services.registry import INQUIRY
from shared.console import fail, output, print_json
from shared.embedded.addresses import product_settings
from shared.telemetry import set_up_logs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.desk.schemas import Schemas
    from services.inquiry.checks import IdentityCheck

AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="At the end of this day; without it everything that is posted.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]

check = typer.Typer(help="Whether the books agree with themselves, on any date.", no_args_is_help=True, add_completion=False)
inquiry = typer.Typer(help="The inquiry service's tables: read them again, compare them.", no_args_is_help=True, add_completion=False)


@check.callback()
def check_() -> None:
    """Whether the books agree with themselves, on any date."""


check.command("chain")(check_chain_command)


@check.command("inquiry")
def check_inquiry(*, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Checks what the inquiry service has: open documents are the accounts, due from is due to, debits are credits.

    Without a date the accounts are compared with those of the ledger as well.
    Exit code 1 if anything does not hold, with the rows that differ. What differs is looked at again once what was under way is read:
    what then differs as before is a failure; what moves, or could not be waited for, is shown as under way and is none.

    Example: intercompany check inquiry --as-of 2026-03-31
    """
    day = as_of.date() if as_of is not None else None
    checks = ask(lambda schemas: check_books(schemas, day))
    if as_json:
        for each in checks:
            print_json(
                {"check": each.name, "holds": each.holds, "under_way": each.under_way, "problems": [_shown(row) for row in each.problems]}
            )
    else:
        output().print(_table(checks))
    raise typer.Exit(0 if all(each.holds for each in checks) else 1)


check.command("faults")(check_faults)


def _shown(row: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}


def _table(checks: list[IdentityCheck]) -> Table:
    table = Table("Check", "", show_edge=False)
    for each in checks:
        problems = "\n".join(", ".join(f"{name} {value}" for name, value in _shown(row).items()) for row in each.problems)
        table.add_row(Text(each.name), _verdict(each, problems))
    return table


def _verdict(check: IdentityCheck, problems: str) -> Text:
    if not check.problems:
        return Text("holds", style="green")
    if not check.holds:
        return Text(problems, style="red")
    return Text(f"still under way: check again\n{problems}", style="yellow")


@inquiry.command("digest")
def digest_command(*, as_json: AsJson = False) -> None:
    """Prints the number of rows of each table and a digest of what they say; the same topics give the same digests.

    Example: intercompany inquiry digest
    """

    async def question(schemas: Schemas) -> dict[str, str]:
        async with schemas.of(INQUIRY.name) as connection:
            return await digest_of(connection)

    _print_digest(ask(question), as_json=as_json)


@inquiry.command("rebuild")
def rebuild_command(*, as_json: AsJson = False) -> None:
    """Reads all topics again from their beginning into new tables, and puts them into the place of those in use; prints their digest.

    As the role that owns the schemas (DATABASE_URL, INQUIRY_DATABASE_URL). The service keeps running, and questions are
    answered from the old tables until the new ones have all that these have. What the topics no longer have comes from the services that
    own it. If something is missing even so the old tables stay, exit code 1.

    Example: intercompany inquiry rebuild
    """
    settings = product_settings(broker=True)
    set_up_logs(settings if "log_level" in settings.model_fields_set else settings.model_copy(update={"log_level": "ERROR"}))
    try:
        found = asyncio.run(rebuild_tables(settings))
    except RebuildIncompleteError as error:
        fail(str(error))
    _print_digest(found, as_json=as_json)


def _print_digest(digest: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(dict(digest))
        return
    table = Table("Table", "Rows", "Digest", show_edge=False)
    for name, text in digest.items():
        rows, _, value = text.partition("/")
        table.add_row(name, f"{int(rows):,}", value)
    output().print(table)
