"""`rejections list|show|replay`: what was refused, and sending it again once its cause is corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from services.command_line.commands.asking import Reason, ask
from services.desk.rejections import place_of, refused, refused_named, whole
from services.operations.by_hand import NO_REASON, replay
from shared.console import fail, notes, output, print_error, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.rejections import RefusalPlace, RefusedEvent
    from services.desk.schemas import Schemas

rejections = typer.Typer(
    help="What was refused: list it, show it, send it again once its cause is corrected.", no_args_is_help=True, add_completion=False
)

Code = Annotated[str | None, typer.Option(help="Only this code.", show_default=False)]
Limit = Annotated[int, typer.Option(min=1, help="At most this many, the newest.")]
Before = Annotated[str | None, typer.Option(metavar="PLACE", help="Only what is before this place.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per refusal, the event itself included.")]


@rejections.command("list")
def list_command(code: Code = None, limit: Limit = 100, before: Before = None, *, as_json: AsJson = False) -> None:
    """Lists refusals, the newest last.

    Example: intercompany rejections list --code other-party
    """
    try:
        place = None if before is None else place_of(before)
    except ValueError:
        fail(f"{before!r} is not a place of this list: give what `intercompany rejections list` says for --before")
    found = ask(lambda schemas: _list(schemas, code, limit, place, as_json=as_json))
    if not as_json:
        output().print(_table(found))
    if not found:
        notes().print("Nothing was refused." if place is None else "Nothing was refused before.")
    elif len(found) == limit:
        notes().print(f"These are the newest {limit}; older ones: --before {found[0].place}", soft_wrap=True)


async def _list(schemas: Schemas, code: str | None, limit: int, before: RefusalPlace | None, *, as_json: bool) -> list[RefusedEvent]:
    """What is listed, without the events; as JSON they are printed whole while they are read."""
    found = await refused(schemas, code, limit, before)
    if as_json:
        async for each in whole(schemas, found):
            print_json(each.as_row())
    return found


def _table(found: Iterable[RefusedEvent]) -> Table:
    table = Table("Refused at", "Event", "Source", "Scope", "Code", "Field", "Message", "Sent again", show_edge=False)
    for each in found:
        said = each.rejection
        cells = (f"{each.rejected_at:%Y-%m-%d %H:%M:%S}", said.event, said.source, said.scope, said.code, said.field, said.message)
        table.add_row(*map(Text, cells), str(each.replays or ""))
    return table


@rejections.command("show")
def show_command(name: Annotated[str, typer.Argument(metavar="EVENT", help="The id of the refused event, or of the refusal.")]) -> None:
    """Shows all refusals of an event, with the event as it came.

    Example: intercompany rejections show I2
    """
    if not ask(lambda schemas: _show(schemas, name)):
        fail(f"nothing with the id {name!r} was refused; `intercompany rejections list` says what was")


async def _show(schemas: Schemas, name: str) -> bool:
    found = await refused_named(schemas, name)
    async for each in whole(schemas, found):
        output().print(_table([each]))
        output().print(JSON.from_data(each.rejection.original, default=str))
    return bool(found)


@rejections.command("replay")
def replay_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="EVENT…", help="Ids of refused events, or of refusals.")] = None,
    code: Code = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that was refused and has not been sent again.")] = False,
    reason: Reason = NO_REASON,
) -> None:
    """Sends refused events again as they came, under their own ids; of a payment that is posted it asks for the settlement again.

    Of several refusals of one event the last is sent. What is still wrong is refused again.

    Example: intercompany rejections replay I2
    """
    if not names and code is None and not everything:
        fail("say which: the ids of events, --code CODE, or --all")
    done = ask(lambda schemas: replay(schemas, names or [], code, reason), broker=True)
    for name in done.unknown:
        print_error(f"nothing with the id {name!r} was refused")
    for problem in done.problems:
        print_error(problem)
    notes().print(f"Events sent again: {done.sent}.")
    raise typer.Exit(1 if done.problems or (names and not done.sent) else 0)
