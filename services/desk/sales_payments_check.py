"""Sales payments: each is in payment's books and in settlement's, mirrors a payment that is there, and none that was asked for is missing.

Invariant: as in `reconciliation`; a sales payment that waits, in either service, or was refused there is not missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.desk.checking import Check
from services.desk.differences import SalesPaymentSides, sales_payment_differs
from services.payment import queries as payment_queries
from services.registry import PAYMENT, SETTLEMENT
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey
from shared.delivery import shell_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.desk.checking import Again, Doubts
    from services.desk.schemas import Schemas
    from shared.delivery.ports import Connection
    from shared.events.envelope import EventRef

Key = tuple[str, str]


async def check_sales_payments(schemas: Schemas, doubts: Doubts) -> list[Check]:
    """Sales payments on both sides, and runs whose sales payments nobody makes."""
    check = Check("each sales payment is in both services' books, and mirrors a payment", "")
    count = await _made(schemas, check, doubts)
    check.compared = f"{count + await _known(schemas, check, doubts)} sales payments, each side"
    return [check, await _pending(schemas, doubts)]


async def _made(schemas: Schemas, check: Check, doubts: Doubts) -> int:
    """Those that payment has made, beside what settlement has."""
    after: Key | None = None
    count = 0
    while True:
        async with schemas.of(PAYMENT.name) as payment:
            page = [each.key for each in await payment_queries.journal_page(payment, after)]
        if not page:
            return count
        after = page[-1]
        count += len(page)
        await _compare(schemas, page, check, doubts)


async def _known(schemas: Schemas, check: Check, doubts: Doubts) -> int:
    """Those that settlement knows and payment has not: the others were compared already."""
    after: Key | None = None
    count = 0
    while True:
        async with schemas.of(SETTLEMENT.name) as settlement:
            page = [(each.company, each.document) for each in await settlement_queries.journal_page(settlement, after)]
        if not page:
            return count
        after = page[-1]
        count += len(page)
        async with schemas.of(PAYMENT.name) as payment:
            made = await payment_queries.journals_by_key(payment, page)
        await _compare(schemas, [key for key in page if key not in made], check, doubts)


async def _compare(schemas: Schemas, keys: Sequence[Key], check: Check, doubts: Doubts) -> None:
    for key, sides in (await _sides(schemas, keys)).items():
        if said := list(sales_payment_differs(sides)):
            await doubts.add(check, said, _again(schemas, key))


def _again(schemas: Schemas, key: Key) -> Again:
    async def again() -> list[str]:
        return list(sales_payment_differs((await _sides(schemas, [key]))[key]))

    return again


async def _sides(schemas: Schemas, keys: Sequence[Key]) -> dict[Key, SalesPaymentSides]:
    async with schemas.of(PAYMENT.name) as payment:
        made = await payment_queries.journals_by_key(payment, keys)
    async with schemas.of(SETTLEMENT.name) as settlement:
        known = await settlement_queries.journals_by_key(settlement, keys)
        own = {key: DocumentKey("receivable", *key) for key in keys}
        mirrored = {key: DocumentKey("payable", *each.data.mirrors) for key, each in made.items() if each.data.mirrors}
        documents = await settlement_queries.documents_by_key(settlement, dict.fromkeys([*own.values(), *mirrored.values()]))
        sides: dict[Key, SalesPaymentSides] = {}
        for key in keys:
            vendor_payment = documents.get(mirrored[key]) if key in mirrored else None
            sides[key] = SalesPaymentSides(made.get(key), known.get(key), documents.get(own[key]), vendor_payment)
        for key, each in sides.items():
            if each.document is None and each.known is not None:
                sides[key] = each._replace(is_held=await _is_held(settlement, each.known.approval or each.known.run))
    return sides


async def _is_held(settlement: Connection, event: EventRef) -> bool:
    """Whether something of the run or approval waits in settlement or was refused there: a sales payment that has no document yet."""
    if await settlement_queries.parked_of(settlement, [event]):
        return True
    return any(each.rejection.source == event.source for each in await shell_queries.rejections_named(settlement, event.id))


async def _pending(schemas: Schemas, doubts: Doubts) -> Check:
    """Payment answers whatever it is asked, at once, be it that a journal waits: what stays unanswered was lost."""
    check = Check("every run's sales payments are made or answered", "")
    after: EventRef | None = None
    count = 0
    while True:
        async with schemas.of(SETTLEMENT.name) as settlement:
            page = await settlement_queries.pending_page(settlement, after)
        if not page:
            break
        after = page[-1]
        count += len(page)
        for run in page:
            said = f"{run.source} {run.id} waits in settlement for its sales payments, payment has not answered"
            await doubts.add(check, [said], _pending_again(schemas, run, said))
    check.compared = f"{count} runs under way"
    return check


def _pending_again(schemas: Schemas, run: EventRef, said: str) -> Again:
    async def again() -> list[str]:
        async with schemas.of(SETTLEMENT.name) as settlement:
            return [said] if await settlement_queries.pending(settlement, run) else []

    return again
