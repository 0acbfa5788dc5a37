"""`waiting list|show|discard`: what waits, for what, since when; and giving it up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from services.command_line.commands.asking import Reason, ask
from services.command_line.tables import missing
from services.desk.waiting import BEGINNING, place_of, waiting_named
from services.desk.waiting import waiting as all_waiting
from services.operations.by_hand import NO_REASON, discard
from shared.console import fail, notes, output, print_json
from shared.events.values import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.schemas import Schemas
    from services.desk.waiting import WaitingItem, WaitingPlace

waiting = typer.Typer(
    help="What waits: list it with its age, show what it waits for, give it up.", no_args_is_help=True, add_completion=False
)

Event = Annotated[str, typer.Argument(metavar="EVENT", help="The id of the event that caused it.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per event.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many; 100 in the table, with --json all.", show_default=False)]
After = Annotated[str | None, typer.Option(metavar="PLACE", help="Only what comes after this place.", show_default=False)]
_SHOWN: Final = 100


@waiting.command("list")
def list_command(limit: Limit = None, after: After = None, *, as_json: AsJson = False) -> None:
    """Lists what waits, the oldest first: the event, what it waits for, and its age.

    Example: intercompany waiting list
    """
    try:
        place = BEGINNING if after is None else place_of(after)
    except ValueError:
        fail(f"{after!r} is not a place of this list: give what `intercompany waiting list` says for --after")
    if as_json:
        ask(lambda schemas: _print_all(schemas, place, limit))
        return
    found, following = ask(lambda schemas: _first(schemas, place, limit or _SHOWN))
    output().print(_table(found))
    if not found:
        notes().print("Nothing waits." if after is None else "Nothing else waits.")
    elif following is not None:
        notes().print(f"More waits; the next page: --after {following}", soft_wrap=True)


async def _print_all(schemas: Schemas, place: WaitingPlace, limit: int | None) -> None:
    count = 0
    async for each, _ in all_waiting(schemas, place):
        print_json(each.as_row())
        count += 1
        if count == limit:
            return


async def _first(schemas: Schemas, place: WaitingPlace, limit: int) -> tuple[list[WaitingItem], WaitingPlace | None]:
    """The first events after a place; if there are more, the place of the last."""
    found: list[WaitingItem] = []
    async for each, its_place in all_waiting(schemas, place):
        if len(found) == limit:
            return found, place
        found.append(each)
        place = its_place
    return found, None


def _table(found: Iterable[WaitingItem]) -> Table:
    table = Table("Event", "Source", "What", "Waits for", "Missing", "Since", "Age", show_edge=False)
    now = datetime.now(UTC)
    for each in found:
        cells = (
            each.event.id,
            each.event.source,
            each.what,
            each.reason,
            missing(each.key, each.reads_like),
            f"{each.since:%Y-%m-%d %H:%M:%S}",
            _age(now - each.since),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))
    return table


def _age(age: timedelta) -> str:
    """Whole units: 3 d, 5 h, 12 min, 40 s."""
    seconds = max(int(age.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


@waiting.command("show")
def show_command(event: Event) -> None:
    """Shows all that an event has waiting, with what is missing for each.

    Example: intercompany waiting show PAY2
    """
    output().print(_table(_of(event)))


@waiting.command("discard")
def discard_command(event: Event, *, reason: Reason = NO_REASON) -> None:
    """Gives up what an event waits for: it is refused as `discarded`, and what waited for it resumes.

    A document that waited is not posted and its id is free again; marks that waited are dropped, their document stands.

    Example: intercompany waiting discard PAY2
    """
    found = _of(event)
    ask(lambda schemas: discard(schemas, found, reason))
    notes().print(
        f"Ordered: the services give up {event} within seconds; `intercompany rejections show {event}` shows it then.", markup=False
    )


def _of(event: str) -> list[WaitingItem]:
    found = ask(lambda schemas: waiting_named(schemas, event))
    if not found:
        fail(f"nothing waits because of {event!r}; `intercompany waiting list` says what waits")
    return found
