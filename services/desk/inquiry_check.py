"""Whether what the inquiry service has is right: by itself, on any date, and beside the ledger of the posting service.

Invariant: nothing is mended here, only shown. While posting has still to make vouchers of what inquiry has read, what differs is shown
and is not an alarm; while inquiry has not read everything, a check can fail for the moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from services.desk.posting_stand import posting_stand
from services.inquiry.checks import MOST_SHOWN, IdentityCheck, accounts, check
from services.inquiry.queries.read_to import positions
from services.posting import queries as posting_queries
from services.registry import POSTING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from services.desk.schemas import Schemas

_ACCOUNTS: Final = "every account has what it has in the ledger"
_KEY: Final = ("company", "account", "posting_type", "partner", "currency")


async def check_inquiry(schemas: Schemas, as_of: dt.date | None = None) -> list[IdentityCheck]:
    """The identities at the end of a day, or (None) of everything: then the accounts are compared with the ledger's too."""
    posting = await posting_stand(schemas)
    async with schemas.books() as connection:
        under_way = 0 if posting is None else posting.left(await positions(connection))
        checks = [replace(each, under_way=under_way) for each in await check(connection, as_of)]
        asked = {} if as_of is not None else await accounts(connection)
    return checks if as_of is not None else [*checks, IdentityCheck(_ACCOUNTS, await _differing(schemas, asked), under_way)]


async def _differing(schemas: Schemas, asked: Mapping[tuple[str, ...], Any]) -> list[dict[str, Any]]:
    async with schemas.of(POSTING.name) as connection:
        posted: dict[tuple[str, ...], Any] = {
            (*key[:3], key.partner or "", key.currency): balance for key, balance in (await posting_queries.balances(connection)).items()
        }
    differing = [key for key in sorted({*asked, *posted}) if asked.get(key) != posted.get(key)]
    return [_row(key, asked.get(key), posted.get(key)) for key in differing[:MOST_SHOWN]]


def _row(key: tuple[str, ...], asked: Any, posted: Any) -> dict[str, Any]:
    return {**dict(zip(_KEY, key, strict=True)), "inquiry": _shown(asked), "ledger": _shown(posted)}


def _shown(sums: Any) -> str:
    return "nothing" if sums is None else " ".join(str(each) for each in sums)
