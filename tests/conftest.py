"""What several tests need: one embedded database for all of them, and how many examples a property is tried with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings

from shared.embedded.database import embedded_database
from tests.builders.site import built

settings.register_profile(
    "tests",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
# For `make mutants`: a mutant need not be understood, only seen, so the first example that fails will do.
settings.register_profile("mutants", settings.get_profile("tests"), max_examples=5, database=None, phases=[Phase.generate])
settings.load_profile("tests")


_SHARING: Final = ("console", "containers", "docs", "observe", "simulator")
"""Folders whose tests share what is dear to start, or the container engine."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of several workers (`make test` has two) one takes a file's tests, or those of a folder that shares something."""
    for item in items:
        first, *rest = item.path.relative_to(Path(__file__).parent).parts
        item.add_marker(pytest.mark.xdist_group(first if first in _SHARING else "-".join([first, *rest])))


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as the tests."""
    with asyncio.Runner() as runner:
        database = embedded_database(tmp_path_factory.mktemp("database"))
        yield runner.run(database.__aenter__())
        runner.run(database.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built documentation."""
    return built(tmp_path_factory.mktemp("site") / "site")
