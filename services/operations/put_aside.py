"""What an operator orders once a cause is mended: messages that were put aside are tried again, gaps are acknowledged.

Invariant: nothing is deleted; who acknowledged a gap stands beside it, and the service says it in its log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.desk.put_aside import GapPlace
from shared.delivery import shell_queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.put_aside import FailedPlace
    from services.desk.schemas import Schemas


async def order_retries(schemas: Schemas, places: Iterable[FailedPlace] | None) -> int:
    """Has the services try these messages again, or all that they put aside (None); how many there are."""
    numbers: dict[str, list[int] | None] = {} if places is not None else dict.fromkeys(await schemas.names())
    for place in places or ():
        of_service = numbers.setdefault(place.service, [])
        if of_service is not None:
            of_service.append(place.number)
    ordered = 0
    for service, chosen in numbers.items():
        async with schemas.of(service) as connection:
            ordered += await shell_queries.order_retries(connection, chosen)
    return ordered


async def acknowledge_gaps(schemas: Schemas, places: Iterable[GapPlace] | None) -> list[GapPlace]:
    """Acknowledges the open gaps of these partitions, or those named, or all (None); which they were."""
    wanted = list(places) if places is not None else [GapPlace(name, "", 0) for name in await schemas.names()]
    done: list[GapPlace] = []
    for place in wanted:
        async with schemas.of(place.service) as connection:
            found = await shell_queries.acknowledge_gaps(connection, place.topic or None, place.partition, place.first)
            done += [GapPlace(place.service, *gap[:3]) for gap in found]
    return done
