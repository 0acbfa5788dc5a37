"""`import`: the rows of a file as events.

Invariant: all rows are read before one is sent; unless told otherwise nothing is sent while one is wrong.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from services.command_line.commands.asking import Reason, ask
from services.desk.actions.rules import ImportedFile
from services.desk.reference import reference_data
from services.files.imports.bounds import OF_THE_COMMAND, check_size
from services.files.imports.events import Making
from services.files.imports.mapping import mapping_of
from services.files.imports.outcomes import RowOutcome, companies_of_rows, kept_row, outcomes, rows_of_file
from services.operations.by_hand import NO_REASON, send
from services.operations.publish import addressed
from services.operations.sent_by_hand import drafted_import
from services.scenarios.yaml_files import FileError, read_yaml
from shared.console import output, print_error
from shared.events.producing import PartyBook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.desk.actions.rules import Draft
    from services.desk.schemas import Schemas
    from services.files.imports.events import FileRow

_PART = 2_000
"""Rows that are one action of the audit; of a longer file there are several, and the file is kept once."""
_STATES = {RowOutcome.NEW: "accepted", RowOutcome.LEFT_OUT: "left_out"}
"""What the audit calls these, as the API does."""


class _File(NamedTuple):
    """A file, what its rows mean, and on whose topics they are sent."""

    path: Path
    content: bytes
    mapping: Any
    mapping_path: Path
    sender: str | None


class _Read(NamedTuple):
    """The rows of a file with what each is, and whether they were sent."""

    rows: list[FileRow]
    found: list[RowOutcome]
    is_sent: bool


def import_command(  # noqa: PLR0913 - its options
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, or camt.053.", show_default=False)],
    *,
    mapping: Annotated[Path, typer.Option(help="Which column is which field: docs/files.md.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent, and what is wrong.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Send the rows that are right though others are not.")] = False,
    sender_: Annotated[str | None, typer.Option("--sender", help="With SENDERS=enforced: on whose topics.", show_default=False)] = None,
    reason: Reason = NO_REASON,
) -> None:
    """Sends the rows of a table (CSV, XLSX) or the entries of a bank statement (camt.053) as events, by a mapping file.

    Each row is checked as the services will check it; what is wrong is said with its row and column, nothing is sent then, and the exit
    code is 1. Ids are made of what a row says, so the same file twice changes nothing. The file is kept as it came, with who sent it.

    Example: intercompany import receipts.csv --mapping receipts.yaml --dry-run
    """
    given = _File(file, _content(file), read_yaml(mapping), mapping, sender_)
    done = ask(lambda schemas: _import(schemas, given, reason, dry_run=dry_run, partial=partial), broker=not dry_run)
    for row in done.rows:
        for said in row.said():
            print_error(f"{file}: {said}")
    for line in _summary(done, dry_run=dry_run):
        output().print(line, markup=False, soft_wrap=True)
    raise typer.Exit(1 if RowOutcome.WRONG in done.found else 0)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(OF_THE_COMMAND.size + 1)
    except OSError as error:
        raise FileError(file, "", f"cannot be read: {error.strerror}") from error
    check_size(file, content, OF_THE_COMMAND)
    return content


async def _import(schemas: Schemas, file: _File, reason: str, *, dry_run: bool, partial: bool) -> _Read:
    mapping = mapping_of(file.mapping, file.mapping_path)
    making = Making(datetime.now(UTC), PartyBook(await reference_data(schemas)))
    rows = rows_of_file(file.path, file.content, mapping, making)
    found = await outcomes(schemas, rows)
    if dry_run or (RowOutcome.WRONG in found and not partial):
        return _Read(rows, found, is_sent=False)
    if RowOutcome.NEW in found:
        await send(schemas, _drafts(schemas, file, rows, found), reason)
    return _Read(rows, found, is_sent=True)


def _drafts(schemas: Schemas, file: _File, rows: list[FileRow], found: list[RowOutcome]) -> Iterator[Draft]:
    """What sends the new rows, part by part."""
    for start in range(0, len(rows), _PART):
        part = list(zip(rows[start : start + _PART], found[start : start + _PART], strict=True))
        new = [row.record for row, each in part if each is RowOutcome.NEW and row.record is not None]
        if new:
            told = tuple(kept_row(row, _STATES.get(each, each.value)) for row, each in part)
            kept = ImportedFile(file.path.name, file.content, file.mapping, told, companies_of_rows(row for row, _ in part))
            said = {"file": kept.name, "sha256": kept.sha256.hex(), "mapping": file.mapping}
            yield drafted_import([addressed(record, file.sender, schemas.settings) for record in new], said, kept)


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
