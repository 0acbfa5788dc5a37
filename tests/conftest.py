"""What several tests need: one embedded database for all of them, and how many examples a property is tried with."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from xdist.scheduler import LoadScopeScheduling

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

os.environ.pop("COLUMNS", None)
"""How wide a terminal is that no test has: with several workers the plugin says 80, and tables are cut there."""


_SHARING: Final = frozenset({"console", "containers", "docs", "observe", "simulator"})
"""Folders whose tests share what is dear to start, or the container engine."""


class _ByFolder(LoadScopeScheduling):  # type: ignore[misc]
    """Of several workers (`make test` has two) one takes the tests of a file, or of a folder whose tests share something."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.removeprefix("tests/").partition("/")[0]
        return folder if folder in _SHARING else file


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long`: with the tests that `make test` leaves out."""
    parser.addoption("--long", action="store_true", help="with the tests that take long (the marker `long`)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what takes long, unless asked for."""
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long") is not None]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item.get_closest_marker("long") is None]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Which worker takes which tests."""
    return _ByFolder(config, log)


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
