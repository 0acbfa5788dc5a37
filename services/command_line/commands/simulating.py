"""`simulate`: scenario files through the pure rules alone; it imports neither broker nor database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.command_line.report import report, report_unusable
from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import CoreFailedError, simulate, simulate_with_why
from services.scenarios.yaml_files import FileError

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Scenario files (YAML).", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per file on standard output, and nothing else there.")]

WithWhy = Annotated[bool, typer.Option("--why", help="Says of each line why it is there and has its amount.")]


def simulate_command(files: Files, *, as_json: AsJson = False, with_why: WithWhy = False) -> None:
    """Runs scenarios through the pure rules in one process: no broker, no database.

    Prints each company's vouchers as tables, checks what the file expects and shows what differs, line by line.
    Exit code 1 if anything differs, 2 if a file is not a scenario.

    Example: intercompany simulate services/scenarios/examples/ic-4.yaml
    """
    raise typer.Exit(max([_simulate(path, as_json=as_json, with_why=with_why) for path in files]))


def _simulate(path: Path, *, as_json: bool, with_why: bool) -> int:
    try:
        scenario = load_scenario(path)
        return report(scenario, simulate_with_why(scenario) if with_why else simulate(scenario), as_json=as_json)
    except (FileError, CoreFailedError) as error:
        return report_unusable(error)
