"""`waiting list|show|discard`: what waits, for what, since when; and giving it up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from services.inquiry.waiting import Waiting, once_each, order_discards
from services.inquiry.waiting import waiting as all_waiting
from services.local.backing_services import product_settings
from shared.console import fail, notes, output, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

waiting = typer.Typer(help="What waits: list it with its age, show what it waits for, give it up.", no_args_is_help=True)

Event = Annotated[str, typer.Argument(metavar="EVENT", help="The id of the event that caused it.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per event.")]


@waiting.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """Lists what waits, the oldest first: the event, what it waits for, and its age.

    Example: intercompany waiting list
    """
    found = once_each(asyncio.run(all_waiting(product_settings())))
    if as_json:
        for each in found:
            print_json(each.as_json())
        return
    output().print(_table(found))
    if not found:
        notes().print("Nothing waits.")


def _table(found: Iterable[Waiting]) -> Table:
    table = Table("Event", "Source", "What", "Waits for", "Missing", "Since", "Age", show_edge=False)
    now = datetime.now(UTC)
    for each in found:
        missing = ", ".join(f"{name} {value}" for name, value in each.key.items())
        cells = (
            each.event.id,
            each.event.source,
            each.what,
            each.reason,
            missing,
            f"{each.since:%Y-%m-%d %H:%M:%S}",
            _age(now - each.since),
        )
        table.add_row(*map(Text, cells))
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
def discard_command(event: Event) -> None:
    """Gives up what an event waits for: it is refused as `discarded`, and what waited for it goes on.

    A document that waited is not posted and its id is free again; marks that waited are dropped, their document stands.

    Example: intercompany waiting discard PAY2
    """
    found = _of(event)
    asyncio.run(order_discards(product_settings(), found))
    notes().print(
        f"Ordered: the services give up {event} within seconds; `intercompany rejections show {event}` shows it then.", markup=False
    )


def _of(event: str) -> list[Waiting]:
    found = asyncio.run(all_waiting(product_settings(), event))
    if not found:
        fail(f"nothing waits because of {event!r}; `intercompany waiting list` says what waits")
    return found
