"""Services as containers on a network from which a part is disconnected under load: nothing is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from testcontainers.core.container import DockerContainer

from services.registry import SERVICES
from services.scenarios.simulation import simulate
from tests.builders.load import intercompany_payments
from tests.containers.images import built_image
from tests.containers.parts import Parts, started_parts
from tests.containers.under_load import assert_as_simulated, flowing, group_sent
from tests.live.delivery.running import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.containers, pytest.mark.long]

_IS_READY: Final = ["python", "-ISc", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/ready', timeout=5)"]
_STOPS_WITHIN: Final = 20


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """One broker and one database."""
    with started_parts() as parts:
        yield parts


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The project's image."""
    with built_image() as tag:
        yield tag


@contextmanager
def services_inside(image: str, parts: Parts, namespace: str) -> Iterator[list[DockerContainer]]:
    """The three services on the parts' network; stopped in good order at the end, which must succeed."""
    variables = {**parts.addresses_inside(), "NAMESPACE": namespace, "TOPIC_PARTITIONS": "4", "HEALTH_PORT": "8080"}
    with ExitStack() as stack:
        containers = [
            stack.enter_context(
                DockerContainer(image).with_command(f"service {service.name}").with_envs(**variables).with_network(parts.network)
            )
            for service in SERVICES
        ]
        yield containers
        for each in containers:
            each.get_wrapped_container().stop(timeout=_STOPS_WITHIN)
        assert [each.get_wrapped_container().wait()["StatusCode"] for each in containers] == [0, 0, 0]


async def _all(containers: list[DockerContainer], *, ready: bool) -> bool:
    answers = await asyncio.gather(*(asyncio.to_thread(each.exec, _IS_READY) for each in containers))
    return all((answer.exit_code == 0) is ready for answer in answers)


@pytest.mark.parametrize("part", ["kafka", "postgres"])
async def test_a_part_is_cut_off_until_every_service_says_so_and_then_all_goes_on(parts: Parts, image: str, part: str) -> None:
    settings, load = parts.settings(), intercompany_payments(150)
    one, two, three = await group_sent(settings, load)
    with services_inside(image, parts, settings.namespace) as services:
        async with flowing(settings, one):
            await until(partial(_all, services, ready=True), 60)
        async with flowing(settings, two):
            await asyncio.to_thread(parts.cut_off, part)
            await until(partial(_all, services, ready=False), 60)
            await asyncio.to_thread(parts.join, part)
        async with flowing(settings, three):
            await until(partial(_all, services, ready=True), 120)
        await assert_as_simulated(settings, load, simulate(load))
