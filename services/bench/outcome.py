"""What a run of the benchmark is asked for, and what it measures.

Invariant: figures alone, of every stage; who shows them and who measures them both know this and not each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.bench.workload import Hot

if TYPE_CHECKING:
    from services.bench.limit import CopyLoops
    from services.bench.measure import Look
    from services.bench.phases import Latency, Loaded, Speed


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: see the command's options. `payments` None: as many as the seconds may need."""

    seconds: float = 60.0
    payments: int | None = None
    rate: float = 20.0
    hot: Hot = Hot.NONE
    history: tuple[int, ...] = (0,)
    parties: int = 10_000
    embedded: bool = False
    keep: bool = False
    inquiry: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """The payments at full speed on a history of so many voucher lines: their speed, the looks before and after, rows by table.

    `inquiry_behind`: how many seconds after the last voucher the inquiry service had read everything; None: it did not run.
    """

    history: int
    loaded: Loaded
    speed: Speed
    before: Look
    after: Look
    rows: dict[str, int]
    inquiry_behind: float | None = None


@dataclass(slots=True)
class Outcome:
    """All that was measured, and what is wrong."""

    plan: Plan
    backing_services: str = ""
    load_average: float = 0.0
    database: str = ""
    partitions: int = 1
    stages: list[Stage] = field(default_factory=list)
    latency: Latency | None = None
    copy_loops: CopyLoops | None = None
    peak_rss_mib: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
