"""What a reader chooses for all pages: language, colours, day and company; and what an address says of them."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import pytest

from services.web.access.roles import Role
from tests.builders.asked_pages import NoError, SaidApi, company, listed, pages_on
from tests.builders.web import of_role, with_tokens

if TYPE_CHECKING:
    import httpx

Row = dict[str, Any]
WHO, HEADERS = with_tokens(of_role(Role.READER))
HEADER = HEADERS["reader"]


def vouchers(given: Row) -> Row:
    """No vouchers; of a company that is none, what the API says of it."""
    if given.get("company") not in {None, "FAB", "FABE"}:
        raise NoError(400, "parameter-invalid", detail="there is no company")
    return listed()


def api() -> SaidApi:
    return SaidApi({"/v1/companies": listed(company("FAB"), company("FABE")), "/v1/vouchers": vouchers})


async def asked(path: str, said: SaidApi | None = None, **more: Any) -> httpx.Response:
    async with pages_on(said or api(), WHO, headers=HEADER) as client:
        return await client.get(path, **more)


def kept(answer: httpx.Response) -> dict[str, str]:
    """The cookies of an answer; an empty one is taken away."""
    found: SimpleCookie = SimpleCookie()
    for each in answer.headers.get_list("set-cookie"):
        found.load(each)
    return {name: "" if morsel["max-age"] in {"0", 0} else morsel.value for name, morsel in found.items()}


async def test_a_choice_is_kept_and_leads_back_to_the_page_with_all_that_its_address_says() -> None:
    answer = await asked("/vouchers?choose=1&company=FAB&as_of=&account=A%2F1&account=B&self=x")
    assert (answer.status_code, answer.headers["location"]) == (303, "/vouchers?account=A%2F1&account=B&self=x")
    assert kept(answer) == {"console_company": "FAB", "console_as_of": ""}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_link_of_another_site_chooses_nothing_for_the_reader(site: str) -> None:
    for path in ("/vouchers?choose=1&company=FAB", "/vouchers?language=de", "/vouchers?theme=dark"):
        answer = await asked(path, headers={"sec-fetch-site": site})
        assert (answer.status_code, kept(answer)) == (200, {}), path


async def test_nothing_is_kept_for_who_is_asked_for_under_a_foreign_name_or_has_not_signed_in() -> None:
    async with pages_on(api()) as client:
        answer = await client.get("/vouchers?choose=1&company=FAB&theme=dark", headers={"host": "x.example"})
        assert (answer.status_code, kept(answer)) == (403, {})
    async with pages_on(api(), WHO) as client:
        answer = await client.get("/vouchers?choose=1&company=FAB&theme=dark")
        assert (answer.status_code, answer.headers["location"].partition("?")[0], kept(answer)) == (303, "/sign-in", {})


@pytest.mark.parametrize(
    "choice", ["choose=1&company=NOPE", "choose=1&company=%E2%82%AC", "language=%E2%82%AC", "theme=%E2%82%AC", "choose=1&as_of=soon"]
)
async def test_what_is_not_there_is_not_kept(choice: str) -> None:
    answer = await asked(f"/vouchers?{choice}")
    assert answer.status_code == (400 if "company" in choice or "as_of" in choice else 200)
    assert kept(answer) == {}


async def test_a_company_that_is_kept_and_not_there_any_more_is_forgotten_and_the_page_is_shown() -> None:
    said = api()
    answer = await asked("/vouchers", said, headers={"cookie": "console_company=NOPE; console_as_of=x; console_theme=dark"})
    assert answer.status_code == 200
    assert kept(answer) == {"console_company": "", "console_as_of": ""}
    assert ("/v1/vouchers", {"limit": "30"}) in said.asked


async def test_a_company_that_is_kept_is_looked_at_and_its_name_may_have_any_letters() -> None:
    said = SaidApi({**api().answers, "/v1/companies": listed(company("F\N{EURO SIGN}")), "/v1/vouchers": listed()})
    chosen = await asked("/vouchers?choose=1&company=F%E2%82%AC", said)
    answer = await asked("/vouchers", said, headers={"cookie": f"console_company={kept(chosen)['console_company']}"})
    assert answer.status_code == 200
    assert ("/v1/vouchers", {"company": "F\N{EURO SIGN}", "limit": "30"}) in said.asked


async def test_a_page_that_cannot_be_shown_has_the_choice_of_companies() -> None:
    answer = await asked("/vouchers?company=NOPE")
    assert answer.status_code == 400
    assert '<option value="FABE">' in answer.text


async def test_changing_the_language_keeps_what_stands_in_the_address_more_than_once() -> None:
    answer = await asked("/vouchers?mark=FAB/1&mark=FAB/2")
    assert 'href="/vouchers?mark=FAB%2F1&amp;mark=FAB%2F2&amp;language=de"' in answer.text


@pytest.mark.parametrize("path", ["/", "/vouchers", "/open", "/intercompany", "/accounts", "/account", "/document", "/trace"])
async def test_a_day_that_cannot_be_read_is_said_and_not_taken_for_today(path: str) -> None:
    for day in ("nonsense", "2026-02-30", "13/13/2026"):
        answer = await asked(path, params={"as_of": day})
        assert answer.status_code == 400
        assert f"as_of: {day} is not a day" in answer.text.replace("&#34;", "")


@pytest.mark.parametrize(("language", "day"), [("de", "12.03.2026"), ("fr", "12 mars 2026"), ("nl", "12 mrt 2026"), ("en", "12/03/2026")])
async def test_a_day_may_be_in_the_readers_form(language: str, day: str) -> None:
    said = SaidApi({**api().answers, "/v1/balances": listed()})
    answer = await asked("/accounts", said, params={"as_of": day}, headers={"accept-language": language})
    assert answer.status_code == 200
    assert next(given["as_of"] for path, given in said.asked if path == "/v1/balances") == "2026-03-12"
