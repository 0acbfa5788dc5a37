"""Lists of more than a page: each has its next page, and what is looked for is found wherever it stands."""

from __future__ import annotations

import re
from typing import Any

from tests.builders.asked_pages import SaidApi, listed, pages_on

Row = dict[str, Any]

ACTION: Row = {
    "id": "a-1", "verb": "dismiss", "actor": "anna", "at": "2026-03-12T12:00:00Z", "companies": ["FAB"], "reason": "so", "target": {},
    "before": None, "after": None, "state": "proposed", "decided_by": None, "decided_again": [], "outcome": None, "roles": [],
}  # fmt: skip
GROUP: Row = {"for": "account", "key": {"company": "FAB"}, "sentence": "account 9 in FAB", "code": "field-unknown"}


def paged(**pages: Row) -> Any:
    """A list of two pages: the first one, and that which `more` leads to."""
    return lambda given: pages["more" if given.get("cursor") == "more" else "first"]


async def test_proposals_and_groups_have_their_own_next_page() -> None:
    lists = {"/v1/companies": listed(), "/v1/journals": listed(), "/v1/actions": listed(ACTION, following="more")}
    work = {
        path: lambda given: listed(GROUP, following="more") if "group_by" in given else listed() for path in ("/v1/waiting", "/v1/refusals")
    }
    api = SaidApi({**lists, **work})
    async with pages_on(api) as client:
        for path, name in (("/approvals", "proposals"), ("/waiting", "groups"), ("/refused", "groups")):
            page = await client.get(path)
            assert f'rel="next" href="{path}?{name}=more"' in page.text, path
            await client.get(f"{path}?{name}=more&source=s")
    asked = [(path, "group_by" in given) for path, given in api.asked if given.get("cursor") == "more"]
    assert asked == [("/v1/actions", False), ("/v1/waiting", True), ("/v1/refusals", True)]


async def test_another_filter_begins_the_groups_again() -> None:
    api = SaidApi({"/v1/companies": listed(), "/v1/waiting": lambda given: listed(GROUP) if "group_by" in given else listed()})
    async with pages_on(api) as client:
        page = await client.get("/waiting?groups=more")
    assert 'href="/waiting?for=account"' in page.text


async def test_a_journal_and_a_proposal_are_asked_for_by_what_they_are_called() -> None:
    journal = {
        "company": "FAB",
        "document": "J-2",
        "status": "posted",
        "journal": "ARPAY",
        "date": "2026-03-01",
        "amount": "5.00",
        "currency": "USD",
    }
    more = {"mirrors": {"company": "FABE", "document": "P-1"}, "caused_by": {"source": "s", "id": "e"}, "reference": None, "account": "C-1"}
    found = {**journal, **more, "settlement": {"source": "s", "id": "e"}, "approval": None, "changed_at": "2026-03-12T12:00:00Z"}
    id_ = "0b5cf0b0-7f0a-4f0e-8c43-3c7a3f6a1c11"
    api = SaidApi({"/v1/companies": listed(), "/v1/journals": listed(found), "/v1/actions": listed({**ACTION, "id": id_})})
    async with pages_on(api) as client:
        pages = [await client.get("/approvals/journal?company=FAB&document=J-2"), await client.get(f"/approvals/proposal?id={id_}")]
        nowhere = await client.get("/approvals/proposal?id=a-1")
    assert [page.status_code for page in pages] == [200, 200]
    assert ("/v1/journals", {"company": "FAB", "document": "J-2", "limit": "1"}) in api.asked
    assert [given for path, given in api.asked if path == "/v1/actions"] == [{"id": id_, "limit": "1"}]
    assert nowhere.status_code == 404


async def test_home_says_that_there_are_more_than_it_counts() -> None:
    waits = {"amount": "5.00", "changed_at": "2026-03-12T11:00:00Z"}
    flow = {"data": [], "read_to": listed()["read_to"]}
    api = SaidApi({
        "/v1/companies": listed(), "/v1/waiting": {**listed(), "count": "10000+"}, "/v1/refusals": listed(),
        "/v1/journals": listed(waits, following="more"), "/v1/actions": listed(), "/v1/flow": flow,
        "/v1/flow/minutes": {**listed(), "latest": []}, "/v1/checks": {"data": {"at": None}, "read_to": None}, "/v1/intercompany": listed(),
    })  # fmt: skip
    async with pages_on(api) as client:
        page = await client.get("/")
    assert re.findall(r'<span class="figure">([^<]*)</span>', page.text) == ["10000+", "0", "1+", "0"]


async def test_a_party_is_found_by_its_code_after_many_whose_names_begin_like_it() -> None:
    others = [{"party": f"P-{number}", "name": "Acme and others", "vendors": {}, "customers": {}} for number in range(3)]
    own = {"party": "ACME", "name": "Acme", "vendors": {}, "customers": {}}
    api = SaidApi({
        "/v1/companies": listed(), "/v1/documents": listed(),
        "/v1/parties": lambda given: paged(first=listed(*others, following="more"), more=listed(own))(given) if "q" in given else listed(),
    })  # fmt: skip
    async with pages_on(api) as client:
        page = await client.get("/simulate?party=ACME")
    assert "There is no party" not in page.text
    assert ("ACME" in page.text, "Nothing is open." in page.text) == (True, True)
