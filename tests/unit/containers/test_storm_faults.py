"""Faults as a storm carries them out: each begins and ends, two of one part never overlap, and one that fails ends the storm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Self

import pytest

from tests.containers.storm import plan
from tests.containers.storm.faults import Fault
from tests.containers.storm.plan import Planned
from tests.containers.storm.stage import Stage
from tests.containers.storm.storm import Asked, Storm, told

HAPPENED: list[str] = []


@dataclass(frozen=True, slots=True)
class Noted(Fault):
    """Notes that it begins and ends."""

    kind = "noted"

    @classmethod
    def drawn(cls, _: Random) -> Self:
        return cls("payment", 0.0)

    async def begin(self, _: Stage) -> None:
        HAPPENED.append(f"{self.subject} begins")
        if self.subject == "broken":
            raise OSError

    async def end(self, _: Stage) -> None:
        HAPPENED.append(f"{self.subject} ends")


@pytest.fixture
def storm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Storm:
    HAPPENED.clear()
    monkeypatch.setattr(plan, "REST", 0.0)
    return Storm(Asked(1, 1, 1), HAPPENED.append, tmp_path)


def _noted() -> list[str]:
    return [line for line in HAPPENED if " s " not in line]


async def test_two_faults_of_a_part_are_one_after_the_other_and_others_are_beside_them(storm: Storm) -> None:
    await storm.carry_out([Planned(0, Noted("one", 4.0)), Planned(0, Noted("one", 0.0)), Planned(0, Noted("two", 0.0))])
    assert _noted() == ["one begins", "two begins", "two ends", "one ends", "one begins", "one ends"]
    assert storm.report.faults == {"noted": 3}


async def test_a_fault_that_fails_ends_the_storm(storm: Storm) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await storm.carry_out([Planned(0, Noted("broken", 0.0)), Planned(0, Noted("one", 60.0))])
    assert raised.group_contains(OSError)


def test_the_report_names_how_often_which_fault_was_and_what_is_wrong(storm: Storm) -> None:
    storm.report.faults["noted"] = 3
    storm.report.problems.append("unit 7 lacks a voucher")
    lines = list(told(storm.report))
    assert [line.split() for line in lines if "noted" in line] == [["noted", "3"]]
    assert lines[-2:] == ["wrong: 1", "unit 7 lacks a voucher"]
