"""What a mend names: taken where it is there, whatever the case; made anew only where the reader says so; figures in the reader's form."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from services.web.console import formats
from services.web.console.pages import mend as mending
from services.web.console.pages import refusals
from services.web.console.pages.named import alike
from services.web.console.pages.simulate import view as simulate
from services.web.console.rendering import rendered
from services.web.languages import Language
from tests.builders.asked_pages import SaidApi, listed, pages_on
from tests.builders.console import MadeUpApi, made_up_reader

ACME = {"party": "ACME", "name": "Acme Industries", "customers": {}, "vendors": {"FAB": ["V-1"]}}
OTHER = {"party": "OTHER", "name": "acme industries", "customers": {}, "vendors": {}}
DONE = {"action": "a", "state": "done"}
KEY = {"for": "account", "key_company": "FAB", "key_ledger": "payable", "key_account": "V-2"}

RATE = {"for": "exchange-rate", "key_company": "FAB", "key_from": "GBP", "key_to": "USD", "key_date": "2026-03-17"}
RELATION = {"for": "trading-relation", "key_seller": "FABW", "key_buyer": "FABE", "key_vendor": "IC-WEST"}
STATE: dict[str, Any] = {"source": "s", "id": "e", "state": "posted", "waits": [], "refusals": []}
POSTED = count()


def waits(address: dict[str, str]) -> dict[str, Any]:
    """An event that waits for what an address names."""
    key = {name.removeprefix("key_"): value for name, value in address.items() if name != "for"}
    return {"event": {"source": "s", "id": "e"}, "key": key, **dict.fromkeys(("document", "company", "currency", "amount"))}


def answers(*parties: dict[str, Any]) -> dict[str, Any]:
    """What the API says where these parties are there."""
    version = {"position": 3, "type": "party.defined"}
    versions = {f"party/{each['party']}": {"data": {"versions": [{**version, "data": each}]}} for each in parties}
    return {
        "/v1/parties": {"data": list(parties)},
        "/v1/waiting": {"data": [waits(key) for key in (KEY, RATE, RELATION)]},
        "/v1/event": lambda _: {**STATE, "vouchers": [*range(next(POSTED))]},
        "/v1/reference/entity": lambda asked: versions.get(asked["key"]),
        "PUT /v1/reference/entity": DONE,
        "/v1/search": {"data": []},
    }


async def mended(parties: tuple[dict[str, Any], ...], *sent: tuple[str, str]) -> tuple[dict[str, Any], MadeUpApi]:
    """The page once a form was sent that names the party of an account."""
    reader = made_up_reader(answers(*parties), path="/waiting/mend", sent=[*sent, ("reason", "month end")], address=KEY)
    api: Any = reader.api
    return await mending.mend(reader), api


@pytest.mark.parametrize("entered", ["ACME", "Acme", "acme", "Acme Industries", "ACME INDUSTRIES"])
async def test_a_party_that_is_there_is_taken_by_its_code_or_name_whatever_the_case_and_it_is_said_which(entered: str) -> None:
    page, api = await mended((ACME,), ("party", entered))
    (_, body), *_ = api.ordered
    assert (body["data"]["party"], body["data"]["vendors"]) == ("ACME", {"FAB": ["V-1", "V-2"]})
    assert [(each.value, each.called) for each in page["taken"]] == [("ACME", "Acme Industries")]


async def test_a_party_that_is_not_there_is_made_only_where_this_very_name_is_said_to_be_new() -> None:
    page, api = await mended((ACME,), ("party", "Acmee"))
    assert api.ordered == []
    assert page["form"].wrong == {"/party": "There is no party Acmee yet."}
    assert 'name="new" value="Acmee"' in rendered(made_up_reader({}), "pages/mend.html", page)
    _, of_another = await mended((ACME,), ("party", "Acmee"), ("new", "Acme & Co"))
    assert of_another.ordered == []
    _, made = await mended((ACME,), ("party", "Acmee"), ("name", "Acme E"), ("new", "Acmee"))
    ((_, body),) = made.ordered
    assert body["data"] == {"party": "Acmee", "name": "Acme E", "vendors": {"FAB": ["V-2"]}}


async def test_a_name_that_two_parties_have_is_taken_for_neither() -> None:
    page, api = await mended((ACME, OTHER), ("party", "Acme Industries"), ("new", "Acme Industries"))
    assert api.ordered == []
    assert "ACME (Acme Industries), OTHER (acme industries)" in page["form"].wrong["/party"]
    assert alike("ACME", [ACME, {**OTHER, "name": "acme"}]) == [ACME]


async def test_a_party_that_is_there_keeps_its_name() -> None:
    _, api = await mended((ACME,), ("party", "ACME"), ("name", "Something else"))
    assert api.ordered[0][1]["data"]["name"] == "Acme Industries"


async def test_a_trading_relation_does_not_name_an_account_or_a_journal_that_is_not_there() -> None:
    sent = [("customer", "IC-EAS"), ("journal", "ARPAY"), ("post", "no"), ("reason", "month end")]
    reader = made_up_reader(answers(), path="/waiting/mend", sent=sent, address=RELATION)
    page = await mending.mend(reader)
    assert page["form"].wrong == {
        "/customer": "There is no customer account IC-EAS yet.",
        "/journal": "There is no payment journal ARPAY yet.",
    }
    again = made_up_reader(answers(), path="/waiting/mend", sent=[*sent, ("new", "IC-EAS"), ("new", "ARPAY")], address=RELATION)
    assert (await mending.mend(again))["form"].done == DONE


@pytest.mark.parametrize(("language", "entered"), [(Language.GERMAN, "1,0712"), (Language.DUTCH, "1,0712"), (Language.FRENCH, "1.0712")])
async def test_a_rate_is_taken_in_the_readers_form_or_plain(language: Language, entered: str) -> None:
    sent = [("date", "2026-03-17"), ("rate", entered), ("for", "all"), ("reason", "month end")]
    reader = made_up_reader(answers(), path="/waiting/mend", language=language, sent=sent, address=RATE)
    await mending.mend(reader)
    api: Any = reader.api
    assert api.ordered[0][1]["data"]["rate"] == "1.0712"


async def test_what_is_no_number_is_said_once_at_its_field_in_the_readers_language() -> None:
    sent = [("date", "2026-03-17"), ("rate", "1,07,12"), ("for", "all"), ("reason", "month end")]
    reader = made_up_reader(answers(), path="/waiting/mend", language=Language.GERMAN, sent=sent, address=RATE)
    page = await mending.mend(reader)
    api: Any = reader.api
    assert api.ordered == []
    assert page["form"].wrong == {"/rate": "1,07,12 ist keine Zahl. Schreiben Sie 1234.50 oder 1.234,50."}
    assert page["form"].value("rate") == "1,07,12"


async def test_the_amounts_of_a_refused_event_are_taken_in_the_readers_form_and_other_fields_as_they_are() -> None:
    data = {"document": "1.234", "amount": "5.00", "lines": [{"amount": "5.00"}]}
    refusal = {"id": "r", "event": {"source": "s", "id": "e"}, "code": "c", "scope": "event", "type": "t", "field": "/amount"}
    found = {**refusal, "message": "no", "original": {"data": data, "type": "t"}}
    fields = [("f:/document", "1.234"), ("f:/amount", "1.234,50"), ("f:/lines/0/amount", "\N{MINUS SIGN}2,5")]
    simulated: dict[str, Any] = {"unreadable": [], "rejected": [], "vouchers": [], "open": [], "waiting": []}
    said = {"/v1/refusal": {"data": found}, "/v1/simulate": simulated}
    reader = made_up_reader(said, language=Language.GERMAN, sent=[*fields, ("do", "try")], address={"id": "r"})
    await refusals.event(reader)
    api: Any = reader.api
    ((_, body),) = api.ordered
    assert body["events"][0]["data"] == {"document": "1.234", "amount": "1234.50", "lines": [{"amount": "-2.5"}]}
    wrong = made_up_reader(said, language=Language.GERMAN, sent=[("f:/amount", "5,5,5"), ("do", "try")], address={"id": "r"})
    assert list((await refusals.event(wrong))["form"].wrong) == ["/amount"]


def test_a_number_may_have_a_sign_and_what_is_none_is_none() -> None:
    said = [formats.number(Language.GERMAN, each) for each in ("-1.234,50", "\N{MINUS SIGN}3", "12 000,5", "12,500.00", "viel", "")]
    assert said == ["-1234.50", "-3", "12000.5", None, None, None]


async def test_a_settlement_is_simulated_for_a_party_by_its_name_too() -> None:
    said = {"/v1/parties": {"data": [ACME]}, "/v1/documents": {"data": []}}
    reader = made_up_reader(said, path="/simulate", address={"party": "acme industries"})
    page: Any = await simulate(reader)
    api: Any = reader.api
    assert page["s"].entered.party == "ACME"
    assert next(given for path, given in api.asked if path == "/v1/documents")["party"] == "ACME"


async def test_an_amount_of_a_settlement_that_is_none_is_said_at_its_field_in_the_readers_language_and_not_asked_for() -> None:
    said = {"/v1/parties": {"data": [ACME]}, "/v1/documents": {"data": []}}
    sent = [("party", "ACME"), ("mark", "FAB/I-1"), ("amount", "12,500.00"), ("take.FAB/I-1", "9,5"), ("take.FAB/I-2", "viel")]
    reader = made_up_reader(said, path="/simulate", language=Language.GERMAN, sent=sent)
    reader.companies = [{"company": "FAB"}]
    page: Any = await simulate(reader)
    api: Any = reader.api
    assert page["wrong"] == {"amount": "12,500.00 ist keine Zahl. Schreiben Sie 1234.50 oder 1.234,50."}
    assert (page["event"], api.ordered) == (None, [])
    assert 'aria-describedby="wrong-amount"' in rendered(made_up_reader({}), "pages/simulate.html", page)


async def test_a_date_of_a_reversal_is_taken_in_the_readers_form_and_what_is_none_is_said_at_its_field() -> None:
    address = "/reverse?ledger=payable&settlement=M&source=erp"
    nothing: dict[str, Any] = {"vouchers": [], "open": [], "waiting": [], "rejected": [], "unreadable": []}
    api = SaidApi({"/v1/companies": listed(), "/v1/simulate": nothing})
    async with pages_on(api, headers={"accept-language": "de"}) as client:
        await client.get(f"{address}&date=31.03.2026")
        wrong = await client.get(f"{address}&date=31.02.2026")
    assert [given["events"][0]["data"]["date"] for _, given, _ in api.ordered] == ["2026-03-31"]
    assert "31.02.2026 ist kein Datum" in wrong.text
