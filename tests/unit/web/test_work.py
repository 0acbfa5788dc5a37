"""The work lists without a database: what is selected, how it is grouped and said, and what of it a reader sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.desk.about import about
from services.web.access.roles import Role
from services.web.languages import Language, texts
from services.web.routes.work import REASONS, age_in_words
from tests.builders.web import NOW, MadeUp, app_of, asking, made_up_ports, of_role, with_tokens

READERS = (of_role(Role.READER), of_role(Role.READER, "FABE"))
WHO, HEADERS = with_tokens(READERS[0])
OF_FABE, HEADERS_OF_FABE = with_tokens(READERS[1])
APP, APP_OF_FABE = app_of(made_up_ports(), WHO), app_of(made_up_ports(), OF_FABE)
"""Two applications for all: making one takes longer than any request."""


@dataclass
class Lists(MadeUp):
    """Schemas whose pages end: what is after a place is nothing."""

    async def fetch(self, query: str, *arguments: Any) -> Any:
        if ("(since, sequence) > ($1, $2)" in query and arguments[1] >= 0) or ("order by rejected_at desc" in query and arguments[2]):
            self.asked.append((query, arguments))
            return []
        found = await super().fetch(query, *arguments)
        return [row for row in found if row["sequence"] in arguments[0]] if "w.sequence = any" in query else found


def wait(sequence: int, hours: int, amount: str, company: str = "FAB", currency: str = "USD") -> tuple[dict[str, Any], dict[str, Any]]:
    row = {
        "source": "/erp", "id": f"E{sequence}", "reason": "account", "what": "document", "since": NOW - timedelta(hours=hours),
        "sequence": sequence, "key": orjson.dumps({"company": company, "ledger": "payable", "account": "9999"}).decode(),
    }  # fmt: skip
    data = {"company": company, "account": "9999", "document": f"VI-{sequence}", "currency": currency, "amount": amount}
    return row, {"sequence": sequence, "type": "vendor-invoice.posted", "data": orjson.dumps(data).decode()}


def waiting(*entries: tuple[dict[str, Any], dict[str, Any]]) -> Lists:
    rows, said = [row for row, _ in entries], [said for _, said in entries]
    return Lists({PAGE: rows, "where w.sequence = any": said})


PAGE = "body->>'stage' as what from waiting where (since"
THREE = (wait(1, 2, "1000.00"), wait(2, 1, "200.00"), wait(3, 0, "40.00"))


async def asked(schemas: MadeUp, path: str, language: str = "en", *, of_fabe: bool = False, **parameters: Any) -> Any:
    app = APP_OF_FABE if of_fabe else APP
    app.state.ports = made_up_ports(schemas=schemas)
    headers = (HEADERS_OF_FABE if of_fabe else HEADERS)["reader"]
    async with asking(app) as client:
        return await client.get(path, params=parameters, headers={**headers, "accept-language": language})


async def test_an_entry_says_what_it_is_about_and_for_how_long_it_waits() -> None:
    answer = await asked(waiting(THREE[0]), "/v1/waiting")
    (row,) = answer.json()["data"]
    assert [row[name] for name in ("company", "ledger", "document", "currency", "amount")] == ["FAB", "payable", "VI-1", "USD", "1000.00"]
    assert (row["age_seconds"], row["for"], row["key"]["account"], row["type"]) == (
        7200,
        "account",
        "9999",
        "vendor-invoice.posted",
    )


async def test_what_waits_for_the_same_thing_is_one_group_with_a_sentence() -> None:
    answer = await asked(waiting(*THREE), "/v1/waiting", group_by="missing")
    (group,) = answer.json()["data"]
    assert group["sentence"] == "account 9999 in FAB: 3 events, 1,240.00 USD, oldest 2 h"
    assert (group["events"], group["amounts"], group["age_seconds"]) == (3, [{"currency": "USD", "amount": "1240.00"}], 7200)
    german = await asked(waiting(*THREE), "/v1/waiting", "de", group_by="missing")
    assert german.json()["data"][0]["sentence"] == "Konto 9999 in FAB: 3 Ereignisse, 1.240,00 USD, ältestes 2 h"


async def test_groups_add_up_per_currency_and_are_paged_the_oldest_first() -> None:
    entries = (wait(1, 9, "5.00", "FABE"), wait(2, 8, "1.00"), wait(3, 7, "2.00", currency="EUR"), wait(4, 6, "3.00"))
    first = (await asked(waiting(*entries), "/v1/waiting", group_by="missing", limit=1, count="true")).json()
    assert ([group["key"]["company"] for group in first["data"]], first["count"]) == (["FABE"], 2)
    second = (await asked(waiting(*entries), "/v1/waiting", group_by="missing", limit=1, cursor=first["next"])).json()
    assert [group["amounts"] for group in second["data"]] == [
        [{"currency": "EUR", "amount": "2.00"}, {"currency": "USD", "amount": "4.00"}]
    ]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ["E1", "E2", "E3"]),
        ({"company": "FAB"}, ["E1", "E3"]),
        ({"company": "NOBODY"}, []),
        ({"older_than": "90m"}, ["E1"]),
        ({"older_than": "3600s"}, ["E1"]),
        ({"older_than": "59m"}, ["E1", "E2"]),
        ({"for": "period"}, []),
        ({"for": "account", "source": "/erp"}, ["E1", "E2", "E3"]),
        ({"source": "/erp2"}, []),
    ],
)
async def test_filters_select_what_waits(parameters: dict[str, Any], found: list[str]) -> None:
    entries = (THREE[0], wait(2, 1, "200.00", "FABE"), THREE[2])
    answer = await asked(waiting(*entries), "/v1/waiting", **parameters)
    assert [row["event"]["id"] for row in answer.json()["data"]] == found
    counted = await asked(waiting(*entries), "/v1/waiting", count="true", limit=1, **parameters)
    assert counted.json()["count"] == len(found)


async def test_a_page_goes_on_where_the_one_before_ended() -> None:
    first = (await asked(waiting(*THREE), "/v1/waiting", limit=2)).json()
    assert [row["event"]["id"] for row in first["data"]] == ["E1", "E2"]
    schemas = waiting(THREE[2])
    await asked(schemas, "/v1/waiting", limit=2, cursor=first["next"])
    places = [arguments[:2] for query, arguments in schemas.asked if "(since, sequence) > ($1, $2)" in query]
    assert (NOW - timedelta(hours=1), 2) in places


async def test_what_is_of_other_companies_alone_is_not_there() -> None:
    entries = (THREE[0], wait(2, 1, "200.00", "FABE"))
    answer = await asked(waiting(*entries), "/v1/waiting", of_fabe=True)
    assert [row["event"]["id"] for row in answer.json()["data"]] == ["E2"]
    assert (await asked(waiting(*entries), "/v1/waiting", of_fabe=True, company="FAB")).status_code == 404


def refused(number: int, hours: int, original: Any, code: str = "amounts-disagree", scope: str = "event") -> dict[str, Any]:
    return {
        "id": UUID(int=number), "rejected_at": NOW - timedelta(hours=hours), "source": "/erp", "event": f"E{number}", "scope": scope,
        "code": code, "field": "/data/amount", "message": "it is too much", "replays": 0, "again_at": None,
        "original": orjson.dumps(original).decode(),
        "topic": None, "headers": None,
    }  # fmt: skip


def original(company: str, amount: str) -> dict[str, Any]:
    data = {"company": company, "account": "1", "document": "VP-1", "currency": "USD", "amount": amount}
    return {"type": "intercompany.vendor-payment.posted.v1", "data": data}


@dataclass
class Refusals(Lists):
    """Refusals that the settlement service keeps, and what was done about them."""

    rows: tuple[dict[str, Any], ...] = ()

    async def fetch(self, query: str, *arguments: Any) -> Any:
        if "original, topic" in query:
            return [row for row in self.rows if row["id"] in arguments[0]] if self.rows else []
        if "order by rejected_at desc" in query and not any("order by rejected_at desc" in each for each, _ in self.asked):
            self.asked.append((query, arguments))
            before: datetime | None = arguments[2]
            return [row for row in self.rows if before is None or row["rejected_at"] < before]
        return [] if "order by rejected_at desc" in query else await super().fetch(query, *arguments)


TWO = (refused(1, 1, original("FAB", "5.00")), refused(2, 2, original("FABE", "7.00"), "invalid", "settlement"))


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ["E1", "E2"]),
        ({"company": "FABE"}, ["E2"]),
        ({"scope": "settlement"}, ["E2"]),
        ({"source": "/erp"}, ["E1", "E2"]),
        ({"source": "/x"}, []),
        ({"older_than": "90m"}, ["E2"]),
        ({"state": "dismissed"}, []),
    ],
)
async def test_filters_select_what_was_refused(parameters: dict[str, Any], found: list[str]) -> None:
    answer = await asked(Refusals(rows=TWO), "/v1/refusals", **parameters)
    assert [row["event"]["id"] for row in answer.json()["data"]] == found, answer.text


async def test_a_refusal_that_was_dismissed_is_off_the_list_and_can_be_listed() -> None:
    done = {"from refusal_states": [{"refusal": UUID(int=1), "state": "dismissed", "at": NOW}]}
    assert [row["event"]["id"] for row in (await asked(Refusals(done, rows=TWO), "/v1/refusals")).json()["data"]] == ["E2"]
    (row,) = (await asked(Refusals(done, rows=TWO), "/v1/refusals", state="dismissed")).json()["data"]
    assert (row["event"]["id"], row["state"], row["amount"], row["age_seconds"]) == ("E1", "dismissed", "5.00", 3600)


async def test_refusals_are_grouped_by_code_and_company() -> None:
    answer = await asked(Refusals(rows=TWO), "/v1/refusals", group_by="missing")
    assert [group["sentence"] for group in answer.json()["data"]] == [
        "invalid in FABE: 1 event, 7.00 USD, oldest 2 h",
        "amounts-disagree in FAB: 1 event, 5.00 USD, oldest 1 h",
    ]


async def test_what_names_no_company_is_shown_to_who_sees_all() -> None:
    rows = (refused(1, 1, {"type": 5, "data": [1]}, "malformed"),)
    assert len((await asked(Refusals(rows=rows), "/v1/refusals")).json()["data"]) == 1
    assert (await asked(Refusals(rows=rows), "/v1/refusals", of_fabe=True)).json()["data"] == []


@pytest.mark.parametrize(
    "data",
    [
        None, [], "x", {"company": ["FAB"]}, {"company": "FAB\x00", "document": "\ud800"}, {"ledger": {}, "company": "FAB"},
        {"company": "FAB", "currency": [], "amount": {}}, {"company": "FAB", "currency": "USD", "amount": "NaN"},
        {"company": "FAB", "currency": "USD", "amount": "1e999999"}, {"company": "FAB", "currency": "USD", "amount": "x"},
        {"settle": [1, None, {"company": 5}], "document": {"company": []}},
    ],
)  # fmt: skip
def test_nothing_in_a_refused_event_makes_a_failure(data: Any) -> None:
    for kind in (None, 5, "", "vendor", "intercompany.vendor-payment.posted.v1"):
        assert about(kind, data).as_row(None)["amount"] is None


def test_a_request_is_about_the_document_that_it_names_and_has_to_do_with_all_companies_of_it() -> None:
    marks = [{"company": "FAB", "document": "VP-1"}, {"company": "FABE", "document": "VI-2"}]
    found = about("settlement.requested", {"ledger": "payable", "settle": marks})
    assert (found.company, found.document, found.ledger, set(found.companies)) == ("FAB", "VP-1", "payable", {"FAB", "FABE"})
    reversal = about("document-reversal.requested", {"ledger": "receivable", "document": {"company": "FAB", "document": "CI-1"}})
    assert reversal.key == ("receivable", "FAB", "CI-1")
    draft = {"seller": "FABE", "buyer": "FAB", "vendor": "4050", "company": "FAC", "document": "VP-1", "currency": "USD", "amount": "1.00"}
    journal = about("vendor-payment.posted", draft)
    assert (journal.account, set(journal.companies)) == (("payable", "FAB", "4050"), {"FAB", "FABE", "FAC"})


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/waiting", "for", "nothing"),
        ("/v1/waiting", "older_than", "2w"),
        ("/v1/waiting", "older_than", "999999d"),
        ("/v1/waiting", "group_by", "code"),
        ("/v1/waiting", "code", "invalid"),
        ("/v1/refusals", "state", "closed"),
        ("/v1/refusals", "scope", "all"),
    ],
)
async def test_a_filter_that_is_wrong_is_named(path: str, name: str, value: Any) -> None:
    answer = await asked(MadeUp(), path, **{name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}"]


def test_every_reason_has_its_words_in_every_language() -> None:
    for language in Language:
        assert {f"waits-{reason}" for reason in REASONS} <= texts(language)["work"].keys()
        assert texts(language)["work"].keys() == texts(Language.ENGLISH)["work"].keys()


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86400, "1 d"), (200_000, "2 d")])
def test_an_age_is_said_in_its_largest_unit(seconds: int, said: str) -> None:
    assert age_in_words(seconds, Language.ENGLISH) == said


async def test_a_type_has_one_name_in_answers_and_an_event_is_one_thing() -> None:
    (row,) = (await asked(waiting(THREE[0]), "/v1/waiting")).json()["data"]
    assert set(row["event"]) == {"source", "id"}
    assert "source" not in row
    for row in (await asked(Refusals(rows=TWO), "/v1/refusals")).json()["data"]:
        assert (set(row["event"]), row["type"]) == ({"source", "id"}, "vendor-payment.posted")


async def test_a_code_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    near = await asked(Refusals(rows=TWO), "/v1/refusals", code="amount-disagrees")
    assert (near.status_code, near.json()["code"]) == (400, "parameter-invalid")
    assert "did you mean amounts-disagree?" in near.json()["detail"]
    far = await asked(Refusals(rows=TWO), "/v1/refusals", code="zzz")
    assert "over-settled" in far.json()["detail"]
