"""Which messages count as the replay of an event that was refused.

Invariant: a replay counts that an operator has noted beside the refusal (operations/replay.py), before it was sent; what others say of
one does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.delivery.shell_tables import noted_replays
from shared.events.envelope import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.delivery.folding import Incoming
    from shared.delivery.ports import Connection
    from shared.delivery.service import AnyService


async def believe_operators_alone(service: AnyService, connection: Connection, incoming: Sequence[Incoming]) -> None:
    """Takes from messages that they are a replay, where no operator has noted it."""
    replayed = service.replayed
    if replayed is None:
        return
    said = [data for each in incoming if isinstance(each, Message) and (data := replayed(each)) is not None]
    if said:
        noted = await noted_replays(connection, {data.event for data in said})
        for data in said:
            if data.replay > noted.get(data.event, 0):
                data.replay = 0
