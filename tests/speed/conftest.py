"""A line of services with the benchmark's reference data, in a namespace of its own, and a look at its database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import pytest
from pydantic import SecretStr

from services.bench.history import SEED_NUMBERING
from services.bench.workload import Workload
from shared.settings import Settings
from tests.speed.assembly import Line, running_line

WARM = 9
"""Payments that are posted before a test."""

_NUMBERS = count(1)


@pytest.fixture
def workload() -> Workload:
    """Payments of a few parties."""
    return Workload(parties=60)


@pytest.fixture
async def line(database_url: str, workload: Workload) -> AsyncIterator[Line]:
    """The services, with the reference data and what they keep from batch to batch in memory."""
    settings = Settings(database_url=SecretStr(database_url), namespace=f"speed{next(_NUMBERS)}")
    async with running_line(settings) as line:
        await line.send(workload.reference())
        first = list(workload.payments(0, WARM, SEED_NUMBERING))
        await line.invoices(first)
        await line.pay(first)
        yield line


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection beside those of the services."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
