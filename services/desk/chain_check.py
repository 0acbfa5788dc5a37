"""Whether the vouchers in the posting service's tables are as they were posted: their chains are gone through from end to end.

They are held to what stands in these tables, to what the inquiry service was told where that is there, and to what was written down
elsewhere. Invariant: nothing is mended here, only shown; a page is held at a time, and no lock: vouchers are only ever added, so a live
system continues beside it.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from services.desk.chain_walk import AROUND, CHANGED, MOST_NAMED, ChainWalk, Head, Sister
from services.desk.schemas import SchemaMissingError
from services.inquiry.queries.digests import digests_told
from services.posting.stored_pages import Record, StoredVoucher, digests_around, last_vouchers, stored_pages, stored_sisters
from services.registry import INQUIRY, POSTING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.desk.schemas import Schemas
    from services.posting.rules.numbers import VoucherKey
    from shared.delivery.ports import Connection


async def check_chain(schemas: Schemas, heads: Sequence[Head] = ()) -> ChainWalk:
    """What is not as it was posted; `heads`: what was written down of the chains before, at any time."""
    async with AsyncExitStack() as stack:
        posting = await stack.enter_async_context(schemas.of(POSTING.name))
        inquiry = await _inquiry(schemas, stack)
        walk = ChainWalk(await last_vouchers(posting), heads)
        async for page in stored_pages(posting):
            await _take(posting, walk, page)
            if inquiry is not None:
                told = await digests_told(inquiry, [stored.key for stored in page])
                for stored in page:
                    walk.told(stored.voucher, told.get(stored.key))
        walk.end(await last_vouchers(posting))
    return walk


async def _inquiry(schemas: Schemas, stack: AsyncExitStack) -> Connection | None:
    """The read side's schema; None where it has not been started yet."""
    try:
        return await stack.enter_async_context(schemas.of(INQUIRY.name))
    except SchemaMissingError:
        return None


async def _take(posting: Connection, walk: ChainWalk, page: Sequence[StoredVoucher]) -> None:
    sisters = await _sisters(posting, page)
    for stored in page:
        walk.take(stored, sisters[stored.key])
    for suspect in walk.suspects:
        around = await digests_around(posting, suspect.stored.key, AROUND) if len(walk.findings) < MOST_NAMED else []
        if around:
            walk.judge(suspect, around)
        else:
            walk.found[CHANGED] += 1
    walk.suspects.clear()


async def _sisters(posting: Connection, page: Sequence[StoredVoucher]) -> dict[VoucherKey, list[Sister]]:
    """What stands there as sisters of the vouchers of a page, of those that have a digest."""
    sisters: dict[VoucherKey, list[Sister]] = {stored.key: [] for stored in page}
    ours: defaultdict[Record, list[VoucherKey]] = defaultdict(list)
    for stored in page:
        if stored.voucher.digest is not None and stored.record is not None:
            ours[stored.record].append(stored.key)
    async for other in stored_sisters(posting, ours):
        voucher, content = other.voucher, other.content()
        for key in ours[other.record] if other.record is not None else ():
            if key != other.key:
                sisters[key].append(Sister(voucher.company, voucher.voucher, content, voucher.sister_contents.get(key.company)))
    return sisters
