"""What is done regularly: a tenth of the time at most, again after a failure, and once for all instances."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from services.desk import regular_checks
from services.desk.checking import Check
from services.desk.regular_checks import Comparing, check_regularly
from services.inquiry.checks import IdentityCheck
from shared.metrics import CHECK_EVERY, CHECK_FAILING, CHECK_PROBLEMS
from shared.runtime.regularly import regularly
from shared.settings import load_settings
from tests.builders.web import NOW, MadeUp, StandingClock


class Sleeping(StandingClock):
    """A clock whose sleepers are noted; the fourth ends it all."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 4:
            raise asyncio.CancelledError


@pytest.mark.parametrize(("longest", "slept"), [(1e9, [10, 10, 50, 1000]), (60, [10, 10, 50, 60])])
async def test_what_takes_long_is_done_more_seldom_up_to_a_longest_pause_and_a_failure_ends_nothing(
    longest: float, slept: list[float]
) -> None:
    clock = Sleeping()
    durations = iter([0, 0.5, 5, 100])

    async def act() -> None:
        clock.seconds += next(durations)
        raise OSError

    with pytest.raises(asyncio.CancelledError):
        await regularly("it failed", act, 10, clock, longest)
    assert clock.slept == slept


async def test_a_cancellation_that_nobody_asked_for_ends_nothing() -> None:
    clock, times = Sleeping(), 0

    async def act() -> None:
        nonlocal times
        times += 1
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await regularly("it failed", act, 10, clock)
    assert times == 4


class Desk(MadeUp):
    """A desk that keeps what is compared."""

    kept: Any = None
    is_alone = True

    async def fetchval(self, *_: Any) -> Any:
        return self.is_alone

    def inquiry_session(self) -> Any:
        return self.of("inquiry")

    async def execute(self, _: str, *arguments: Any) -> None:
        self.kept = dict(zip(("began_at", "ended_at", "runs"), arguments, strict=True))

    async def fetchrow(self, *_: Any) -> Any:
        return self.kept


async def test_differences_are_counted_run_by_run_and_what_another_instance_has_just_compared_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = 0

    async def reconciled(_: Any) -> list[Check]:
        nonlocal made
        made += 1
        return [Check("holds", ""), Check("differs", "", ["a", "b"], 3)] if made < 3 else [Check("holds", "")]

    async def asked(_: Any) -> list[IdentityCheck]:
        return [IdentityCheck("under way", [{"a": 1}], under_way=1)]

    monkeypatch.setattr(regular_checks, "reconcile", reconciled)
    monkeypatch.setattr(regular_checks, "check_inquiry", asked)
    desk, clock = Desk(), StandingClock()
    comparing = Comparing(desk, clock, 60)  # type: ignore[arg-type]
    for failing, places in ((1, 5), (2, 5), (0, 0)):
        await comparing.once()
        assert [gauge.labels("reconcile")._value.get() for gauge in (CHECK_FAILING, CHECK_PROBLEMS)] == [failing, places]  # noqa: SLF001
        assert CHECK_PROBLEMS.labels("inquiry")._value.get() == 0  # noqa: SLF001
        assert [run["places"] for run in orjson.loads(desk.kept["runs"]).values()] == [places, 0]
        desk.kept["began_at"] -= timedelta(seconds=60)
    desk.kept["began_at"] = NOW - timedelta(seconds=59)
    await comparing.once()
    assert made == 3


async def test_what_another_instance_compares_now_is_not_compared_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reconciled(_: Any) -> list[Check]:
        raise AssertionError

    monkeypatch.setattr(regular_checks, "reconcile", reconciled)
    desk = Desk()
    desk.is_alone = False
    await Comparing(desk, StandingClock(), 60).once()  # type: ignore[arg-type]
    assert desk.kept is None


async def test_what_was_found_before_the_process_began_is_shown_before_anything_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(Exception):  # noqa: N818 - how this test ends
        pass

    class Kept(Desk):
        async def close(self) -> None:
            pass

    class Ending(Sleeping):
        async def sleep(self, _: float) -> None:
            raise Ended

    desk = Kept()
    run = {"seconds": 1, "places": 7, "failing": 3, "checks": []}
    desk.kept = {"began_at": NOW, "ended_at": NOW, "runs": orjson.dumps({"reconcile": run}).decode()}
    monkeypatch.setattr(regular_checks, "Schemas", lambda _: desk)
    CHECK_FAILING.labels("reconcile").set(0)
    with pytest.raises(Ended):
        await check_regularly(load_settings(), SimpleNamespace(clock=Ending()))  # type: ignore[arg-type]
    assert CHECK_FAILING.labels("reconcile")._value.get() == 3  # noqa: SLF001


@pytest.mark.parametrize(
    ("given", "shown", "slept"), [("PT0.001S", 0.001, [1, 1, 1, 1]), ("PT2H", 7200, [60, 7200, 7200, 7200]), ("0", 0, [])]
)
async def test_a_database_that_is_away_is_not_asked_without_a_pause_however_often_it_is_to_be_compared(
    monkeypatch: pytest.MonkeyPatch, given: str, shown: float, slept: list[float]
) -> None:
    class Away(Desk):
        def of(self, *_: Any) -> Any:
            raise OSError

        async def close(self) -> None:
            pass

    clock = Sleeping()
    monkeypatch.setattr(regular_checks, "Schemas", lambda _: Away())
    monkeypatch.setenv("CHECK_EVERY", given)
    with suppress(asyncio.CancelledError):
        await check_regularly(load_settings(), SimpleNamespace(clock=clock))  # type: ignore[arg-type]
    assert clock.slept == slept
    assert CHECK_EVERY.labels("reconcile")._value.get() == shown  # noqa: SLF001
