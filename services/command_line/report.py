"""The report on scenarios that were run, by whichever way: vouchers as tables, then what differs; or one JSON line each.

Invariant: a file that cannot be used is reported and the others are still run; `--json` writes one object per file that
could be run and nothing else on standard output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from services.command_line import tables
from services.desk.intercompany import matrix_of
from services.scenarios.expectations import Mismatch, differences
from services.scenarios.quotes import quotes_advice
from shared.console import notes, output, print_error, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from services.desk.rows import Result
    from services.scenarios.scenario_file import Scenario

HOLDS = 0
DIFFERS = 1
UNUSABLE = 2


def report(scenario: Scenario, result: Result, *, as_json: bool) -> int:
    """Reports one scenario; DIFFERS if anything differs from its `expect`."""
    found = differences(scenario, result)
    for advice in _advice(scenario, result):
        notes().print(Text(advice, style="yellow"), soft_wrap=True)
    if as_json:
        print_json(result.as_json(difference.as_json() for difference in found))
    else:
        _print(scenario, result, found)
    return DIFFERS if found else HOLDS


def report_unusable(error: Exception) -> int:
    """Reports a file that could not be run."""
    print_error(str(error))
    return UNUSABLE


def _advice(scenario: Scenario, result: Result) -> Iterator[str]:
    """On values that were refused and stand in the file without quotes."""
    events = {event.id: event for event in scenario.events}
    for row in result.rejected:
        event = events.get(row["event"])
        if event is not None and (advice := quotes_advice(scenario.path, event.place, event.type, event.data, row["field"])):
            yield f"{scenario.path}: {event.place}{row['field'].replace('/', '.')}: {advice.removeprefix('; ')}"


def _print(scenario: Scenario, result: Result, found: list[Mismatch]) -> None:
    screen = output()
    screen.rule(Text(f"{scenario.id}: {scenario.title}", style="bold"))
    screen.print(tables.spaced(all_tables(result)))
    screen.print(verdict(scenario, found))


def all_tables(result: Result) -> Iterator[Table]:
    """The result as tables: vouchers by company with their rules, what is open and settled, the rest, at last the intercompany matrix."""
    for company, rows in tables.by_company(result.vouchers).items():
        yield tables.vouchers(company, result.companies.get(company, company), rows)
        if any("why" in line for row in rows for line in row["lines"]):
            yield tables.reasons(company, rows)
    yield tables.rules(result.vouchers)
    yield tables.open_documents(result.open)
    yield tables.settlements(result.settlements)
    yield tables.journals(result.journals)
    yield tables.rejected(result.rejected)
    yield tables.waiting(result.waiting)
    yield tables.intercompany_matrix(matrix_of(result.vouchers))


def verdict(scenario: Scenario, found: list[Mismatch]) -> Text:
    """One line if all is as expected, else one more for each difference."""
    if found:
        lines = [f"{scenario.id}: differs from what is expected", *(f"  {difference}" for difference in found)]
        return Text("\n".join(lines), style="red")
    if scenario.expect is None:
        return Text(f"{scenario.id}: the file expects nothing", style="yellow")
    return Text(f"{scenario.id}: every figure is as expected", style="green")
