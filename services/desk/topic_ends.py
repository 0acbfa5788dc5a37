"""Where the topics end that inquiry reads: against that `read_to` says how far its books are behind.

Invariant: the answer was true after it was asked for; a broker that does not answer keeps nobody from reading.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from services.registry import INQUIRY
from shared.kafka.log_ends import end_offsets, end_offsets_at_least, partitions_of, reading
from shared.kafka.subscription import pattern_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka import AIOKafkaConsumer

    from shared.delivery.ports import Partition
    from shared.settings import Settings

ENDS_WITHIN: Final = 2.0
"""Seconds for which somebody who reads waits to be told how far behind the books are."""


async def ends_of(asking: AIOKafkaConsumer, settings: Settings) -> Mapping[Partition, int]:
    """The ends, asked on a connection that is open. KafkaError if the broker is away."""
    places = await partitions_of(asking, await _topics(asking, settings), settings)
    least = await end_offsets_at_least(asking, places, settings)
    return await end_offsets(asking, least, settings)


async def ends_once(settings: Settings) -> Mapping[Partition, int] | None:
    """The ends, asked once on a connection of its own; None: the settings name no broker, or it does not answer."""
    if settings.kafka_bootstrap_servers is None:
        return None
    try:
        async with asyncio.timeout(ENDS_WITHIN), reading(settings) as asking:
            return await ends_of(asking, settings)
    except Exception:  # noqa: BLE001 - whatever it is, the books can be read without; whoever asks is told that it is not known
        return None


async def _topics(asking: AIOKafkaConsumer, settings: Settings) -> list[str]:
    """The topics that inquiry reads; with SENDERS=enforced those of the senders too, which may have become more."""
    read = sorted(INQUIRY.topics_read(enforces_senders=settings.enforces_senders))
    if not settings.enforces_senders:
        return read
    own = re.compile(pattern_of(settings, [], sorted(INQUIRY.sender_topics)))
    there = sorted(await asking.topics())
    return [*read, *(name.removeprefix(settings.topic_name("")) for name in there if own.fullmatch(name))]
