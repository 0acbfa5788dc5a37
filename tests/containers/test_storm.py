"""Three minutes of storm over the real parts: every kind of fault, and afterwards every event has its effect exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.containers.storm.faults import KINDS
from tests.containers.storm.storm import Asked, Storm, told

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.containers

SEED = 19


async def test_after_a_storm_every_event_has_its_effect_once(tmp_path: Path) -> None:
    report = await Storm(Asked(180, SEED, 15), print, tmp_path).run()
    print(*told(report), sep="\n")  # noqa: T201 - shown where it fails
    assert report.problems == []
    assert report.faults.keys() == {kind.kind for kind in KINDS}
    assert report.counts["events acknowledged"] == report.counts["events sent"] > 5_000
    assert min(report.counts["vouchers in the books"], report.counts["refusals"], report.counts["events that wait"]) > 0
