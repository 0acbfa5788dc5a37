"""`simulate`, `run` and `demo`: scenario files through the cores alone, or through broker, services and database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from services.command_line.expect import differences
from services.command_line.report import HOLDS, UNUSABLE, report, report_unusable, verdict
from services.command_line.run import run, scenario_services
from services.command_line.running import NotQuietError
from services.command_line.scenario import Scenario, load_scenario
from services.command_line.screen import fail, notes, output
from services.command_line.simulate import CoreFailedError, simulate
from services.command_line.yaml_files import FileError

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Scenario files (YAML).", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per file on standard output, and nothing else there.")]

Examples = Annotated[Path, typer.Option("--examples", envvar="EXAMPLES_DIR", help="Folder of the documented examples.", show_default=False)]

EXAMPLES: Final = Path(__file__).parents[3] / "tests" / "scenarios"
MAIN_EXAMPLE: Final = "ic-4"
DOCUMENTED: Final = (
    *("cp-ar-1", "cp-ar-2", "cp-ar-3", "cp-ar-4", "cp-ar-5", "cp-ar-6", "cp-ap-4", "der-cp-ar-2p", "der-cp-ar-3i", "der-rev-1"),
    *("as-1", "as-2", "mi-1", "mi-2", "mi-3", "mi-4", "ovp-1", "ovp-4", "cd-fx", "part-ar-3", "pva-1", "pvc-1", "tco-1", "tmd-1"),
    *("ic-1", "ic-2", "ic-3", "wait-1", "bad-1"),
)


def simulate_command(files: Files, *, as_json: AsJson = False) -> None:
    """Runs scenarios through the pure rules in one process: no broker, no database.

    Prints each company's vouchers as tables, checks what the file expects and shows what differs, line by line.
    Exit code 1 if anything differs, 2 if a file is no scenario.

    Example: intercompany simulate tests/scenarios/ic-4.yaml
    """
    raise typer.Exit(max([_simulate(path, as_json=as_json) for path in files]))


def _simulate(path: Path, *, as_json: bool) -> int:
    try:
        scenario = load_scenario(path)
        return report(scenario, simulate(scenario), as_json=as_json)
    except (FileError, CoreFailedError) as error:
        return report_unusable(error)


def run_command(files: Files, *, as_json: AsJson = False) -> None:
    """Runs scenarios through the real services, broker and database, one event after the other.

    Output and exit codes as `simulate`. The parts are those of KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, else embedded
    ones, started once for all files and gone afterwards; topics and schemas are the namespace "scenario", never the product's.

    Example: intercompany run tests/scenarios/*.yaml --json
    """
    raise typer.Exit(asyncio.run(_run_all(files, as_json=as_json)))


async def _run_all(files: list[Path], *, as_json: bool) -> int:
    codes, scenarios = _loaded(files)
    if scenarios:
        async with scenario_services() as services:
            for scenario in scenarios:
                try:
                    codes.append(report(scenario, await run(scenario, services), as_json=as_json))
                except (FileError, NotQuietError) as error:
                    codes.append(report_unusable(error))
    return max(codes, default=HOLDS)


def _loaded(files: list[Path]) -> tuple[list[int], list[Scenario]]:
    """The exit codes of files that are no scenarios, which are reported, and the others; before any part is started."""
    codes: list[int] = []
    scenarios: list[Scenario] = []
    for path in files:
        try:
            scenarios.append(load_scenario(path))
        except FileError as error:
            codes.append(report_unusable(error))
    return codes, scenarios


def demo_command(examples: Examples = EXAMPLES) -> None:
    """Starts broker, database and services, sends the examples through them, prints what each company's ledger got, stops.

    The intercompany example is shown in full, of every other documented example one line. Exit code 0 only if every
    figure is as expected.

    Example: intercompany demo
    """
    if not examples.is_dir():
        fail(f"the examples are not here: {examples} is tests/scenarios of the project's checkout; EXAMPLES_DIR says where", UNUSABLE)
    scenarios = [load_scenario(examples / f"{name}.yaml") for name in (MAIN_EXAMPLE, *DOCUMENTED)]
    raise typer.Exit(asyncio.run(_demo(scenarios)))


async def _demo(scenarios: list[Scenario]) -> int:
    notes().print("Starting broker, database and the three services …")
    wrong = 0
    async with scenario_services() as services:
        for scenario in scenarios:
            result = await run(scenario, services)
            if scenario.id == MAIN_EXAMPLE:
                wrong += report(scenario, result, as_json=False) != HOLDS
            else:
                found = differences(scenario, result)
                wrong += bool(found)
                output().print(Text.assemble(verdict(scenario, found), (f"  {scenario.title}", "dim")))
    output().print(f"{len(scenarios) - wrong} of {len(scenarios)} examples came out as expected, through broker, services and database.")
    return 1 if wrong else 0
