"""`bench`: how fast the services are on this machine, beside what the machine can do at best."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from services.bench.outcome import Plan
from services.bench.workload import Hot
from shared.console import fail, print_json

_HISTORY = "Voucher lines already in the ledgers; given more than once, each is measured in turn."


def bench_command(  # noqa: PLR0913 - its options
    *,
    seconds: Annotated[float, typer.Option(help="How long payments are sent at full speed, at most.", min=1)] = 60.0,
    payments: Annotated[int | None, typer.Option(help="How many, if fewer; also of those at a rate.", min=9)] = None,
    rate: Annotated[float, typer.Option(help="Payments per second for the latency, after those at full speed; 0: none.", min=0)] = 20.0,
    hot: Annotated[Hot, typer.Option(help="What all payments have in common.")] = Hot.NONE,
    history: Annotated[list[int], typer.Option(help=_HISTORY, min=0)] = [0],  # noqa: B006 - typer's way, never changed
    parties: Annotated[int, typer.Option(help="Half of them buy, half of them sell.", min=2)] = 10_000,
    embedded: Annotated[bool, typer.Option("--embedded", help="On the embedded broker and database, whatever else there is.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leaves schemas and topics on a given broker and database.")] = False,
    inquiry: Annotated[bool, typer.Option("--inquiry", help="With the inquiry service reading along.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, and nothing else there.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draws throughput over time and over history into this PNG.")] = None,
) -> None:
    """Sends intercompany vendor payments through the services and reports throughput, latency and what a payment costs.

    Beside it, in the same run, the machine's own limit: the same rows written by one COPY loop. Broker and database are those of
    KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL, else Apache Kafka and PostgreSQL in containers where docker answers, else
    embedded ones. Exit code 1 if the books are wrong afterwards. See docs/speed.md.

    Example: intercompany bench --seconds 60 --plot speed.png
    """
    for module, extra in (("psutil", "embedded"), *([("matplotlib", "plot")] if plot else [])):
        if find_spec(module) is None:
            fail(f"{module} is not installed: pip install 'intercompany[{extra}]'")
    from services.bench import progress, report, run  # noqa: PLC0415 - psutil may not be installed

    plan = Plan(seconds, payments, rate, hot, tuple(sorted(history)), parties, embedded, keep, inquiry)
    outcome = asyncio.run(run.bench(plan, progress.Show()))
    figures = report.as_json(outcome)
    if plot is not None:
        from services.bench.plot import plot as draw  # noqa: PLC0415

        draw(figures, plot)
    if as_json:
        print_json(figures)
    else:
        report.print_tables(figures)
    raise typer.Exit(1 if outcome.problems else 0)
