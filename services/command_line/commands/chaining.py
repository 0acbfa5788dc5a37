"""`check chain`: whether every voucher is as it was posted, and what is written down of the chains to be held to later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from services.command_line.commands.asking import ask
from services.desk.chain_check import check_chain
from services.desk.chain_walk import Head
from shared.console import fail, output, print_json

if TYPE_CHECKING:
    from services.desk.chain_walk import ChainWalk

Heads = Annotated[
    list[Path] | None,
    typer.Option("--head", help="What an earlier check has written down; may be given several times.", show_default=False),
]
WriteHead = Annotated[
    Path | None, typer.Option("--write-head", help="Writes down the ends of the chains, if all is as it was posted.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per finding, then one for all.")]

_HEADS: Final = msgspec.json.Decoder(list[Head])


def check_chain_command(*, head: Heads = None, write_head: WriteHead = None, as_json: AsJson = False) -> None:
    """Goes through the vouchers of every company and series: whether any was changed, removed, put in or moved since it was posted.

    Each digest covers the voucher, the one before it and its sisters in other companies. Whoever may write to the database can compute
    all digests again: against that keep the ends of the chains elsewhere (--write-head) and hold the books to them (--head).
    Exit code 1 if anything is not as it was posted, with the vouchers.

    Example: intercompany check chain --head 2026-03.json --write-head 2026-04.json
    """
    heads = [each for path in head or () for each in _read(path)]
    walk = ask(lambda schemas: check_chain(schemas, heads))
    if as_json:
        for finding in walk.findings:
            print_json(finding._asdict())
        print_json(_summary(walk))
    else:
        if walk.findings:
            output().print(_table(walk))
        output().print(_words(walk, heads))
    if write_head is not None and walk.holds:
        _write(write_head, walk.as_heads(datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")))
    raise typer.Exit(0 if walk.holds else 1)


def _read(path: Path) -> list[Head]:
    try:
        return _HEADS.decode(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        fail(f"{path} is not what --write-head has written: {error}")


def _write(path: Path, heads: list[Head]) -> None:
    """The whole file or none: what was written down before is not lost halfway."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(heads), indent=1) + b"\n")
    new.replace(path)


def _summary(walk: ChainWalk) -> dict[str, object]:
    return {"vouchers": walk.checked, "chains": len(walk.ends), "before_the_chain": walk.before.total(), "found": dict(walk.found)}


def _table(walk: ChainWalk) -> Table:
    table = Table("Company", "Voucher", "", "What is wrong", show_edge=False)
    for finding in walk.findings:
        table.add_row(Text(finding.company), Text(finding.voucher), Text(finding.problem, style="red"), Text(finding.message))
    return table


def _words(walk: ChainWalk, heads: list[Head]) -> Text:
    said = [f"{walk.checked:,} vouchers in {len(walk.ends):,} series were held to their digests"]
    said += [f"{len(heads):,} digests that were written down to the books"] if heads else []
    sentences = [" and ".join(said) + (": all is as it was posted." if walk.holds else ".")]
    if walk.before:
        sentences.append(f"{walk.before.total():,} vouchers were posted before there were digests and are in no chain.")
    if walk.found.total() > len(walk.findings):
        sentences.append(f"{walk.found.total() - len(walk.findings):,} further findings are not listed.")
    if not heads:
        sentences.append("Nothing that was written down elsewhere was asked for (--head): whoever computed all digests again is not found.")
    return Text("\n".join(sentences), style="green" if walk.holds else "")
