"""What a mend may replace: nothing that nothing waits for, and no version that its form has not shown."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from tests.builders.asked_pages import NoError, SaidApi, company, listed, one, pages_on

if TYPE_CHECKING:
    import httpx

Row = dict[str, Any]

PAIR = {"company": "FAB", "partner": "FABE"}
ADDRESS = "/waiting/mend?for=intercompany-accounting&key_company=FAB&key_partner=FABE"
ACCOUNT = {"company": "FAB", "ledger": "payable", "account": "V-1"}
OF_ACCOUNT = "/waiting/mend?for=account&key_company=FAB&key_ledger=payable&key_account=V-1"

VOUCHER = {"company": "FAB", "voucher": "AP-1"}
POSTED = count(1)


def wait(key: Row) -> Row:
    """An event that waits for what has this key."""
    return {"event": {"source": "s", "id": "e"}, "key": key, "document": "VI-1", "company": "FAB", "currency": "USD", "amount": "5.00"}


class Master(SaidApi):
    """An API with one entity, which has versions, and one wait."""

    def __init__(self, *waits: Row) -> None:
        self.pages: dict[str, Row] = {"": listed(*waits)}
        state = {"source": "s", "id": "e", "state": "posted", "waits": [], "refusals": [], "documents": []}
        super().__init__({
            "/v1/companies": listed(company("FAB")), "/v1/parties": listed({"party": "ACME", "name": "Acme"}),
            "/v1/waiting": lambda given: self.pages[given.get("cursor", "")],
            "/v1/event": lambda _: {**state, "vouchers": [VOUCHER] * next(POSTED)},
            "GET /v1/reference/entity": self.read, "PUT /v1/reference/entity": self.write,
        })  # fmt: skip
        self.versions: list[Row] = []
        self.meanwhile = 0

    def read(self, _: Row) -> Row:
        """The versions of the entity."""
        if not self.versions:
            raise NoError(404, "not-found")
        return one({"versions": self.versions})

    def write(self, given: Row) -> Row:
        """Another version, over the one that is named."""
        self.define(*([] if not self.meanwhile else [{"due_from": "1999"}] * self.meanwhile))
        asked = self.ordered[-1][2]["if-match"]
        if asked != f'"{len(self.versions)}"':
            raise NoError(412, "version-changed", detail="changed")
        self.define(given["data"])
        return {"action": "a", "state": "done", "position": len(self.versions)}

    def define(self, *data: Row) -> None:
        """Somebody defines it."""
        for each in data:
            self.versions.append({"position": len(self.versions) + 1, "type": "intercompany-accounting.defined", "data": {**PAIR, **each}})

    @property
    def sent(self) -> list[Row]:
        """What was sent to be defined."""
        return [body["data"] for _, body, _ in self.ordered]


def hidden(page: httpx.Response, name: str) -> str:
    """What a hidden field sends."""
    return page.text.partition('class="order"')[2].partition(f'name="{name}" value="')[2].partition('"')[0]


async def save(client: httpx.AsyncClient, page: httpx.Response, address: str = ADDRESS, **fields: str) -> httpx.Response:
    """Sends the form of a page."""
    kept = {name: hidden(page, name) for name in ("token", "key", "seen")}
    return await client.post(address, data={**kept, "reason": "month end", **fields})


async def test_what_nothing_waits_for_has_no_form_and_is_not_saved() -> None:
    for address, key, other in ((ADDRESS, PAIR, ACCOUNT), (OF_ACCOUNT, ACCOUNT, {**ACCOUNT, "account": "V-2"})):
        api = Master(wait(key))
        async with pages_on(api) as client:
            page = await client.get(address)
            api.pages = {"": listed(wait(other))}
            answer = await save(client, page, address, party="ACME", due_from="1300")
            again = await client.get(address)
        for each in (answer, again):
            assert 'class="order"' not in each.text
            assert "Nothing waits for it any more." in each.text
        assert (answer.status_code, api.ordered) == (200, [])


async def test_what_waits_for_one_thing_is_asked_for_by_its_key_and_more_than_a_page_is_said() -> None:
    api = Master()
    api.pages = {"": listed(wait(PAIR), wait(PAIR), following="more")}
    async with pages_on(api) as client:
        page = await client.get(ADDRESS)
    assert "2+ events resume" in page.text
    assert [given["key"] for path, given in api.asked if path == "/v1/waiting"] == ["FAB FABE"]


async def test_a_version_that_somebody_has_made_meanwhile_is_shown_and_not_replaced_unseen() -> None:
    api = Master(wait(PAIR))
    async with pages_on(api) as client:
        page = await client.get(ADDRESS)
        api.define({"due_from": "1310"})
        answer = await save(client, page, due_from="1300")
        assert api.sent == []
        assert "defined already" in answer.text
        assert "<dd>1310</dd>" in answer.text
        assert 'name="due_from" value="1300"' in answer.text
        again = await save(client, answer, due_from="1300")
    assert "Saved." in again.text
    assert api.sent == [{**PAIR, "due_from": "1300"}]


async def test_what_is_in_force_stands_beside_the_form_and_is_replaced_by_who_has_seen_it() -> None:
    api = Master(wait(PAIR))
    api.define({"due_from": "1310"})
    async with pages_on(api) as client:
        page = await client.get(ADDRESS)
        assert "<dd>1310</dd>" in page.text
        assert "Saved." in (await save(client, page, due_from="1300")).text
    assert api.versions[-1]["data"]["due_from"] == "1300"


async def test_a_version_that_comes_between_reading_and_writing_is_shown() -> None:
    api = Master(wait(PAIR))
    async with pages_on(api) as client:
        page = await client.get(ADDRESS)
        api.meanwhile = 1
        answer = await save(client, page, due_from="1300")
    assert "<dd>1999</dd>" in answer.text
    assert [each["data"]["due_from"] for each in api.versions] == ["1999"]
