"""`apply`, `reciprocal` and `publish`: reference data and events sent to the topics."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.progress import Progress
from uuid_utils import uuid7

from services.inquiry.schemas import schema_of
from services.local.backing_services import product_settings
from services.operations.reference_changes import Change, changes, reference_in_force
from services.registry import SETTLEMENT
from services.scenarios.event_files import EventEntry, Sending, read_event_file
from services.scenarios.group_file import ReferenceEntry, reference_entries
from services.scenarios.yaml_files import FileError, read_yaml
from shared.console import notes, output, print_error
from shared.events.producing import PartyBook, record_of
from shared.kafka.sender import sender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.events.envelope import Record
    from shared.reference import Reference
    from shared.settings import Settings

SOURCE: Final = "intercompany/command-line"
_BATCH: Final = 500
_EVENTS: Final = "A YAML list of events, a scenario file, or NDJSON (.ndjson, .jsonl)."

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Account = Annotated[str, typer.Option(help="Main account in both companies' books.", show_default=False)]
OwnAccount = Annotated[str | None, typer.Option(help="Main account in PARTNER's books, if it is another one there.", show_default=False)]
Poster = Annotated[str | None, typer.Option(help="Of the pair: invoice or payment.", show_default=False)]


def apply_command(
    file: Annotated[Path, typer.Argument(metavar="GROUP.yaml", help="A group file, or a scenario file.", show_default=False)],
    *,
    dry_run: DryRun = False,
) -> None:
    """Publishes a group file: companies, parties, accounts, parameters, rates and so on. Says what changes.

    Only what differs from the values in force is published, companies and parties last; what the file does not name stays.

    Example: intercompany apply group.yaml --dry-run
    """
    content = read_yaml(file)
    if not isinstance(content, dict):
        raise FileError(file, "", "is no group file: it must be a mapping such as {companies: …, parties: …}")
    in_scenario = "group" in content
    entries = reference_entries(file, content["group"] if in_scenario else content, "group" if in_scenario else "")
    asyncio.run(_apply(file, entries, dry_run=dry_run))


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
    options = {"post_cash_discount": post_cash_discount, "post_exchange_gain_or_loss": post_exchange_gain_or_loss}
    said = {name: value for name, value in options.items() if value is not None}
    there = {"due_from": partner_due_from or due_from, "due_to": partner_due_to or due_to}
    pairs = [(company, partner, {"due_from": due_from, "due_to": due_to}), (partner, company, there)]
    entries = [
        ReferenceEntry(f"{one}.{other}", "intercompany-accounting.defined", {"company": one, "partner": other, **accounts, **said})
        for one, other, accounts in pairs
    ]
    asyncio.run(_apply(Path("reciprocal"), entries, dry_run=dry_run))


async def _apply(file: Path, entries: Iterable[ReferenceEntry], *, dry_run: bool) -> None:
    settings, now = product_settings(broker=True), datetime.now(UTC)
    async with schema_of("settlement", settings) as connection:
        in_force = await reference_in_force(connection)
    found = changes(file, entries, in_force, now)
    for change in found:
        output().print(str(change), markup=False, soft_wrap=True)
    if found and not dry_run:
        async with sender(settings) as sending:
            await sending.send(_records(found, now))
    verb = "would be published" if dry_run else "published"
    notes().print(f"{len(found)} changes {verb}." if found else "Nothing differs from the values in force.")


def _records(found: Iterable[Change], now: datetime) -> list[Record]:
    parties = PartyBook()
    return [record_of(str(uuid7()), SOURCE, each.entry.type, each.entry.data, now, parties) for each in found]


def publish_command(
    file: Annotated[Path, typer.Argument(metavar="EVENTS", help=_EVENTS, show_default=False)],
    *,
    source: Annotated[str, typer.Option(help="The source of events that name none.")] = SOURCE,
) -> None:
    """Publishes events, as in a scenario file (`id` and `type` beside the data) or as CloudEvents documents.

    Each is checked first; what is wrong is shown with its line and left out, and the exit code is 1. Once it is mended the
    whole file can be published again: what was taken already is a duplicate and changes nothing.

    Example: intercompany publish invoices.ndjson
    """
    wrong = asyncio.run(_publish(file, source))
    raise typer.Exit(1 if wrong else 0)


async def _publish(file: Path, source: str) -> int:
    settings = product_settings(broker=True)
    sending = Sending(source, datetime.now(UTC), PartyBook(await reference_of(settings)))
    sent = wrong = 0
    with Progress(console=notes(), transient=True) as progress:
        task = progress.add_task("Publishing", total=_size(file))
        async with sender(settings) as producer:
            for batch in _batches(read_event_file(file, sending)):
                records = [entry.record for entry in batch if entry.record is not None]
                await producer.send(records)
                for entry in batch:
                    if entry.record is None:
                        print_error(f"{file}: {entry.place}: {entry.problem}")
                sent, wrong = sent + len(records), wrong + len(batch) - len(records)
                progress.advance(task, sum(entry.size for entry in batch))
    notes().print(f"{sent} events published, {wrong} left out.")
    return wrong


def _size(file: Path) -> int | None:
    """What the sizes of the file's entries add up to, if it is known before."""
    return file.stat().st_size if file.suffix in {".ndjson", ".jsonl"} and file.exists() else None


def _batches(entries: Iterable[EventEntry]) -> Iterable[list[EventEntry]]:
    batch: list[EventEntry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def reference_of(settings: Settings) -> Reference:
    """The reference data in force, by which events get their keys."""
    async with schema_of("settlement", settings) as connection:
        books: Any = await SETTLEMENT.store().load(connection, [])
        reference: Reference = books.reference
        return reference
