"""`apply`, `reciprocal` and `publish`: reference data and events sent to the topics."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.progress import Progress

from services.command_line.commands.asking import ask
from services.operations.publish import SOURCE, publish_events
from services.operations.reference_changes import find_changes, publish_changes, reciprocal_entries
from services.scenarios.event_files import NDJSON
from services.scenarios.group_file import read_group_file
from shared.console import notes, output, print_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.schemas import Schemas
    from services.operations.publish import Publication
    from services.scenarios.event_files import EventEntry
    from services.scenarios.group_file import ReferenceEntry

_EVENTS: Final = "A YAML or JSON list of events, a scenario file, one CloudEvent as JSON, or NDJSON (.ndjson, .jsonl)."

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Account = Annotated[str, typer.Option(help="Main account in both companies' books.", show_default=False)]
OwnAccount = Annotated[str | None, typer.Option(help="Main account in PARTNER's books, if it is another one there.", show_default=False)]
Poster = Annotated[str | None, typer.Option(help="Of the pair: invoice or payment.", show_default=False)]


def apply_command(
    file: Annotated[Path, typer.Argument(metavar="GROUP.yaml", help="A group file, or a scenario file.", show_default=False)],
    *,
    dry_run: DryRun = False,
) -> None:
    """Publishes a group file: companies, parties, accounts, parameters, rates and so on; says what changes.

    Only what differs from the values in force is published, companies and parties last. Entities that the file does not name stay;
    what it leaves out of one that it names has its default, so say each whole.

    Example: intercompany apply group.yaml --dry-run
    """
    _apply(file, read_group_file(file), dry_run=dry_run)


def reciprocal_command(  # noqa: PLR0913 - one option each
    company: Annotated[str, typer.Argument(help="A company.", show_default=False)],
    partner: Annotated[str, typer.Argument(help="The other company.", show_default=False)],
    due_from: Account,
    due_to: Account,
    *,
    partner_due_from: OwnAccount = None,
    partner_due_to: OwnAccount = None,
    post_cash_discount: Poster = None,
    post_exchange_gain_or_loss: Poster = None,
    dry_run: DryRun = False,
) -> None:
    """Defines the intercompany accounting of two companies in both directions, in one step.

    Example: intercompany reciprocal FAB FABE --due-from 1380 --due-to 2380
    """
    own = {"due_from": due_from, "due_to": due_to}
    partners = {"due_from": partner_due_from or due_from, "due_to": partner_due_to or due_to}
    options = {"post_cash_discount": post_cash_discount, "post_exchange_gain_or_loss": post_exchange_gain_or_loss}
    _apply(Path("reciprocal"), reciprocal_entries(company, partner, own, partners, options), dry_run=dry_run)


def _apply(file: Path, entries: Iterable[ReferenceEntry], *, dry_run: bool) -> None:
    ask(lambda schemas: _publish_differing(schemas, file, entries, dry_run=dry_run), broker=True)


async def _publish_differing(schemas: Schemas, file: Path, entries: Iterable[ReferenceEntry], *, dry_run: bool) -> None:
    now = datetime.now(UTC)
    found = await find_changes(schemas, file, entries, now)
    for change in found:
        output().print(str(change), markup=False, soft_wrap=True)
    if found and not dry_run:
        await publish_changes(schemas.settings, found, now)
    verb = "would be published" if dry_run else "published"
    notes().print(f"Changes {verb}: {len(found)}." if found else "Nothing differs from the values in force.")


def publish_command(
    file: Annotated[Path, typer.Argument(metavar="EVENTS", help=_EVENTS, show_default=False)],
    *,
    source: Annotated[str, typer.Option(help="The source of events that name none.")] = SOURCE,
    sender: Annotated[str | None, typer.Option(help="With SENDERS=enforced: on whose topics.", show_default=False)] = None,
) -> None:
    """Publishes events, as in a scenario file (id and type beside the data) or as CloudEvents documents.

    Each is checked first; what is wrong is shown with its place and left out, and the exit code is 1. Once it is corrected, the
    whole file can be published again: what was taken already is a duplicate and changes nothing.

    Example: intercompany publish invoices.ndjson
    """
    done = ask(lambda schemas: _publish(schemas, file, source, sender), broker=True)
    notes().print(f"Events published: {done.sent}, left out: {done.left_out}.")
    raise typer.Exit(1 if done.left_out else 0)


async def _publish(schemas: Schemas, file: Path, source: str, sender: str | None) -> Publication:
    with Progress(console=notes(), transient=True) as progress:
        task = progress.add_task("Publishing", total=_size(file))

        def tell(batch: list[EventEntry]) -> None:
            for entry in batch:
                if entry.record is None:
                    print_error(f"{file}: {entry.place}: {entry.problem}")
            progress.advance(task, sum(entry.size for entry in batch))

        return await publish_events(schemas, file, source, tell, sender)


def _size(file: Path) -> int | None:
    """What the sizes of the file's entries add up to, if it is known before."""
    return file.stat().st_size if file.suffix in NDJSON and file.exists() else None
