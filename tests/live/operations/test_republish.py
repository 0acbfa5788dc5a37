"""Vouchers published again from the ledger say what they said the first time."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from services.desk.schemas import open_schemas
from services.operations.republish import SOURCE, republish
from services.posting import queries
from services.scenarios.live_run import run, scenario_services
from services.scenarios.scenario_file import load_scenario
from tests.live.operations.told import vouchers_told
from tests.scenario_files import IC_4

pytestmark = pytest.mark.embedded

EXAMPLE = IC_4


async def test_each_voucher_comes_again_with_its_data_and_key_under_an_id_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "_PAGE", 2)  # several pages
    async with scenario_services() as services, open_schemas(services.settings) as schemas:
        await run(load_scenario(EXAMPLE), services)
        first = await vouchers_told(services.settings)
        assert await republish(schemas) == len(first) == 7
        again = (await vouchers_told(services.settings))[len(first) :]
        assert sorted(map(_said, again)) == sorted(map(_said, first))
        assert {_header(record, "ce_source") for record in again} == {SOURCE}
        assert len({_header(record, "ce_id") for record in again}) == len(first)

        assert await republish(schemas, company="FAB") == 2
        assert await republish(schemas, since=date(2026, 3, 12)) == 5
        assert await republish(schemas, company="FABW", since=date(2026, 3, 13)) == 0


def _said(record: Any) -> tuple[bytes, str, str]:
    return record.key, _header(record, "ce_type"), json.dumps(json.loads(record.value), sort_keys=True)


def _header(record: Any, name: str) -> str:
    return str(dict(record.headers)[name].decode())
