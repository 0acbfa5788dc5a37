"""What a batch leaves in the inbox: ids that are new, few and many, given back, and taken again by another event."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.delivery import shell_tables as tables

if TYPE_CHECKING:
    from tests.live.delivery.running import Running

pytestmark = pytest.mark.embedded

KEYS = [str(UUID(int=number)) for number in range(tables.FEW + 1)]
ONE, OTHER = b"\1" * 16, b"\2" * 16


async def _after(running: Running, known: dict[str, bytes], changes: dict[str, bytes | None]) -> dict[str, bytes]:
    """What is in the inbox once a batch that found `known` has changed it."""
    async with running.database.transaction() as connection:
        await tables.finish(connection, {}, None, known)
        await tables.finish(connection, {}, None, await tables.change_inbox(connection, known, changes))
        return (await tables.open_batch(connection, KEYS)).taken


@pytest.mark.parametrize("number", [1, tables.FEW, tables.FEW + 1])
async def test_new_ids_are_taken_however_many(running: Running, number: int) -> None:
    changes: dict[str, bytes | None] = dict.fromkeys(KEYS[:number], ONE)
    assert await _after(running, {}, changes) == changes


async def test_an_id_that_was_given_back_is_free(running: Running) -> None:
    assert await _after(running, {KEYS[0]: ONE, KEYS[1]: ONE}, {KEYS[0]: None}) == {KEYS[1]: ONE}


async def test_an_id_that_was_given_back_and_taken_by_another_event_has_the_digest_of_that(running: Running) -> None:
    assert await _after(running, {KEYS[0]: ONE}, {KEYS[0]: OTHER, KEYS[1]: ONE}) == {KEYS[0]: OTHER, KEYS[1]: ONE}
