"""What a form meets on its way: that it is of a page of ours, that who sent it is signed in, and that the books can be asked."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request

from services.web.access.roles import Role
from services.web.console.api import _next
from services.web.console.app import refuse_foreign
from services.web.console.forms import Form, Submitted
from services.web.console.pages.refusals import _sent_data
from services.web.problems import ProblemError
from tests.builders.asked_pages import NoError, SaidApi, pages_on
from tests.builders.web import of_role, with_tokens
from tests.unit.console.rendered import content, reader

if TYPE_CHECKING:
    import httpx

WHO, HEADERS = with_tokens(of_role(Role.READER))
TOKEN = HEADERS["reader"]["Authorization"].partition(" ")[2]


def hidden(page: str, name: str) -> str:
    """What a page's form sends along under a name."""
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


async def signed_in(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    """The answer to a token that counts, sent from the page that asks for one."""
    page = await client.get("/sign-in")
    return await client.post("/sign-in", data={"token": hidden(page.text, "token"), "given": TOKEN}, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "http://evil.example"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://["},
    ],
)
async def test_no_page_of_another_site_signs_anybody_in(headers: dict[str, str]) -> None:
    async with pages_on(SaidApi({}), WHO) as client:
        answer = await signed_in(client, **headers)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (403, None)
        assert "another site" in answer.text


@pytest.mark.parametrize(
    "headers", [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "http://localhost:8088"}]
)
async def test_a_page_of_ours_does(headers: dict[str, str]) -> None:
    async with pages_on(SaidApi({}), WHO) as client:
        answer = await signed_in(client, **headers)
        assert (answer.status_code, "__Host-session" in answer.headers.get("set-cookie", "")) == (303, True)


def posted(**headers: str) -> Request:
    """A form that was sent with these headers."""
    return Request({"type": "http", "method": "POST", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})


def test_behind_a_proxy_a_page_of_the_public_address_is_ours_and_no_other() -> None:
    behind = posted(host="web:8088", origin="https://books.example")
    refuse_foreign(behind, "https://books.example/")
    refuse_foreign(posted(host="books.example", origin="https://books.example"), None)
    for public in (None, "https://other.example/"):
        with pytest.raises(ProblemError):
            refuse_foreign(behind, public)


async def test_whoever_signs_in_again_over_a_form_comes_back_to_its_page_with_what_its_address_says() -> None:
    async with pages_on(SaidApi({}), WHO) as client:
        answer = await client.post("/waiting/mend?for=company&key_company=NEW", data={"reason": "x"})
        assert answer.headers["location"] == "/sign-in?next=%2Fwaiting%2Fmend%3Ffor%3Dcompany%26key_company%3DNEW"


def away(_: dict[str, Any]) -> Any:
    """The database does not answer."""
    raise NoError(503, "database-away")


async def test_a_form_that_meets_a_database_that_is_away_has_its_fields_and_its_key_still() -> None:
    api = SaidApi({"/v1/companies": away})
    async with pages_on(api, WHO, headers=HEADERS["reader"]) as client:
        token = await form_token(client)
        sent = {"token": token, "key": "k1", "reason": 'a "good" reason', "name": "New & Co"}
        answer = await client.post("/waiting/mend?for=company&key_company=NEW", data=sent, headers={"cookie": "console_company=FAB"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert hidden(answer.text, "key") == "k1"
        assert hidden(answer.text, "reason") == "a &#34;good&#34; reason"
        assert hidden(answer.text, "name") == "New &amp; Co"
        assert 'action="/waiting/mend?for=company&amp;key_company=NEW"' in answer.text


async def form_token(client: httpx.AsyncClient) -> str:
    """The token of a form of the reader's: the one that signs out."""
    return hidden((await client.get("/rules")).text, "token")


async def test_nothing_is_left_behind_where_nobody_listens_any_more() -> None:
    parts: asyncio.Queue[Any] = asyncio.Queue()
    answering: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    before = asyncio.all_tasks()
    listening = asyncio.ensure_future(_next(parts, answering))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    listening.cancel()
    await asyncio.wait({listening})
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "[1]", "1", '"x"', "{"])
def test_what_the_api_would_not_read_as_an_events_data_is_said_and_not_made_into_something_else(text: str) -> None:
    form = Form()
    who = reader()
    who.sent = Submitted([("as", "json"), ("json", text)])
    assert _sent_data(who, {}, form) is None
    assert form.wrong["/"]


def test_a_name_written_from_right_to_left_turns_nothing_but_itself() -> None:
    hit = {"address": "/x", "name": "X", "kind": "party", "ledger": None, "company": None, "title": "a\u202eb"}
    assert "<bdi>a\u202eb</bdi>" in content("search.html", hits=[hit], wanted="X")
