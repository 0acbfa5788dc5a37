"""The picture of a run: throughput over time, and over the size of the history."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pathlib import Path

mpl.use("agg")


def plot(figures: dict[str, Any], path: Path) -> None:
    """Writes the PNG."""
    figure = Figure(figsize=(12, 5), layout="constrained")
    over_time, over_history = figure.subplots(1, 2)
    for stage in figures["stages"]:
        times, rates = _per_second(stage["timeline"])
        over_time.plot(times, rates, label=f"{stage['history_lines']:,} lines of history")
    over_time.set(xlabel="seconds", ylabel="payments per second", title="Throughput over time", ylim=(0, None))
    over_time.legend()
    lines = [stage["history_lines"] for stage in figures["stages"]]
    over_history.plot(lines, [stage["payments_per_second"] for stage in figures["stages"]], marker="o")
    over_history.set(xlabel="voucher lines before", title="Throughput over history", ylim=(0, None))
    figure.savefig(path)


def _per_second(timeline: list[tuple[float, int]]) -> tuple[list[float], list[float]]:
    """Payments that were through in each whole second."""
    ends = {int(at): (at, through) for at, through in timeline}
    points = [(0.0, 0), *ends.values()]
    pairs = [(before, after) for before, after in pairwise(points) if after[0] > before[0]]
    return [after[0] for _, after in pairs], [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairs]
