"""`rejections list|show|replay`: what was refused, and sending it again once its cause is mended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from services.command_line.commands.publishing import reference_of
from services.inquiry.rejections import NotReplayableError, Refused, count_replays, refused, replay_record
from services.local.backing_services import product_settings
from shared.console import fail, notes, output, print_error, print_json
from shared.events.producing import PartyBook
from shared.kafka.sender import sender

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.settings import Settings

_ALL: Final = 1_000_000

rejections = typer.Typer(help="What was refused: list it, show it, send it again once its cause is mended.", no_args_is_help=True)

Code = Annotated[str | None, typer.Option(help="Only this code.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the newest.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per refusal, the event itself included.")]


@rejections.command("list")
def list_command(code: Code = None, limit: Limit = 100, *, as_json: AsJson = False) -> None:
    """Lists refusals, the newest last.

    Example: intercompany rejections list --code other-party
    """
    found = asyncio.run(refused(product_settings(), None, code, limit))
    if as_json:
        for each in found:
            print_json(each.as_json())
        return
    output().print(_table(found))
    if not found:
        notes().print("Nothing was refused.")


def _table(found: Iterable[Refused]) -> Table:
    table = Table("Refused at", "Event", "Source", "Scope", "Code", "Field", "Message", "Sent again", show_edge=False)
    for each in found:
        cells = (f"{each.rejected_at:%Y-%m-%d %H:%M:%S}", each.event, each.source, each.scope, each.code, each.field, each.message)
        table.add_row(*map(Text, cells), str(each.replays or ""))
    return table


@rejections.command("show")
def show_command(name: Annotated[str, typer.Argument(metavar="EVENT", help="The id of the refused event, or of the refusal.")]) -> None:
    """Shows all refusals of an event, with the event as it came.

    Example: intercompany rejections show I2
    """
    found = asyncio.run(refused(product_settings(), name))
    if not found:
        fail(f"nothing with the id {name!r} was refused; `intercompany rejections list` says what was")
    for each in found:
        output().print(_table([each]))
        output().print(JSON.from_data(each.original, default=str))


@rejections.command("replay")
def replay_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="EVENT…", help="Ids of refused events, or of refusals.")] = None,
    code: Code = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that was refused and has not been sent again.")] = False,
) -> None:
    """Sends refused events again as they came, under their own ids; of a payment that is posted it wishes the marks again.

    Of several refusals of one event the last is sent. What is still wrong is refused again.

    Example: intercompany rejections replay I2
    """
    if not names and code is None and not everything:
        fail("say which: the ids of events, --code CODE, or --all")
    sent, failed = asyncio.run(_replay(names or [None], code))
    notes().print(f"{sent} events sent again.")
    raise typer.Exit(1 if failed or (names and not sent) else 0)


async def _replay(names: Iterable[str | None], code: str | None) -> tuple[int, int]:
    """How many were sent, how many could not be."""
    settings = product_settings(broker=True)
    latest = await _latest(settings, names, code)
    parties = PartyBook(await reference_of(settings))
    failed = 0
    async with sender(settings) as producer:
        for each in latest:
            earlier = [other for other in await refused(settings, each.event) if other.source == each.source]
            try:
                record = replay_record(each, sum(other.replays for other in earlier) + 1, parties)
            except NotReplayableError as error:
                print_error(str(error))
                failed += 1
                continue
            await producer.send([record])
            await count_replays(settings, [each])
    return len(latest) - failed, failed


async def _latest(settings: Settings, names: Iterable[str | None], code: str | None) -> list[Refused]:
    """The last refusal of each event; without a name, of those that were not sent again since."""
    latest: dict[tuple[str, str], Refused] = {}
    for name in names:
        found = await refused(settings, name, code, _ALL)
        if not found:
            print_error(f"nothing with the id {name!r} was refused" if name else "nothing was refused")
        latest.update({(each.source, each.event): each for each in found})
        if name is None:
            latest = {event: each for event, each in latest.items() if not each.replays}
    return list(latest.values())
