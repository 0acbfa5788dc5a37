"""From every line of every scenario's vouchers to the sentence that explains it, in two clicks, by the links of the pages as served."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import pytest

from services.desk.rows import voucher_rows
from tests.console.books import Shelf, shelf
from tests.console.links import explained, following, links
from tests.scenario_files import FILES

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.embedded

DAY = "as_of=2099-12-31"
AT_ONCE = 4
PARTS = 6
"""So that a run says how far it is."""


def why(company: str, voucher: str, line: int) -> str:
    """The address that the second click leads to."""
    return f"/voucher?{urlencode({'company': company, 'voucher': voucher, 'why': line})}"


async def linked(books: Shelf, start: str, class_: str = "why") -> list[str]:
    """The links to reasons (or other links of a class) on a list, all its pages."""
    found: list[str] = []
    page: str | None = start
    while page is not None:
        text = await books.page(page)
        found += links(text, class_)
        page = following(text)
    return found


async def unexplained(books: Shelf, addresses: Iterable[str]) -> list[str]:
    """Those at which no sentence explains the line: asked as the page's own script asks."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def wrong(address: str) -> str | None:
        async with turns:
            return None if explained(await books.page(f"{address}&part=why")) else address

    return [each for each in await asyncio.gather(*map(wrong, addresses)) if each is not None]


async def of_open(books: Shelf) -> list[str]:
    """Open documents at which the link to the reason of their own line does not lead to a sentence."""
    return [each for each in await linked(books, f"/open?{DAY}") if not explained(await books.page(each))]


async def of_pairs(books: Shelf) -> list[str]:
    """Where the amounts between companies lead to from the matrix: a cell, then the amount, whose reason stands there."""
    cells = [each for each in links(await books.page(f"/intercompany?{DAY}"), "amount") if each.startswith("/intercompany/pair")]
    amounts = [each for cell in dict.fromkeys(cells) for each in await linked(books, f"{cell}&{DAY}", "amount")]
    return list(dict.fromkeys(amounts))


def voucher_of(address: str) -> tuple[str, str]:
    """The voucher that an address is of."""
    query = dict(parse_qsl(address.partition("?")[2]))
    return query["company"], query["voucher"]


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, PARTS))])
def test_two_clicks_lead_from_every_line_of_every_scenario_to_its_sentence(database_url: str, part: int) -> None:
    async def walk() -> int:
        seen = 0
        async with shelf(database_url) as books:
            for file in FILES[part::PARTS]:
                posted = voucher_rows((await books.load(file)).books.posting)
                lines = {why(row["company"], row["voucher"], number): line for row in posted for number, line in enumerate(row["lines"], 1)}
                offered = await linked(books, "/vouchers")
                assert sorted(offered) == sorted(lines), file.name
                assert await unexplained(books, offered) == [], file.name
                between = await of_pairs(books)
                of_partners = {voucher_of(address) for address, line in lines.items() if line["partner"]}
                assert {voucher_of(address) for address in between} == of_partners, file.name
                assert await unexplained(books, between) == [], file.name
                assert await of_open(books) == [], file.name
                for row in posted[-1:]:
                    assert row["voucher"] in await books.page(f"/trace?{urlencode({'company': row['company'], 'voucher': row['voucher']})}")
                seen += len(offered)
        return seen

    assert asyncio.run(walk()) > 5_000 / PARTS / 2


def test_an_amount_leads_to_its_voucher_with_that_line_marked_and_the_reason_beside_it(database_url: str) -> None:
    async def walk() -> None:
        async with shelf(database_url) as books:
            await books.load(FILES[0])
            amounts = links(await books.page("/vouchers"), "amount")
            assert len(amounts) > 5
            for amount in amounts:
                text = await books.page(amount)
                assert text.count('class="marked"') == 1, amount
                number = re.search(r"line=(\d+)", amount)
                assert number is not None
                assert amount.replace("line=", "why=") in links(text, "why")

    asyncio.run(walk())
