"""`/v1/readiness/pair` without a database: what is asked for, and who sees what."""

from __future__ import annotations

from typing import Any

import pytest

from services.web.access.roles import Role
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
