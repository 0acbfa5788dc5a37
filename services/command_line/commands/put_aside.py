"""`failed list|retry` and `gaps list|acknowledge`: what keeps readiness red until a person has looked at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from services.command_line.commands.asking import ask
from services.desk.put_aside import failed as all_failed
from services.desk.put_aside import failed_place, failed_row, gap_place, gap_row
from services.desk.put_aside import gaps as all_gaps
from services.operations.put_aside import acknowledge_gaps, order_retries
from shared.console import fail, notes, output, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.desk.put_aside import FailedPlace
    from services.desk.schemas import Schemas

T = TypeVar("T")

failed = typer.Typer(help="Messages that were put aside: list them, have them tried again.", no_args_is_help=True, add_completion=False)
gaps = typer.Typer(
    help="Records that were gone before they were read: list them, acknowledge them.", no_args_is_help=True, add_completion=False
)

_SHOWN: Final = 100
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per row.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most this many; 100 in the table, with --json all.", show_default=False)]
After = Annotated[str | None, typer.Option(metavar="ID", help="Only what comes after this one.", show_default=False)]
Everything = Annotated[bool, typer.Option("--all", help="All of them.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="As the list says them.", show_default=False)]


@failed.command("list")
def list_failed(limit: Limit = None, after: After = None, *, as_json: AsJson = False) -> None:
    """Lists the messages on which a service failed, and those that the broker will never take, the oldest first.

    Example: intercompany failed list
    """
    place = None if after is None else _named(failed_place, after)
    if as_json:
        ask(lambda schemas: _print_failed(schemas, place, limit))
        return
    most = limit or _SHOWN
    rows = ask(lambda schemas: _first(schemas, place, most + 1))
    table = Table("Id", "Direction", "Record", "Failed at", "Attempts", "Error", show_edge=False)
    for row in rows[:most]:
        record = "/".join(str(row[part]) for part in ("topic", "partition", "offset") if row[part] is not None)
        cells = (row["id"], row["direction"], record, row["failed_at"][:19], str(row["attempts"]), row["error"])
        table.add_row(*map(Text, cells))
    output().print(table)
    if not rows:
        notes().print("Nothing was put aside.")
    if len(rows) > most:
        notes().print(f"There are more; the next page: --after {rows[most - 1]['id']}")


async def _print_failed(schemas: Schemas, place: FailedPlace | None, limit: int | None) -> None:
    count = 0
    async for each in all_failed(schemas, place):
        print_json(failed_row(*each))
        count += 1
        if count == limit:
            return


async def _first(schemas: Schemas, place: FailedPlace | None, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async for each in all_failed(schemas, place):
        rows.append(failed_row(*each))
        if len(rows) == limit:
            break
    return rows


@failed.command("retry")
def retry_failed(names: Names = None, *, everything: Everything = False) -> None:
    """Has the services try messages again, once what they failed on is mended; what still fails stays.

    Example: intercompany failed retry settlement/12
    """
    places = _places(failed_place, names, everything=everything)
    ordered = ask(lambda schemas: order_retries(schemas, places))
    notes().print(f"Ordered: the services try {ordered} messages again within seconds.")


@gaps.command("list")
def list_gaps(
    *, everything: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False, as_json: AsJson = False
) -> None:
    """Lists records that were gone before they were read: a topic's retention, or a topic that was emptied.

    Example: intercompany gaps list
    """
    rows = ask(lambda schemas: _gaps(schemas, everything=everything))
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = Table("Id", "First", "Last", "Noted at", "Acknowledged at", "By", show_edge=False)
    for row in rows:
        at = (row["acknowledged_at"] or "")[:19]
        cells = (row["id"], str(row["first"]), str(row["last"]), row["noted_at"][:19], at, row["acknowledged_by"] or "")
        table.add_row(*map(Text, cells))
    output().print(table)
    if not rows:
        notes().print("No records are missing.")


async def _gaps(schemas: Schemas, *, everything: bool) -> list[dict[str, Any]]:
    return [gap_row(*each) async for each in all_gaps(schemas, acknowledged=everything)]


@gaps.command("acknowledge")
def acknowledge(names: Names = None, *, everything: Everything = False) -> None:
    """Says that missing records were dealt with (sent again, or not needed): readiness is no longer red because of them.

    Example: intercompany gaps acknowledge settlement/intercompany.invoices/0
    """
    places = _places(gap_place, names, everything=everything)
    done = ask(lambda schemas: acknowledge_gaps(schemas, places))
    for place in done:
        notes().print(f"Acknowledged: {place}", markup=False, soft_wrap=True)
    if not done:
        fail("there is no such gap that nobody has acknowledged; `intercompany gaps list` says which there are")


def _places(place_of: Callable[[str], T], names: list[str] | None, *, everything: bool) -> list[T] | None:
    """What is named; None: all."""
    if not names and not everything:
        fail("say which: ids as the list says them, or --all")
    return [_named(place_of, name) for name in names] if names else None


def _named(place_of: Callable[[str], T], name: str) -> T:
    try:
        return place_of(name)
    except ValueError:
        fail(f"{name!r} names nothing of this list: give an id as the list says it")
