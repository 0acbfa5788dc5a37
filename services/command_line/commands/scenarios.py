"""`run` and `demo`: scenario files through broker, services and database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from services.command_line.report import HOLDS, report, report_unusable, verdict
from services.local.in_process import NotQuiescentError
from services.scenarios.expectations import differences
from services.scenarios.live_run import run, scenario_services
from services.scenarios.scenario_file import EXAMPLES, MAIN_EXAMPLE, Scenario, load_scenario
from services.scenarios.yaml_files import FileError
from shared.console import notes, output

Files = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Scenario files (YAML).", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per file on standard output, and nothing else there.")]


def run_command(files: Files, *, as_json: AsJson = False) -> None:
    """Runs scenarios through the real services, broker and database, one event after the other.

    Output and exit codes as `simulate`. Broker and database are those of KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, else
    embedded ones, started once for all files and gone afterwards; topics and schemas are in the namespace "scenario", never
    the product's.

    Example: intercompany run tests/scenarios/waiting/*.yaml --json
    """
    raise typer.Exit(asyncio.run(_run_all(files, as_json=as_json)))


async def _run_all(files: list[Path], *, as_json: bool) -> int:
    codes, scenarios = _loaded(files)
    if scenarios:
        async with scenario_services() as services:
            for scenario in scenarios:
                try:
                    codes.append(report(scenario, await run(scenario, services), as_json=as_json))
                except (FileError, NotQuiescentError) as error:
                    codes.append(report_unusable(error))
    return max(codes, default=HOLDS)


def _loaded(files: list[Path]) -> tuple[list[int], list[Scenario]]:
    """The exit codes of files that are not scenarios, which are reported, and the others; before anything is started."""
    codes: list[int] = []
    scenarios: list[Scenario] = []
    for path in files:
        try:
            scenarios.append(load_scenario(path))
        except FileError as error:
            codes.append(report_unusable(error))
    return codes, scenarios


def demo_command() -> None:
    """Starts everything, sends the documented examples, prints what each company's ledger got, and stops.

    The intercompany example is shown in full, every other documented example in one line. Exit code 0 only if every
    figure is as expected.

    Example: intercompany demo
    """
    scenarios = [load_scenario(path) for path in sorted(EXAMPLES.glob("*.yaml"), key=lambda path: (path.stem != MAIN_EXAMPLE, path.stem))]
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
    notes().print(
        "Nothing of it is left. To look at such a payment: `intercompany up --demo` posts it, stays, and prints the console's address."
    )
    return 1 if wrong else 0
