"""The services take mutated events: each is accepted, waits, or is refused with its field; none crashes, hangs or grows memory.

`make mutated EVENTS=100000 SEED=1` prints how many came out how, the longest batch, and the most memory.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import SecretStr

from shared.delivery.folding import concerns, identity_of
from shared.delivery.refusals import place_of
from shared.embedded.database import embedded_database
from shared.events.codec import decode
from shared.events.envelope import EventRef, Message, Record, Unreadable
from shared.settings import Settings
from tests.mutated.mutations import again, mutated, reference_data
from tests.speed.assembly import Line, running_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.delivery.service import AnyService
    from shared.postgresql.database import Postgres

Read = Message | Unreadable
AT_ONCE: Final = 500
_WITHIN: Final = 120.0
"""Seconds in which a batch has to be taken by all services, on however busy a machine."""
_MIB: Final = 1024
_REFUSED: Final = """select source, event from rejections
join unnest($1::text[], $2::text[]) as named (source, event) using (source, event)"""
_BY_CODE: Final = "select code, field = '' as no_field, count(*) as number from rejections group by 1, 2"
_KEEPS_WAITING: Final = ("payment", "settlement")


@dataclass
class Outcomes:
    """What came of so many events. `unanswered`: those of which nobody said anything; `failed`: on which a service failed."""

    events: int = 0
    accepted: int = 0
    refused: int = 0
    waiting: int = 0
    unanswered: list[str] = field(default_factory=list)
    failed: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    without_field: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    peaks: list[int] = field(default_factory=list)
    """The most memory of the process after each tenth, in KiB: of one large record, as of what is kept."""
    blocks: list[int] = field(default_factory=list)
    """Python's objects after each tenth, as blocks of memory: what is kept, and nothing else."""
    in_force: int = 0
    """Rows of reference data, of all services: they are kept in memory."""

    def lines(self) -> Iterator[str]:
        """As it is printed."""
        yield f"{self.events:,} events: {self.accepted:,} accepted ({self.waiting:,} waits at the end), {self.refused:,} refused"
        for code, number in self.codes.most_common():
            yield f"  refused as {code}: {number:,}, of them {self.without_field[code]:,} as a whole, the others with the field"
        yield f"unanswered: {len(self.unanswered)}; put aside as defects: {self.failed}"
        yield f"longest batch of {AT_ONCE}: {self.longest:.1f} s; most memory after each tenth, MiB: {[kib // _MIB for kib in self.peaks]}"
        yield f"blocks of memory held after each tenth: {self.blocks}; reference data in force: {self.in_force} rows"


class Judge:
    """Looks at each batch's events afterwards."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.outcomes = Outcomes()

    async def send(self, records: list[Record]) -> None:
        """Has the services take these, then looks for an answer to each of them."""
        begun = time.monotonic()
        await asyncio.wait_for(self.line.send(records), _WITHIN)
        outcomes = self.outcomes
        outcomes.longest = max(outcomes.longest, time.monotonic() - begun)
        outcomes.events += len(records)
        events = [decode(record) for record in records]
        unsaid = {number: event.ref or place_of(records[number]) for number, event in enumerate(events)}
        for service, database in self.line.parts():
            await self._answered(service, database, events, unsaid)
        outcomes.unanswered += [f"{records[number].topic} {records[number].offset} {name}" for number, name in unsaid.items()]

    async def _answered(self, service: AnyService, database: Postgres, events: Sequence[Read], unsaid: dict[int, EventRef]) -> None:
        """Leaves in `unsaid`, how a refusal would name it, what this service has neither taken nor refused."""
        ids = {number: key for number in unsaid if (key := _inbox_key(service, events[number])) is not None}
        async with database.session() as connection:
            names = list(unsaid.values())
            rows = await connection.fetch(_REFUSED, [name.source for name in names], [name.id for name in names])
            found = {EventRef(row["source"], row["event"]) for row in rows}
            keys = await connection.fetch("select key from inbox where key = any($1::uuid[])", [key for key in ids.values() if key])
            taken = {str(row["key"]) for row in keys}
        for number in list(unsaid):
            if number in ids and (ids[number] in taken or ids[number] == ""):
                self.outcomes.accepted += 1
                del unsaid[number]
            elif unsaid[number] in found:
                self.outcomes.refused += 1
                del unsaid[number]

    async def finish(self) -> Outcomes:
        """Counts what waits, what was refused by code, and what was put aside."""
        outcomes = self.outcomes
        for service, database in self.line.parts():
            async with database.session() as connection:
                if service.name in _KEEPS_WAITING:
                    outcomes.waiting += await connection.fetchval("select count(*) from waiting")
                outcomes.failed += await connection.fetchval("select count(*) from failed")
                outcomes.in_force += await connection.fetchval("select count(*) from reference")
                for row in await connection.fetch(_BY_CODE):
                    outcomes.codes[row["code"]] += row["number"]
                    if row["no_field"]:
                        outcomes.without_field[row["code"]] += row["number"]
        return outcomes


def _inbox_key(service: AnyService, event: Read) -> str | None:
    """Under which id the service has taken it; "": it keeps none of such events; None: it is none of its events."""
    if not isinstance(event, Message) or not concerns(service, event):
        return None
    identity = identity_of(service, event)
    return "" if identity is None else str(identity[0])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def blocks_held() -> int:
    """How many of Python's objects there are, as blocks of memory: the same on every machine, as MiB are not."""
    gc.collect()
    return sys.getallocatedblocks()


async def taken(line: Line, seed: int, number: int) -> Outcomes:
    """Sends so many mutated events of a seed, in batches, some of them twice."""
    judge, random = Judge(line), Random(f"{seed}/again")  # noqa: S311 - no secret
    await line.send(reference_data())
    for first in range(0, number, AT_ONCE):
        records = list(mutated(seed + first, min(AT_ONCE, number - first), first))
        await judge.send(records)
        await line.send(again(records, random))
        if len(judge.outcomes.peaks) * number < 10 * (first + AT_ONCE):
            judge.outcomes.peaks.append(_peak())
            del records
            judge.outcomes.blocks.append(blocks_held())
    return await judge.finish()


async def _main(events: int, seed: int) -> Outcomes:
    with tempfile.TemporaryDirectory(prefix="mutated-") as folder:
        async with (
            embedded_database(Path(folder)) as address,
            running_line(Settings(database_url=SecretStr(address), namespace="mutated")) as line,
        ):
            return await taken(line, seed, events)


def main() -> int:
    """Prints the counts; 1 if an event was not answered, or put aside."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=None)
    chosen = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seed = chosen.seed if chosen.seed is not None else Random().randrange(10**9)  # noqa: S311 - no secret
    print(f"seed {seed}", flush=True)  # noqa: T201
    outcomes = asyncio.run(_main(chosen.events, seed))
    for line in (*outcomes.lines(), *outcomes.unanswered[:20]):
        print(line)  # noqa: T201
    return int(bool(outcomes.unanswered or outcomes.failed))


if __name__ == "__main__":
    sys.exit(main())
