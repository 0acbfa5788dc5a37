"""The budget's stages begin where they say: a function that was renamed would be counted with what calls it."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter

from services.settlement.rules.incoming import read as read_incoming
from tests.speed.budget import Counting, stage_begun
from tests.speed.stages import DRIVER, STAGES


def test_every_stage_begins_with_functions_that_there_are() -> None:
    for path, of_file in STAGES.items():
        module = import_module(path.removesuffix(".py").replace("/", "."))
        for stage, names in of_file.items():
            assert {stage_begun(attrgetter(name)(module).__code__) for name in names} == {stage}


def test_what_a_stage_calls_belongs_to_it_until_another_begins() -> None:
    counting = Counting(lambda: "settlement")
    read, other = read_incoming.__code__, test_every_stage_begins_with_functions_that_there_are.__code__
    for code in (other, read, other):
        counting.begin(code)
    for code in (other, read, other):
        counting.end(code)
    counting.begin(other)
    assert counting.all == {("settlement", DRIVER): 2, ("settlement", "fold: read"): 2}
    assert counting.own == {("settlement", DRIVER): 0, ("settlement", "fold: read"): 1}
