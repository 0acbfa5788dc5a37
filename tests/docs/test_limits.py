"""The page of limits says what the program obeys."""

from __future__ import annotations

from services.operations.limits import LIMITS, page
from tests.scenario_files import ROOT


def test_the_page_of_limits_is_the_limits() -> None:
    written = (ROOT / "docs/architecture/limits.md").read_text(encoding="utf-8")
    assert written == page(), "python -m services.operations.limits > docs/architecture/limits.md"


def test_every_limit_says_what_happens_beyond_it() -> None:
    assert all(limit.most and limit.beyond for limits in LIMITS.values() for limit in limits)
