"""Whatever an address or a form of a page says: what is wrong is said, and no page fails, over the real API and its books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.files.exports.columns import LISTINGS
from services.web.console.pages import PAGES
from tests.live.web.api import ALL, api_on

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.embedded

Pairs = list[tuple[str, str]]

OURS: Final = 500
EXAMPLES: Final = 150
ENDLESS: Final = "/flow/stream"
NAMES: Final = (
    *("language", "theme", "choose", "company", "as_of", "cursor", "self", "path", "part", "line", "why", "mark", "settles", "pick"),
    *("ledger", "document", "voucher", "event", "source", "settlement", "party", "account", "currency", "kind", "from", "to", "min"),
    *("list", "limit", "count", "date", "amount", "rate", "take.FABE/VI-4", "discount.FABE/VI-4", "use.FABE/VI-4", "for", "id", "q"),
    *("key_company", "key_ledger", "key_account", "key_date", "key_partner", "key_from", "key_to", "next", "by", "top", "sort", "payer"),
    *("state", "code", "scope", "older_than", "only", "partner", "posting_type", "what", "reason", "do", "as", "json", "more_name"),
)
VALUES: Final = (
    *("1", "0", "-1", "\N{SUPERSCRIPT TWO}", "9" * 6000, "1.234", "1,5", "x", "\N{EURO SIGN}", "\x00", "//[", "/\\[", "%", "\ud800"),
    *(
        "2026-03-12",
        "2026-02-30",
        "12.03.2026",
        "9999-12-31",
        "0001-01-01",
        "FAB",
        "FABE",
        "NOPE",
        "payable",
        "receivable",
        "AP-SET-000001",
    ),
    *("?ledger=payable&company=FABE&document=VI-4", "?ledger=payable&as_of=2026-01-01&self=1", "FABE/VI-4", "FAB/", "/", "VI-4", "VPAY-4"),
    *("account", "exchange-rate", "period", "company", "trading-relation", "json", "why", "try", "send", "approve", "de", "scenario"),
    *(
        "/x/\N{SUPERSCRIPT TWO}",
        "/a" * 3000,
        "/x/" + "9" * 5000,
        '{"a":' + "[" * 900 + "]" * 900 + "}",
        "payment",
        *LISTINGS,
        "xlsx",
        "voucher",
    ),
)
WORDS = st.sampled_from(VALUES) | st.text(max_size=12)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(min_size=1, max_size=8), WORDS), max_size=6)


def clean(pairs: Pairs) -> Pairs:
    """Without what no browser can send."""
    return [(name.encode(errors="replace").decode(), value.encode(errors="replace").decode()) for name, value in pairs]


async def ask(client: httpx.AsyncClient, headers: dict[str, str], path: str, pairs: Pairs, fields: Pairs | None) -> int:
    """The status of a page; of one with a form, where there are `fields`, of the form that is sent."""
    client.cookies.clear()
    if fields is None:
        return (await client.get(path, params=urlencode(pairs), headers=headers)).status_code
    page = await client.get("/reverse", headers=headers)
    token = page.text.partition('name="token" value="')[2].partition('"')[0]
    body = {"token": token, **dict(fields)}
    return (await client.post(path, params=urlencode(pairs), data=body, headers=headers)).status_code


Asked = tuple[str, Pairs, Pairs | None]


def made_up() -> list[Asked]:
    """Addresses, and forms of pages that take them: made first, since what they do to the books is not to decide what is asked next."""
    found: list[Asked] = []

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(st.sampled_from(sorted(set(PAGES) - {ENDLESS})), PAIRS, st.none() | PAIRS)
    def keep(path: str, pairs: Pairs, fields: Pairs | None) -> None:
        found.append((path, clean(pairs), clean(fields) if fields is not None and PAGES[path].takes_forms else None))

    keep()
    return found


async def test_no_page_fails_whatever_is_asked_of_it() -> None:
    asked = made_up()
    assert len(asked) >= EXAMPLES
    async with api_on("nopagefails") as api:
        headers = {**api.headers[ALL.name], "accept": "text/html"}
        failed = [each for each in asked if await ask(api.client, headers, *each) >= OURS]
    assert not failed, "\n".join(str(each)[:300] for each in failed)
