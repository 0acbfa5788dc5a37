"""One schema for all questions of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.inquiry.asking import Asked, asked


@pytest.fixture(scope="module")
def books(database_url: str) -> Iterator[Asked]:
    """Tables that each test fills for itself."""
    with asked(database_url, "inquiry_questions_test") as opened:
        yield opened
