"""What was measured, as tables for people and as one object for programs."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

import psutil
from rich.table import Table

from services.bench.measure import MIB
from shared.console import output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.bench.limit import CopyLoop
    from services.bench.outcome import Outcome, Stage


def machine() -> dict[str, Any]:
    """The machine, as far as it decides the figures."""
    return {
        "system": platform.platform(),
        "processors": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / MIB / 1024, 1),
        "python": platform.python_version(),
    }


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything; the figures at the top are those of the last stage (the longest history)."""
    stage, loops, plan = outcome.stages[-1], outcome.copy_loops, outcome.plan
    latency = {"rate": plan.rate, **outcome.latency.percentiles()} if outcome.latency else {}
    return {
        "machine": {**machine(), "load_average_before": round(outcome.load_average, 1)},
        "backing_services": outcome.backing_services,
        "postgresql": outcome.database,
        "partitions": outcome.partitions,
        "parties": plan.parties,
        "hot": plan.hot,
        **_stage(stage),
        "latency": latency,
        **{name: latency.get(name) for name in ("p50_ms", "p99_ms")},
        "peak_rss_mib": outcome.peak_rss_mib,
        "copy_loop": _loop(loops.rows) if loops else {},
        "ratio_to_copy_loop": _ratio(stage, loops.rows) if loops else None,
        "yardstick": _loop(loops.yardstick) if loops else {},
        "ratio_to_yardstick": _ratio(stage, loops.yardstick) if loops else None,
        "stages": [{**_stage(each), "timeline": each.speed.timeline} for each in outcome.stages],
        "correct": not outcome.problems,
        "problems": outcome.problems,
    }


def _loop(loop: CopyLoop) -> dict[str, float]:
    rows = round(loop.rows / loop.payments, 1)
    return {"payments": loop.payments, "seconds": loop.seconds, "payments_per_second": loop.per_second, "rows_per_payment": rows}


def _ratio(stage: Stage, loop: CopyLoop) -> float:
    return round(stage.speed.per_second / loop.per_second, 3)


def _stage(stage: Stage) -> dict[str, Any]:
    speed, before, after = stage.speed, stage.before, stage.after
    seconds = after.at - before.at
    counted = {key: value - before.counters.get(key, 0.0) for key, value in after.counters.items()}
    services = {service: _service(service, counted, speed.sent, seconds) for service in dict.fromkeys(name for name, _ in counted)}
    return {
        "history_lines": stage.history,
        "payments": speed.sent,
        "seconds": round(speed.seconds, 2),
        "payments_per_second": round(speed.per_second, 1),
        "drain_seconds": round(speed.drain_seconds, 2),
        **({} if stage.inquiry_behind is None else {"inquiry_behind_seconds": round(stage.inquiry_behind, 2)}),
        "load_documents_per_second": round(stage.loaded.documents / stage.loaded.seconds, 1),
        "services": services,
        "queries_per_payment": round(sum(each["queries_per_payment"] for each in services.values()), 3),
        "wal_bytes_per_payment": round((after.wal - before.wal) / speed.sent),
        "cpu_us_per_payment": {part: round((after.cpu[part] - before.cpu[part]) / speed.sent * 1e6) for part in after.cpu},
        "cpu_cores": {part: round((after.cpu[part] - before.cpu[part]) / seconds, 2) for part in after.cpu},
        "rows_per_payment": {table: round(rows / speed.sent, 3) for table, rows in stage.rows.items()},
    }


def _service(service: str, counted: dict[tuple[str, str], float], payments: int, seconds: float) -> dict[str, float]:
    """Records are what was read; messages what was taken of them."""

    def of(name: str) -> float:
        return counted.get((service, name), 0.0)

    batches = max(of("batch_records_count"), 1.0)
    return {
        "messages_per_second": round(of("messages_total_taken") / seconds, 1),
        "messages_per_payment": round(of("messages_total_taken") / payments, 3),
        "records_per_batch": round(of("batch_records_sum") / batches, 1),
        "ms_per_batch": round(of("batch_seconds_sum") / batches * 1000, 1),
        "folds_per_batch": round(of("fold_passes_total") / batches, 2),
        "queries_per_batch": round(of("queries_total") / batches, 2),
        "queries_per_payment": round(of("queries_total") / payments, 3),
    }


def print_tables(figures: dict[str, Any]) -> None:
    """The figures for people."""
    console = output()
    console.print(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in {**figures["machine"], **_about(figures)}.items()))
    for table in (_stages(figures), _services(figures), _parts(figures)):
        console.print()
        console.print(table)
    console.print()
    for line in _closing(figures):
        console.print(line, markup=False)


def _about(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in ("postgresql", "backing_services", "partitions", "parties", "hot")}


def _stages(figures: dict[str, Any]) -> Table:
    names = (
        "history_lines",
        "payments",
        "seconds",
        "payments_per_second",
        "drain_seconds",
        "load_documents_per_second",
        "wal_bytes_per_payment",
    )
    table = Table(*(name.replace("_", " ") for name in names), title="Payments at full speed", show_edge=False)
    for stage in figures["stages"]:
        table.add_row(*(f"{stage[name]:,}" for name in names))
    return table


def _services(figures: dict[str, Any]) -> Table:
    columns = list(next(iter(figures["services"].values())))
    table = Table("", *(name.replace("_", " ") for name in columns), title="Services", show_edge=False)
    for service, values in figures["services"].items():
        table.add_row(service, *(f"{value:,}" for value in values.values()))
    return table


def _parts(figures: dict[str, Any]) -> Table:
    table = Table("", "CPU µs per payment", "cores", "peak MiB", title="Processes", show_edge=False)
    for part, spent in figures["cpu_us_per_payment"].items():
        table.add_row(part, f"{spent:,}", f"{figures['cpu_cores'][part]}", f"{figures['peak_rss_mib'].get(part, '')}")
    return table


def _closing(figures: dict[str, Any]) -> Iterator[str]:
    rows = figures["rows_per_payment"]
    yield f"rows per payment: {sum(rows.values()):.1f}: " + ", ".join(f"{table} {number:g}" for table, number in rows.items())
    yield f"queries per payment: {figures['queries_per_payment']}, COPY aside"
    if figures["latency"]:
        values = ", ".join(f"{name.removesuffix('_ms')} {value} ms" for name, value in figures["latency"].items() if name != "rate")
        yield f"sent to last voucher visible, at {figures['latency']['rate']:g} payments per second: {values}"
    for name, what in {"copy_loop": "COPY loop of the same rows", "yardstick": "COPY loop with a row for each voucher line"}.items():
        loop = figures[name]
        yield f"{what} ({loop['rows_per_payment']} a payment): {loop['payments_per_second']:,.0f} payments per second"
    ratios = f"{figures['ratio_to_copy_loop']} of the COPY loop, {figures['ratio_to_yardstick']} of that with lines"
    yield f"{figures['payments_per_second']:,} payments per second: {ratios}"
    yield "the books are right" if figures["correct"] else "THE BOOKS ARE WRONG:\n" + "\n".join(figures["problems"])
