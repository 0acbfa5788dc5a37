"""How much more several instances of each service do than one, each with a quota of the processors (docs/speed.md, Instances).

Invariant: Apache Kafka and PostgreSQL are those of docker-compose.yml, without a quota; every instance is a container of the product's
image with the same one. What is counted is what was posted, in the database, between a tenth and nine tenths of the payments: beginnings
and ends, where instances have nothing to do, belong to no rate.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections import Counter
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import asyncpg
import typer
from rich import print as show
from rich.table import Table

from services.bench import phases
from services.bench.correct import problems
from services.bench.measure import counters_of
from services.bench.run import vouchers_of
from services.bench.stack import Stack, containers, environment, free_port, settings_of_bench
from services.bench.workload import SHAPES, Hot, Workload
from services.local.in_process import running_services
from services.registry import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARTITIONS: Final = 12
"""Of each topic: as many for one of four instances as for one of two or of one, in whole numbers."""
_PARTIES: Final = 4_000
_JOINED_AFTER: Final = 15.0
_MORE: Final = tuple(os.environ.get("SCALING_MORE", "").split())
"""More words for `docker run`, to try code of one's own in an image that is there."""


class Instance(NamedTuple):
    """A container of a service, and where it answers."""

    name: str
    address: str


class Measured(NamedTuple):
    """Payments posted in a second; what the instances of all services counted meanwhile; what is wrong with the vouchers."""

    rate: float
    counted: Counter[str]
    wrong: list[str]


def scaling(
    image: Annotated[str, typer.Option(help="The product's image.")] = "intercompany:local",
    quota: Annotated[float, typer.Option(help="Of one processor, for each instance.")] = 0.1,
    payments: Annotated[int, typer.Option(help="For one instance; for several as many times more.")] = 4_000,
    instances: Annotated[str, typer.Option(help="How many, one after the other.")] = "1,2,4",
) -> None:
    """Payments per second of one, two and four instances of each service."""
    table = Table("instances of each service", "payments/s", "times one", "folded ahead", "of them again", "wrong", title=f"quota {quota}")
    first = 0.0
    for number in map(int, instances.split(",")):
        measured = asyncio.run(_measured(image, quota, payments * number, number))
        first = first or measured.rate
        held, again = (measured.counted[f"folded_ahead_total_{outcome}"] for outcome in ("held", "again"))
        times = f"{measured.rate / first:.2f}"
        table.add_row(str(number), f"{measured.rate:.1f}", times, f"{held + again:.0f}", f"{again:.0f}", str(len(measured.wrong)))
        show(table)


async def _measured(image: str, quota: float, number: int, instances: int) -> Measured:
    async with AsyncExitStack() as stack:
        started, _ = await stack.enter_async_context(containers())
        settings = settings_of_bench(started, PARTITIONS)
        connection = await asyncpg.connect(settings.database)
        stack.push_async_callback(connection.close)
        services = await stack.enter_async_context(running_services(settings, here=False))
        running = stack.enter_context(_instances(image, instances, environment(started, settings)))
        await asyncio.sleep(_JOINED_AFTER)
        return await _rate(Stack("containers", settings, services, {}, {}, connection), number, running, quota)


@contextmanager
def _instances(image: str, number: int, variables: Mapping[str, str]) -> Iterator[list[Instance]]:
    """So many instances of each service."""
    running: list[Instance] = []
    try:
        for service in (service.name for service in SERVICES for _ in range(number)):
            port = free_port()
            running.append(Instance(f"{variables['NAMESPACE']}-{len(running)}", f"http://127.0.0.1:{port}"))
            given = [word for name, value in {**variables, "HEALTH_PORT": str(port)}.items() for word in ("--env", f"{name}={value}")]
            _docker("run", "--detach", "--name", running[-1].name, "--network", "host", *given, *_MORE, image, "service", service)
        yield running
    finally:
        _docker("rm", "--force", *(each.name for each in running))


def _docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, capture_output=True)  # noqa: S603, S607 - our own words


async def _rate(on: Stack, number: int, running: list[Instance], quota: float) -> Measured:
    workload = Workload(_PARTIES, Hot.NONE, PARTITIONS)
    await on.services.send(workload.reference())
    await on.services.until_quiescent()
    paid = list(workload.payments(0, number))
    invoices = [record for each in paid for record in each.invoices]
    await phases.load(on, invoices, len(invoices), lambda _: None)
    _docker("update", "--cpus", str(quota), *(each.name for each in running))
    vouchers = [vouchers_of(workload, shape) for shape in range(SHAPES)]
    before = await _counted(running)
    speed = await phases.full_speed(on, paid, lambda each: vouchers[each % SHAPES], 3_600, lambda _: None)
    counted = await _counted(running)
    counted.subtract(before)
    await on.services.until_quiescent()
    return Measured(_between(speed.timeline, number), counted, await problems(on.settings, workload, paid))


async def _counted(running: list[Instance]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for each in running:
        counted.update(await asyncio.to_thread(counters_of, each.address))
    return counted


def _between(timeline: list[tuple[float, int]], number: int) -> float:
    within = [(seconds, through) for seconds, through in timeline if number / 10 <= through <= number * 9 / 10]
    (begun, first), (ended, last) = within[0], within[-1]
    return (last - first) / (ended - begun)


if __name__ == "__main__":
    typer.run(scaling)
