"""Every page for readers of some companies alone: what is out of their scope is left out or said, and never an error."""

from __future__ import annotations

import hashlib
from itertools import combinations
from typing import TYPE_CHECKING, Final

import httpx
import pytest
import yaml

from services.web.access.roles import Role
from shared.settings import HttpAuth
from tests.console.looking import PAGES
from tests.console.stage import stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.embedded

COMPANIES: Final = ("FAB", "FABE", "FABW", "FABD")
SCOPES: Final = tuple(each for number in (1, 2) for each in combinations(COMPANIES, number))
OTHERS: Final = (
    "/trace?document=CI-7",
    "/trace?document=VI-7&company=FABE",
    "/trace?event=CI-7",
    "/voucher?company=FAB&voucher=AP-SET-000001",
    "/voucher?company=FABW&voucher=AR-SET-000001&why=1",
    "/intercompany/pair?company=FABE&partner=FAB",
    "/document?ledger=receivable&company=FABW&document=CI-7",
    "/approvals/journal?company=FABW&document=VPAY-11",
)
"""More of what goes across companies than there is in a picture of each page."""
SHOWN_OR_REFUSED: Final = frozenset({200, 303, 403, 404})


def token(scope: tuple[str, ...]) -> str:
    return f"token-of-the-reader-of-{'-'.join(scope)}"


def entry(scope: tuple[str, ...]) -> dict[str, object]:
    digest = hashlib.sha256(token(scope).encode()).hexdigest()
    return {"name": " ".join(scope), "sha256": digest, "roles": [role.value for role in Role], "companies": list(scope)}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    file: Path = tmp_path_factory.mktemp("tokens") / "tokens.yaml"
    file.write_text(yaml.safe_dump([entry(scope) for scope in SCOPES]), encoding="utf-8")
    with (
        stage(http_auth=HttpAuth.TOKENS, http_tokens_file=file) as address,
        httpx.Client(base_url=address, headers={"accept": "text/html"}) as client,
    ):
        yield client


@pytest.mark.parametrize("path", [*PAGES, *OTHERS])
def test_a_page_is_shown_or_refused_to_a_reader_of_some_companies_and_never_fails(pages: httpx.Client, path: str) -> None:
    for scope in SCOPES:
        answer = pages.get(path, headers={"authorization": f"Bearer {token(scope)}"})
        assert answer.status_code in SHOWN_OR_REFUSED, f"{path} {scope}: {answer.status_code}"


@pytest.mark.parametrize("scope", [(each,) for each in COMPANIES[:3]])
def test_what_of_a_payment_is_in_other_companies_stands_in_its_picture_without_amounts(pages: httpx.Client, scope: tuple[str, ...]) -> None:
    answer = pages.get("/trace?event=VPAY-7", headers={"authorization": f"Bearer {token(scope)}"})
    assert answer.status_code == 200
    assert "out of your scope" in answer.text
    for company in COMPANIES[:3]:
        assert company in answer.text
    amounts = ("1,000.00",) if scope != ("FAB",) else ("980.00",)
    assert all(each in answer.text for each in amounts)
