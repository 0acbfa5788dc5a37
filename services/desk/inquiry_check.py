"""Whether what the inquiry service has is right: by itself, on any date, and beside the ledger of the posting service.

Invariant: nothing is mended here, only shown. What differs is looked at again once what was under way by then is read: what differs as
it did before is wrong; what differs otherwise, or could not be waited for, is under way, and no alarm. An account's sums only grow: they
must be at least what the ledger had before inquiry was asked, once inquiry has read that, and at most what the ledger has afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from services.desk.posting_stand import posting_stand
from services.desk.under_way import BETWEEN, TO_INQUIRY, UnderWay
from services.inquiry.checks import MOST_SHOWN, IdentityCheck, accounts, check
from services.inquiry.queries.read_to import positions
from services.posting import queries as posting_queries
from services.registry import POSTING
from shared.money import ZERO

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from decimal import Decimal

    from services.desk.schemas import Schemas

    Accounts = Mapping[tuple[str, ...], tuple[Decimal, ...]]

_ACCOUNTS: Final = "every account has what it has in the ledger"
_KEY: Final = ("company", "account", "posting_type", "partner", "currency")
_NOTHING: Final = (ZERO, ZERO, ZERO, ZERO)


async def check_inquiry(schemas: Schemas, as_of: dt.date | None = None, under_way: UnderWay | None = None) -> list[IdentityCheck]:
    """The identities at the end of a day, or (None) of everything: then the accounts are compared with the ledger's too."""
    waiting = under_way or UnderWay(schemas)
    first = await _identities(schemas, as_of)
    checks = first if all(not each.problems for each in first) else await _again(schemas, as_of, first, waiting)
    return checks if as_of is not None else [*checks, await _accounts(schemas, waiting)]


async def _identities(schemas: Schemas, as_of: dt.date | None) -> list[IdentityCheck]:
    posting = await posting_stand(schemas)
    async with schemas.books() as connection:
        still_to_come = 0 if posting is None else posting.left(await positions(connection))
        return [replace(each, under_way=still_to_come) for each in await check(connection, as_of)]


async def _again(schemas: Schemas, as_of: dt.date | None, first: list[IdentityCheck], under_way: UnderWay) -> list[IdentityCheck]:
    """A second look, after what was under way at the first one."""
    left = await under_way.passed((*BETWEEN, *TO_INQUIRY))
    second = await _identities(schemas, as_of)
    return [_judged(each, before, passed=left.passed) for each, before in zip(second, first, strict=True)]


def _judged(now: IdentityCheck, before: IdentityCheck, *, passed: bool) -> IdentityCheck:
    remains = [row for row in now.problems if row in before.problems]
    if passed and remains:
        return replace(now, problems=remains, under_way=0)
    return replace(now, under_way=max(now.under_way, 1)) if now.problems else now


async def _accounts(schemas: Schemas, under_way: UnderWay) -> IdentityCheck:
    before = await _posted(schemas)
    left = await under_way.passed(TO_INQUIRY[1:])
    async with schemas.books() as connection:
        asked = await accounts(connection)
    after = await _posted(schemas)
    differing = [
        key
        for key in sorted({*asked, *after})
        if not _lies_between(asked.get(key, _NOTHING), before.get(key, _NOTHING), after.get(key, _NOTHING))
    ]
    rows = [_row(key, asked.get(key), after.get(key)) for key in differing[:MOST_SHOWN]]
    return IdentityCheck(_ACCOUNTS, rows, 1 if rows and not left.passed else 0)


async def _posted(schemas: Schemas) -> dict[tuple[str, ...], Any]:
    async with schemas.of(POSTING.name) as connection:
        balances = await posting_queries.balances(connection)
    return {(*key[:3], key.partner or "", key.currency): tuple(balance) for key, balance in balances.items()}


def _lies_between(asked: tuple[Decimal, ...], least: tuple[Decimal, ...], most: tuple[Decimal, ...]) -> bool:
    return all(low <= each <= high for each, low, high in zip(asked, least, most, strict=True))


def _row(key: tuple[str, ...], asked: Any, posted: Any) -> dict[str, Any]:
    return {**dict(zip(_KEY, key, strict=True)), "inquiry": _shown(asked), "ledger": _shown(posted)}


def _shown(sums: Any) -> str:
    return "nothing" if sums is None else " ".join(str(each) for each in sums)
