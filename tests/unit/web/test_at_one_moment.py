"""What became of an event is said of one moment: what a service commits between two questions changes no answer half-way."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
import pytest

from services.desk.actions.rules import PlannedReplay
from services.desk.event_state import event_state
from services.operations.replies import replies
from services.settlement.queries import WAITING
from shared.delivery.inbox import inbox_key
from shared.events.envelope import EventRef
from tests.builders.web import NOW, MadeUp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

EVENT: Final = EventRef("/erp", "x")
DIGEST: Final = b"of these data"
_WAITS: Final = {
    "source": EVENT.source, "id": EVENT.id, "reason": "document", "key": orjson.dumps({"company": "FAB", "ledger": "payable"}),
    "since": NOW, "sequence": 1, "what": "run",
}  # fmt: skip
_REFUSED: Final = {"source": EVENT.source, "event": EVENT.id, "code": "conflicting-duplicate"}
_TAKEN: Final = {
    "select key from inbox": [{"key": UUID(inbox_key(EVENT))}],
    "select key, digest from inbox": [{"key": UUID(inbox_key(EVENT)), "digest": DIGEST}],
}
_REFUSAL_OF: Final = "distinct on (source, event)"


@dataclass
class Committing(MadeUp):
    """Schemas in which a service commits `after` once `transactions` were opened; a question of one moment sees what was there then."""

    after: Mapping[str, Any] = field(default_factory=dict)
    transactions: int = 0
    opened: int = 0

    @asynccontextmanager
    async def of(self, service: str) -> AsyncIterator[MadeUp]:
        del service
        self.opened += 1
        yield MadeUp(self.after if self.opened > self.transactions else self.answers)

    @asynccontextmanager
    async def at_one_moment(self) -> AsyncIterator[MadeUp]:
        async with self.of("any") as connection:
            yield connection


def _committing(after: Mapping[str, Any], transactions: int) -> Any:
    return Committing({}, after=after, transactions=transactions)


@pytest.mark.parametrize("transactions", range(12))
async def test_an_event_that_begins_to_wait_while_one_asks_is_never_called_posted(transactions: int) -> None:
    schemas = _committing({WAITING.named: [_WAITS], **_TAKEN}, transactions)
    found = await event_state(schemas, EVENT, NOW)
    assert found.state in {"received", "waiting"}
    assert bool(found.waits) == (found.state == "waiting")


@pytest.mark.parametrize("transactions", range(12))
async def test_a_replay_that_begins_to_wait_while_one_asks_is_never_called_posted(transactions: int) -> None:
    schemas = _committing({WAITING.because_of: [_WAITS], **_TAKEN}, transactions)
    [reply] = await replies(schemas, [PlannedReplay("settlement", "r", EVENT, 1, digest=DIGEST)], NOW)
    assert reply.state in {"received", "waiting"}


async def test_a_replay_whose_id_mended_data_have_taken_is_not_posted_but_refused_once_that_is_written() -> None:
    sent = [PlannedReplay("settlement", "r", EVENT, 1, digest=b"of other data")]
    on_its_way: Any = MadeUp(_TAKEN)
    assert [each.state for each in await replies(on_its_way, sent, NOW)] == ["received"]
    refused: Any = MadeUp({**_TAKEN, _REFUSAL_OF: [_REFUSED]})
    assert [(each.state, each.code) for each in await replies(refused, sent, NOW)] == [("refused", "conflicting-duplicate")]


async def test_a_replay_that_has_taken_its_id_is_posted() -> None:
    taken: Any = MadeUp(_TAKEN)
    for digest in (DIGEST, b""):
        assert [each.state for each in await replies(taken, [PlannedReplay("settlement", "r", EVENT, 1, digest=digest)], NOW)] == ["posted"]
