"""`import`: the rows of a file as events.

Invariant: all rows are read before one is sent; unless told otherwise nothing is sent while one is wrong.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from services.command_line.commands.asking import ask
from services.desk.reference import reference_data
from services.files.imports.events import Making
from services.files.imports.mapping import read_mapping
from services.files.imports.outcomes import RowOutcome, outcomes, rows_of_file
from services.operations.publish import addressed
from services.scenarios.yaml_files import FileError
from shared.console import output, print_error
from shared.events.producing import PartyBook
from shared.kafka.sender import sender

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from services.files.imports.events import FileRow
    from services.files.imports.mapping import Mapping

_BATCH = 500


class _Read(NamedTuple):
    """The rows of a file with what each is, and whether they were sent."""

    rows: list[FileRow]
    found: list[RowOutcome]
    is_sent: bool


def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, or camt.053.", show_default=False)],
    *,
    mapping: Annotated[Path, typer.Option(help="Which column is which field: docs/files.md.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent, and what is wrong.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Send the rows that are right though others are not.")] = False,
    sender_: Annotated[str | None, typer.Option("--sender", help="With SENDERS=enforced: on whose topics.", show_default=False)] = None,
) -> None:
    """Sends the rows of a table (CSV, XLSX) or the entries of a bank statement (camt.053) as events, by a mapping file.

    Each row is checked as the services will check it; what is wrong is said with its row and column, nothing is sent then, and the exit
    code is 1. Ids are made of what a row says, so the same file twice changes nothing.

    Example: intercompany import receipts.csv --mapping receipts.yaml --dry-run
    """
    known = read_mapping(mapping)
    content = _content(file)
    done = ask(lambda schemas: _import(schemas, file, content, known, sender_, dry_run=dry_run, partial=partial), broker=not dry_run)
    for row in done.rows:
        for said in row.said():
            print_error(f"{file}: {said}")
    for line in _summary(done, dry_run=dry_run):
        output().print(line, markup=False, soft_wrap=True)
    raise typer.Exit(1 if RowOutcome.WRONG in done.found else 0)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise FileError(file, "", f"cannot be read: {error.strerror}") from error


async def _import(  # noqa: PLR0913 - a file and how it is sent
    schemas: Schemas, file: Path, content: bytes, mapping: Mapping, name: str | None, *, dry_run: bool, partial: bool
) -> _Read:
    making = Making(datetime.now(UTC), PartyBook(await reference_data(schemas)))
    rows = rows_of_file(file, content, mapping, making)
    found = await outcomes(schemas, rows)
    if dry_run or (RowOutcome.WRONG in found and not partial):
        return _Read(rows, found, is_sent=False)
    new = [row.record for row, each in zip(rows, found, strict=True) if each is RowOutcome.NEW and row.record is not None]
    records = [addressed(record, name, schemas.settings) for record in new]
    if records:
        async with sender(schemas.settings) as producer:
            for start in range(0, len(records), _BATCH):
                await producer.send(records[start : start + _BATCH])
    return _Read(rows, found, is_sent=True)


def _summary(done: _Read, *, dry_run: bool) -> list[str]:
    """How many rows were sent, and how many were not, and why."""
    number = Counter(done.found)
    new = "sent" if done.is_sent else "would be sent" if dry_run else "not sent, since others are wrong (--partial sends them)"
    words = {
        RowOutcome.NEW: new,
        RowOutcome.DUPLICATE: "duplicate: taken before, nothing changes",
        RowOutcome.WRONG: "wrong",
        RowOutcome.LEFT_OUT: "left out: no payment by the mapping",
    }
    return [f"{number[each]} {words[each]}" for each in RowOutcome if number[each]] or ["There are no rows."]
