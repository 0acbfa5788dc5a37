"""The pure parts: what is a duplicate, how errors are told apart, what the outbox row holds."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as some

from shared.delivery.inbox import Inbox, Verdict, inbox_key
from shared.delivery.outbox import pack, unpack
from shared.delivery.ports import Encoded
from shared.events.envelope import EventRef, derived_id, replay_identity
from shared.runtime.retry import LONGEST_WAIT, Runtime, retry_forever
from shared.runtime.system import is_transient
from shared.runtime.troubles import Troubles

A = EventRef("erp", "A")


def test_an_id_is_taken_until_it_is_given_back() -> None:
    inbox = Inbox({inbox_key(A): b"1"})
    assert inbox.judge(inbox_key(A), b"1") is Verdict.DUPLICATE
    assert inbox.judge(inbox_key(A), b"2") is Verdict.CONFLICT
    inbox.free(A)
    assert inbox.judge(inbox_key(A), b"2") is Verdict.NEW
    inbox.take(inbox_key(A), b"2")
    assert inbox.judge(inbox_key(A), b"1") is Verdict.CONFLICT
    assert inbox.changes == {inbox_key(A): b"2"}


@given(some.tuples(some.text(), some.text()), some.tuples(some.text(), some.text()))
def test_different_events_have_different_keys(one: tuple[str, str], other: tuple[str, str]) -> None:
    if any("\0" in part for part in (*one, *other)):
        return  # no id has a control character (codec)
    assert (inbox_key(EventRef(*one)) == inbox_key(EventRef(*other))) == (one == other)


def test_our_own_ids_are_their_keys_so_that_the_index_grows_at_one_end() -> None:
    times = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 20)]
    ids = [derived_id(A, time, "voucher", 0) for time in times]
    keys = [inbox_key(EventRef("intercompany/posting", each)) for each in ids]
    assert keys == ids == sorted(ids)
    assert inbox_key(replay_identity(EventRef("intercompany/posting", f"{ids[0]}"), 1)) not in keys


@pytest.mark.parametrize("written", ["0197A1B2-0000-8ABC-8DEF-0123456789AB", "{0197a1b200008abc8def0123456789ab}"])
def test_however_a_uuid_of_our_own_is_written_it_is_one_key(written: str) -> None:
    assert inbox_key(EventRef("intercompany/posting", written)) == "0197a1b2-0000-8abc-8def-0123456789ab"


def test_every_key_is_a_uuid_as_the_database_writes_it() -> None:
    assert str(UUID(inbox_key(A))) == inbox_key(A) == "96c6e6a2-8b6d-9280-1b54-e474db850bbb"


@given(
    some.lists(
        some.builds(
            Encoded,
            some.text(),
            some.none() | some.text(alphabet="aä\0€").map(str.encode),
            some.text().map(lambda text: text.encode(errors="replace")),
            some.lists(some.tuples(some.text(), some.text(alphabet="x€").map(str.encode))).map(tuple),
        )
    )
)
def test_the_outbox_row_gives_back_what_was_put_in(messages: list[Encoded]) -> None:
    assert unpack(pack(messages)) == messages


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (KafkaConnectionError(), True),
        (asyncpg.DeadlockDetectedError("x"), True),
        (asyncpg.SerializationError("x"), True),
        (asyncpg.AdminShutdownError("x"), True),
        (asyncpg.CannotConnectNowError("x"), True),
        (asyncpg.DiskFullError("x"), True),
        (asyncpg.InsufficientPrivilegeError("x"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.ConnectionDoesNotExistError("x"), True),
        (asyncpg.CheckViolationError("x"), False),
        (asyncpg.CharacterNotInRepertoireError("x"), False),
        (asyncpg.NumericValueOutOfRangeError("x"), False),
        (asyncpg.ProgramLimitExceededError("x"), False),
        (asyncpg.exceptions._base.DataError("invalid input for query argument"), False),  # noqa: SLF001 - what the driver raises
        (ValueError(), False),
        (KeyError(), False),
        (asyncio.CancelledError(), False),
    ],
)
def test_what_may_pass_is_tried_again_and_what_the_data_causes_is_not(error: BaseException, passes: bool) -> None:  # noqa: FBT001
    assert is_transient(error) is passes


class FakeClock:
    """Notes how long it was slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)


class Half:
    def random(self) -> float:
        return 0.5


async def test_the_backoff_doubles_is_jittered_and_capped_and_readiness_is_red_meanwhile() -> None:
    clock = FakeClock()
    runtime = Runtime(clock, Half(), Troubles(clock), is_transient)
    seen: list[str] = []

    async def fails_twelve_times() -> str:
        seen.extend(runtime.troubles.open)
        if len(clock.slept) < 12:
            msg = "away"
            raise ConnectionRefusedError(msg)
        return "done"

    assert await retry_forever("batch", lambda: fails_twelve_times(), runtime) == "done"  # noqa: PLW0108 - not a coroutine function
    assert clock.slept[:4] == pytest.approx([0.0375, 0.075, 0.15, 0.3])
    assert clock.slept[-1] == LONGEST_WAIT * 0.75
    assert seen == ["batch"] * 12
    assert runtime.troubles.open == {}
