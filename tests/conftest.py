"""What several tests need: one embedded database for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from shared.parts.database import embedded_database


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the tests."""
    with asyncio.Runner() as runner:
        database = embedded_database(tmp_path_factory.mktemp("database"))
        yield runner.run(database.__aenter__())
        runner.run(database.__aexit__(None, None, None))
