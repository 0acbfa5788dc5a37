"""`/v1/readiness/pair` without a database: what is asked for, and who sees what."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.desk.readiness import OF_INTERCOMPANY_INVOICES, NeededThing, PairQuestion
from services.web.access.roles import Role
from services.web.routes.readiness import is_shown, row_of
from tests.builders.web import app_of, asking, made_up_ports, of_role, with_tokens

PAIR = {"payer": "FAB", "owner": "FABE", "ledger": "payable", "party": "P", "currency": "USD"}
WHO, HEADERS = with_tokens(of_role(Role.READER, "FABE"))
APP = app_of(made_up_ports(), WHO)


async def asked(**parameters: Any) -> Any:
    async with asking(APP) as client:
        return await client.get("/v1/readiness/pair", params={**PAIR, **parameters}, headers=HEADERS["reader"])


async def test_where_nothing_is_defined_everything_is_missing() -> None:
    said = (await asked()).json()["data"]
    assert (said["ready"], said["date"], said["party"]) == (False, "2026-03-12", {"id": "P", "name": None})
    assert [(thing["for"], thing["company"], thing["there"]) for thing in said["needs"]] == [
        *(("company", "FAB", False), ("company", "FABE", False), ("account", "FAB", False), ("account", "FABE", False)),
    ]


async def test_one_of_the_two_has_to_be_in_scope() -> None:
    assert (await asked(owner="FABF")).status_code == 404
    assert (await asked(payer="FABF")).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"), [("currency", "XXY"), ("currency", "usd"), ("ledger", "sales"), ("date", "2026-02-30"), ("party", "")]
)
async def test_a_parameter_that_is_wrong_is_named(name: str, value: str) -> None:
    answer = await asked(**{name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter-invalid")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [f"/{name}"]


ASKED = PairQuestion("FAB", "FABE", "payable", "P", "USD", date(2026, 3, 12))
NAMES = [
    NeededThing("FAB", "account", {"company": "FAB", "ledger": "payable", "party": "P"}, is_there=True, found=("secret",)),
    NeededThing("FABE", "posting-profile", {"company": "FABE", "posting_profile": "secret"}, is_there=True, when="with-this-profile"),
    NeededThing("FABE", "method-of-payment", {"company": "FABE", "method": "secret"}, is_there=False, when="by-this-method"),
]
TRADE = {"seller": "FABW", "buyer": "FABE", "vendor": "v"}
OF_OTHERS = [
    NeededThing("FABW", "payment-journal", {"company": "FABW", "journal": "secret"}, is_there=True, when=OF_INTERCOMPANY_INVOICES),
    NeededThing("FABW", "trading-relation", TRADE, is_there=True, when=OF_INTERCOMPANY_INVOICES),
]


def shown(things: list[NeededThing], *companies: str) -> list[dict[str, Any]]:
    actor = of_role(Role.READER, *companies)
    return [row_of(thing, ASKED, actor) for thing in things if is_shown(thing, ASKED, actor)]


def test_names_that_the_other_companys_reference_data_have_are_not_said() -> None:
    assert "secret" not in str(shown(NAMES, "FABE"))
    assert [row["key"] for row in shown(NAMES, "FABE")][1:] == [{"company": "FABE"}, {"company": "FABE"}]
    assert [row["there"] for row in shown(NAMES, "FABE")] == [True, True, False]
    assert str(shown(NAMES, "FAB")).count("secret") == 3
    assert [row["key"] for row in shown(NAMES)] == [thing.key for thing in NAMES]


def test_with_whom_another_company_trades_is_not_said() -> None:
    assert shown(OF_OTHERS, "FAB") == []
    assert [row["key"] for row in shown(OF_OTHERS, "FABE")] == [OF_OTHERS[1].key]
    assert len(shown(OF_OTHERS, "FABW")) == len(OF_OTHERS)
