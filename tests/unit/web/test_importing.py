"""Who may import what: for companies and sources that they may send for, and nothing of a file that is only partly theirs."""

from __future__ import annotations

import base64

import pytest

from services.files.imports.bounds import OF_A_REQUEST
from services.web.access.roles import Actor, Role
from shared.settings import HttpAuth, Settings
from tests.builders.import_bodies import FILES, body_of
from tests.builders.web import Kept, app_of, asking, made_up_ports, with_tokens


@pytest.mark.parametrize(
    ("companies", "sources", "code"),
    [
        ({"FABE"}, ("/bank/",), "company-out-of-scope"),
        ({"FAB", "FABE"}, ("/erp/",), "source-not-allowed"),
    ],
)
async def test_nobody_imports_for_companies_or_sources_that_they_may_not_send_for(
    companies: set[str], sources: tuple[str, ...], code: str
) -> None:
    who, headers = with_tokens(Actor("other", frozenset({Role.SENDER}), frozenset(companies), sources))
    sender = Kept()
    async with asking(app_of(made_up_ports(Settings(http_auth=HttpAuth.TOKENS), sender=sender), who)) as client:
        answer = await client.post("/v1/imports", json=body_of("receipts.csv", "receipts.yaml"), headers=headers["other"])
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert sender.records == []


async def test_what_is_only_tried_is_not_sent_and_too_many_rows_are_refused() -> None:
    sender = Kept()
    async with asking(app_of(made_up_ports(sender=sender))) as client:
        tried = await client.post("/v1/imports", json=body_of("receipts.csv", "receipts.yaml", dry_run=True))
        heading, first, *_ = (FILES / "receipts.csv").read_text(encoding="utf-8").splitlines()
        many = "\n".join([heading, *[first.replace("1001", str(number)) for number in range(OF_A_REQUEST.rows + 1)]])
        content = base64.b64encode(many.encode()).decode()
        refused = await client.post("/v1/imports", json=body_of("receipts.csv", "receipts.yaml", content=content))
    assert (tried.status_code, tried.json()["sent"], tried.json()["counts"]) == (200, False, {"accepted": 3})
    assert refused.status_code == 422
    assert "receipts.csv: has more than 2,000 rows; send it in parts, or by the command `intercompany import`" in refused.json()["detail"]
    assert sender.records == []
