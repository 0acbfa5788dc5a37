"""`contract`: the published contract, written from the program, and compared with what was promised.

Invariant: what makes the contract is imported once a command needs it; help waits for none of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from services.contract.places import FOLDER, promises
from shared.console import fail, output

contract = typer.Typer(
    help="The published contract: write its files, compare it with what was promised, validate an event.",
    no_args_is_help=True,
    add_completion=False,
)

_MISSING: Final = "is not there: run it from a checkout, or name the folder"
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder of the contract's files.")]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="DIR|REF", help="A published version's folder, or a git revision; else files and every published."),
]


@contract.command("write")
def write_command(*, to: To = FOLDER) -> None:
    """Writes the documents, schemas, examples and pages of the contract.

    Example: intercompany contract write
    """
    from services.contract.files import write  # noqa: PLC0415 - here and below: see the module's docstring

    output().print(f"{write(to, _of_the_api())} files written to {to}")


@contract.command("check")
def check_command(*, against: Against = None, to: To = FOLDER) -> None:
    """Compares the contract with what was promised: nothing may go, change or become narrower. Exit code 1 if it does.

    Example: intercompany contract check --against docs/contract/published/1.0.0
    """
    from services.contract.checking import against as breaks  # noqa: PLC0415
    from services.contract.files import outdated  # noqa: PLC0415

    if against is None and not to.is_dir():
        fail(f"{to} {_MISSING}")
    places = [against] if against is not None else [str(path) for path in promises(to)]
    found = [problem for place in places for problem in breaks(place)]
    found += outdated(to, _of_the_api()) if against is None else []
    for problem in found:
        output().print(Text(problem))
    if found:
        raise typer.Exit(1)
    output().print(f"Only additions to {', '.join(places) or 'nothing: no version was published yet'}.")


def _of_the_api() -> dict[str, Any]:
    """The document of the HTTP API, which stands above the contract of the events."""
    from services.web.app import document  # noqa: PLC0415

    return {"openapi.json": document()}


Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…", help="Each a CloudEvent as JSON (structured), or a list.", show_default=False)
]


@contract.command("validate")
def validate_command(files: Files) -> None:
    """Says whether an event is one of the contract, or the first thing for which its form would be refused. Exit code 1 if it would.

    What only shows beside other data (a document's number that is taken) or in sums (lines beside the amount) the services say.

    Example: intercompany contract validate docs/contract/examples/intercompany.vendor-payment.posted.v1.json
    """
    from services.contract.checking import verdicts  # noqa: PLC0415

    wrong = False
    for file in files:
        for good, words in verdicts(_content(file)):
            output().print(Text(f"{file}: {words}" if len(files) > 1 else words), soft_wrap=True)
            wrong |= not good
    if wrong:
        raise typer.Exit(1)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}")
