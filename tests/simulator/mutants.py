"""Mutants of the shell: each takes one of its safeguards away; the simulator has to notice within its 500 seeds.

`make shell-mutants` (ONLY="NAME …") prints for each the first seed that finds it, after how many steps, and what it says; the table in
docs/architecture/faults.md is made of that. A mutant replaces a part of the shell in this process while its seeds run, so no file changes.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Final
from unittest import mock

from aiokafka.errors import KafkaError

from services.simulator import history
from services.simulator.checking import own_arena
from services.simulator.database import SimulatedConnection, SimulatedDatabase
from services.simulator.seeds import Arena, SeedOutcome, run_seed
from shared.delivery import ahead, batch, positions_table, shell_tables
from shared.delivery.ahead import Ahead
from shared.delivery.batch import Batch, Delivery
from shared.delivery.housekeeping import Housekeeping
from shared.delivery.ports import Partition
from shared.delivery.read_positions import ReadPositions
from shared.delivery.reference_watermark import Watermark
from shared.delivery.relay import Relay
from shared.delivery.shell_tables import State
from shared.events import emitting, envelope
from shared.events.envelope import Record
from shared.runtime import process
from shared.working_table import ROW, Table

SEEDS: Final = 500
Mutant = Callable[[], AbstractContextManager[Any]]


def _replace(target: Any, name: str, value: Any) -> AbstractContextManager[Any]:
    return mock.patch.object(target, name, value)


@contextmanager
def _all(*patches: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


def without_duplicates_seen() -> AbstractContextManager[Any]:
    opened = shell_tables.open_batch

    async def open_batch(connection: Any, _keys: Any, *asked: Any) -> Any:
        return await opened(connection, (), *asked)

    async def change_inbox(_connection: Any, _known: Any, _changes: Any) -> dict[str, bytes]:
        return {}

    return _all(_replace(shell_tables, "open_batch", open_batch), _replace(shell_tables, "change_inbox", change_inbox))


def without_the_lock() -> AbstractContextManager[Any]:
    transaction = SimulatedDatabase.transaction

    def unlocked(self: SimulatedDatabase, lock: str | None = None) -> Any:  # noqa: ARG001 - that it is not taken is the mutant
        return transaction(self)

    return _replace(SimulatedDatabase, "transaction", unlocked)


def looking_before_the_lock() -> AbstractContextManager[Any]:
    locked = SimulatedConnection.lock

    async def lock(self: SimulatedConnection, name: str) -> None:
        if self.transaction is not None:
            await self.execute("set transaction isolation level repeatable read, read write")
            await self.fetchval("select number from epoch")
        await locked(self, name)

    return _replace(SimulatedConnection, "lock", lock)


def positions_first() -> AbstractContextManager[Any]:
    take = Delivery.take

    async def taking(self: Delivery, batch: Batch) -> None:
        async with self.database.transaction() as connection:
            await shell_tables.finish(connection, batch.positions, None)
        await take(self, batch)

    return _replace(Delivery, "take", taking)


def read_with_its_first_event() -> AbstractContextManager[Any]:
    def positions(records: Iterable[Record]) -> dict[Partition, int]:
        return {Partition(each.topic, each.partition): each.offset + 1 for each in records}

    return _replace(batch, "positions_after", positions)


def ids_by_chance() -> AbstractContextManager[Any]:
    numbers = itertools.count()
    derived = envelope.derived_id

    def derived_id(cause: Any, time: Any, kind: str, number: int) -> str:
        return derived(cause, time, f"{kind}{next(numbers)}", number)

    return _replace(emitting, "derived_id", derived_id)


def going_on_after_a_failed_send() -> AbstractContextManager[Any]:
    send = Relay._send  # noqa: SLF001 - the shell's inside is what is changed

    class Heedless:
        def __init__(self, producer: Any) -> None:
            self._producer = producer

        async def send_all(self, messages: Any) -> list[Any]:
            try:
                return list(await self._producer.send_all(messages))
            except KafkaError:
                return []

    async def sending(self: Relay, connection: Any, rows: Any, unreadable: Any = ()) -> None:
        producer: Any = self._producer
        self._producer = Heedless(producer)  # type: ignore[assignment]
        try:
            await send(self, connection, rows, unreadable)
        finally:
            self._producer = producer

    return _replace(Relay, "_send", sending)


def forgotten_before_it_is_sent() -> AbstractContextManager[Any]:
    send = Relay._send  # noqa: SLF001

    async def sending(self: Relay, connection: Any, rows: Any, unreadable: Any = ()) -> None:
        await connection.execute("delete from outbox where id = any($1::bigint[])", [row.id for row in rows])
        await send(self, connection, rows, unreadable)

    return _replace(Relay, "_send", sending)


def never_reading_the_outbox_again() -> AbstractContextManager[Any]:
    async def look_around(_relay: Relay, _connection: Any) -> None:
        pass

    def catch_up(_relay: Relay) -> None:
        pass

    return _all(_replace(Relay, "_look_around", look_around), _replace(Relay, "catch_up", catch_up))


def positions_that_go_back() -> AbstractContextManager[Any]:
    finish = shell_tables.FINISH.replace("greatest(positions.next_offset, excluded.next_offset)", "excluded.next_offset")
    return _all(_replace(shell_tables, "FINISH", finish), _replace(history, "FINISH", finish))


def without_the_watermark() -> AbstractContextManager[Any]:
    async def wait_for(_watermark: Watermark, _needed: int) -> None:
        pass

    return _replace(Watermark, "wait_for", wait_for)


def without_rebasing() -> AbstractContextManager[Any]:
    async def rebase(_connection: Any, _ends: Any) -> dict[Partition, int]:
        return {}

    return _replace(positions_table, "rebase", rebase)


def reading_on_from_the_groups_offsets() -> AbstractContextManager[Any]:
    read_on = ReadPositions.read_on

    async def reading_on(self: ReadPositions, places: Any) -> Mapping[Partition, int]:
        await read_on(self, places)
        return {}

    return _replace(ReadPositions, "read_on", reading_on)


def telling_the_end_once() -> AbstractContextManager[Any]:
    async def ended(task: asyncio.Task[None], _clock: Any) -> None:
        task.cancel()
        await asyncio.wait([task])

    return _replace(process, "ended", ended)


def housekeeping_in_a_group() -> AbstractContextManager[Any]:
    plain = Housekeeping.every_few_seconds

    async def in_a_group(self: Housekeeping, *arguments: Any) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(plain(self, *arguments))

    return _replace(Housekeeping, "every_few_seconds", in_a_group)


def not_looking_at_what_others_changed() -> AbstractContextManager[Any]:
    def is_apart_from(_ahead: Ahead, _others: set[int]) -> bool:
        return True

    return _replace(Ahead, "_is_apart_from", is_apart_from)


def only_comparing_what_is_written() -> AbstractContextManager[Any]:
    def is_apart(_table: Any, _others: set[int]) -> bool:
        return True

    return _replace(ahead, "_is_apart", is_apart)


def rows_without_their_index_entries() -> AbstractContextManager[Any]:
    def places_changed(table: Table[Any, Any]) -> dict[str, list[Hashable]]:
        return {ROW: list(table.changed)}

    return _replace(Table, "places_changed", places_changed)


def not_comparing_the_ids_that_are_taken() -> AbstractContextManager[Any]:
    holds = Ahead.holds

    def holding(self: Ahead, now: State) -> bool:
        return holds(self, now._replace(taken=self.state.taken))

    return _replace(Ahead, "holds", holding)


MUTANTS: Final[Mapping[str, Mutant]] = {
    "the inbox: duplicates are not seen": without_duplicates_seen,
    "the lock: batches of two instances at once": without_the_lock,
    "the lock: looking before it is held": looking_before_the_lock,
    "the order of effects and offsets: positions first": positions_first,
    "a record is read once all its events are taken: with the first": read_with_its_first_event,
    "derived ids: by chance": ids_by_chance,
    "the relay's stop at a failure: goes on": going_on_after_a_failed_send,
    "the relay deletes a row before it is sent": forgotten_before_it_is_sent,
    "the relay never reads the table again": never_reading_the_outbox_again,
    "the fence of a stale owner: positions go back": positions_that_go_back,
    "the watermark: nothing is waited for": without_the_watermark,
    "a log that was reset is not rebased": without_rebasing,
    "reading on from the group's offsets": reading_on_from_the_groups_offsets,
    "a stop: the end is said once": telling_the_end_once,
    "a stop: housekeeping in a group of tasks": housekeeping_in_a_group,
    "folded ahead: what others have changed is not looked at": not_looking_at_what_others_changed,
    "folded ahead: what others have changed is compared with what is written, not with what was read": only_comparing_what_is_written,
    "folded ahead: rows are noted without their index entries": rows_without_their_index_entries,
    "folded ahead: the ids that are taken are not compared": not_comparing_the_ids_that_are_taken,
}


def first_found(on: Arena, mutant: Mutant, seeds: Sequence[int] = range(SEEDS)) -> SeedOutcome | None:
    """The first seed that finds a mutant; None: no one does."""
    with mutant():
        return next((outcome for seed in seeds if (outcome := run_seed(on, seed)).problems), None)


def main(names: Sequence[str]) -> int:
    """Prints the table; 1 if a mutant is not found."""
    missed = 0
    with own_arena() as on:
        for name, mutant in MUTANTS.items():
            if names and mutant.__name__ not in names:
                continue
            found = first_found(on, mutant)
            missed += found is None
            said = "not found | | " if found is None else f"{found.seed} | {found.steps:,} | {found.problems[0][:160]}"
            print(f"| {name} | {said} |", flush=True)  # noqa: T201
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
