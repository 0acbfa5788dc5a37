"""What is of companies out of scope is in no answer of any reading route: each is asked as the document of the API says it can be."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.web.app import document
from tests.live.web.api import ALL, OF_FAB, Api, api_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.web.access.roles import Actor

pytestmark = pytest.mark.embedded

FILE = Path(__file__).with_name("two_groups.yaml")
HIDDEN = (
    *("hidden-account", "hidden-group", "hidden-profile", "hidden-journal", "hidden words", "hidden-reference"),
    *("981001", "981002", "981003", "981004", "981005", "981006", "7171.71", "5151.51", "3131.31", "2121.21", "1919.19"),
)
"""Accounts, groups, profiles, journals, texts and amounts of ZETA and ZETB: nothing else in the scenario has any of these."""
VALUES: dict[str, tuple[Any, ...]] = {
    "company": (None, "ZETA", "ZETB"),
    "partner": ("ZETB", "ZETA"),
    "payer": ("ZETA", "FAB"),
    "owner": ("ZETB",),
    "ledger": ("payable",),
    "document": ("Z1", "Z2"),
    "voucher": ("AP-SET-000001", "AP-PAY-000001"),
    "line": ("1",),
    "party": ("ZP",),
    "currency": ("USD",),
    "source": ("scenario",),
    "id": ("Z2", "Z3", "Z4", "Z5"),
    "event": ("Z1", "Z2", "Z5"),
    "q": ("hidden", "Z", "9810", "Zeta"),
    "key": ("company/ZETA", "party/ZP", "payment-journal/ZETA/hidden-journal", "posting-profile/ZETA/hidden-profile"),
    "type": ("company.defined", "trading-relation.defined", "posting-profile.defined", "party.defined"),
    "group_by": ("missing",),
    "messages": ("1",),
}
OPTIONAL = ("company", "q", "type", "event", "document", "voucher", "group_by")
"""Parameters that are also given where they need not be: they choose what is shown."""


def questions(ids: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every reading route with what it needs, and with each of what it can be asked for beside; `ids`: of refusals."""
    values = {**VALUES, "id": (*VALUES["id"], *ids)}
    for path, methods in document()["paths"].items():
        if "get" not in methods or path == "/v1/flow/stream":
            continue
        parameters = methods["get"].get("parameters", [])
        needed = [each["name"] for each in parameters if each.get("required")]
        beside = [each["name"] for each in parameters if each["name"] in OPTIONAL and each["name"] not in needed]
        for names in (needed, *([*needed, name] for name in beside)):
            for chosen in product(*(values[name] for name in names)):
                yield path, {name: value for name, value in zip(names, chosen, strict=True) if value is not None}


async def told(api: Api, who: Actor) -> dict[str, set[str]]:
    """Of what is hidden, what is told, with where."""
    found: dict[str, set[str]] = {}
    refused = await api.get("/v1/refusals")
    for path, asked in questions(tuple(each["id"] for each in refused["data"])):
        answer = await api.client.get(path, params=asked, headers=api.headers[who.name])
        assert answer.status_code in {200, 400, 404}, (path, asked, answer.text)
        said = answer.json() if answer.headers["content-type"].endswith("json") else {}
        text = str(said["data"]) if answer.status_code == 200 and "data" in said else answer.text
        for secret in HIDDEN:
            if secret in text and secret not in asked.values():
                found.setdefault(secret, set()).add(f"{path} {asked}")
    return found


async def test_no_route_tells_a_reader_anything_of_companies_out_of_scope() -> None:
    async with api_on("every", FILE) as api:
        assert await told(api, OF_FAB) == {}
        assert (await told(api, ALL)).keys() == set(HIDDEN), "whoever may see all sees each of it somewhere"
