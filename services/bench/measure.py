"""What a phase costs: CPU, memory, messages, queries, WAL and rows, as the difference of two looks.

Invariant: looking costs the services nothing but one request for their metrics; what cannot be seen from here (the
processes of a given broker or database) is left out, never guessed.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

from services.registry import SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.bench.stack import Stack
    from shared.delivery.ports import Connection
    from shared.settings import Settings

MIB: Final = 1 << 20
_PEAK: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_PLACE: Final = """
select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal, mod(pg_current_xact_id()::text::numeric, 4294967296)::bigint as transaction
"""
_TABLES: Final = "select tablename from pg_tables where schemaname = $1 order by tablename"


@dataclass(frozen=True, slots=True)
class Look:
    """What the counters say now: `counters` by service and name, `wal` in bytes, `transaction` the number of one just begun."""

    at: float
    cpu: Mapping[str, float]
    counters: Mapping[tuple[str, str], float]
    wal: int
    transaction: int


async def look(stack: Stack) -> Look:
    """A look at everything."""
    counters: dict[tuple[str, str], float] = {}
    for service, address in stack.addresses.items():
        for name, value in (await asyncio.to_thread(counters_of, address)).items():
            counters[service, name] = value
    row = await stack.connection.fetchrow(_PLACE)
    assert row is not None  # noqa: S101 - a select without from
    return Look(time.monotonic(), _cpu(stack.processes), counters, int(row["wal"]), row["transaction"])


def counters_of(address: str) -> dict[str, float]:
    """A service's own counters as it says them there; one with an outcome is named with it."""
    with urlopen(f"{address}/metrics", timeout=10) as answer:  # noqa: S310 - a service of ours on this machine
        families = list(text_string_to_metric_families(answer.read().decode()))
    found: dict[str, float] = {}
    for sample in (sample for family in families if family.name.startswith("intercompany_") for sample in family.samples):
        name = sample.name.removeprefix("intercompany_") + (f"_{sample.labels['outcome']}" if "outcome" in sample.labels else "")
        found[name] = found.get(name, 0.0) + sample.value
    return found


# Processes


def _cpu(processes: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far of each part with all its processes, of this command, and of the whole machine."""
    seconds = {part: sum(map(_seconds, _family(pid))) for part, pid in processes.items()}
    times = psutil.cpu_times()
    busy = sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)
    return {**seconds, "bench": sum(psutil.Process().cpu_times()[:2]), "machine": busy}


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    return []


def _seconds(process: psutil.Process) -> float:
    """Its own, and those of its children that have ended (a database's processes come and go)."""
    with suppress(psutil.NoSuchProcess):
        return sum(process.cpu_times()[:4])
    return 0.0


def peak_rss_mib(processes: Mapping[str, int]) -> dict[str, float]:
    """The most memory that the largest process of each part has ever had resident; nothing where the kernel does not say."""
    peaks = {part: [peak for each in _family(pid) if (peak := _peak(each.pid))] for part, pid in processes.items()}
    return {part: round(max(each) / 1024, 1) for part, each in peaks.items() if each}


def _peak(pid: int) -> int:
    with suppress(OSError):
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace"))
        return int(found[1]) if found else 0
    return 0


# Rows


async def tables_of(connection: Connection, schema: str) -> list[str]:
    """The names of a schema's tables."""
    return [row["tablename"] for row in await connection.fetch(_TABLES, schema)]


async def rows_written(connection: Connection, settings: Settings, since: int, until: int) -> dict[str, int]:
    """How many rows of each table (`service.table`) were last written by a transaction from `since` to before `until`."""
    found: dict[str, int] = {}
    for service in SERVICES:
        schema = settings.schema_name(service.name)
        for table in await tables_of(connection, schema):
            query = f'select count(*) from "{schema}"."{table}" where {written("xmin")}'  # noqa: S608 - names of our own
            found[f"{service.name}.{table}"] = await connection.fetchval(query, since, until)
    return {table: rows for table, rows in found.items() if rows}


def written(column: str) -> str:
    """The SQL condition that a row's transaction is from $1 to before $2."""
    return f"{column}::text::bigint >= $1 and {column}::text::bigint < $2"
