"""The documentation under /docs: files of its folder and no others, to everybody, with a policy that lets nothing of other sites in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.web.access.roles import Actor, Role
from shared.settings import Settings
from tests.builders.web import app_of, asking, made_up_ports, with_tokens

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


async def _asked(folder: Path, path: str, method: str = "GET") -> httpx.Response:
    who, _ = with_tokens(Actor("ann", frozenset(Role)))
    async with asking(app_of(made_up_ports(Settings(site_dir=folder)), who)) as client:
        return await client.request(method, path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site, beside a file that is nobody's business."""
    (tmp_path / "secret.txt").write_text("hunter-1", encoding="utf-8")
    found = tmp_path / "site"
    (found / "finance").mkdir(parents=True)
    (found / "index.html").write_text("<h1>What it is</h1>", encoding="utf-8")
    (found / "finance" / "index.html").write_text("<h1>For finance</h1>", encoding="utf-8")
    (found / "404.html").write_text("<h1>no such page</h1>", encoding="utf-8")
    (found / "linked.txt").symlink_to(tmp_path / "secret.txt")
    return found


@pytest.mark.parametrize(
    ("path", "shown"), [("/docs/", "What it is"), ("/docs/index.html", "What it is"), ("/docs/finance/", "For finance")]
)
async def test_pages_are_shown_to_everybody(folder: Path, path: str, shown: str) -> None:
    answer = await _asked(folder, path)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/html")
    assert shown in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'self'; img-src 'self' data:; frame-ancestors 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers


async def test_the_address_without_a_slash_leads_to_the_first_page(folder: Path) -> None:
    answer = await _asked(folder, "/docs")
    assert (answer.status_code, answer.headers["location"]) == (308, "/docs/")


@pytest.mark.parametrize(
    "path",
    ["/docs/../secret.txt", "/docs/%2e%2e/secret.txt", "/docs/..%2fsecret.txt", "/docs//secret.txt", "/docs/linked.txt", "/docs/nowhere"],
)
async def test_nothing_beside_the_folder_is_shown(folder: Path, path: str) -> None:
    answer = await _asked(folder, path)
    assert answer.status_code in {401, 404}
    assert "hunter" not in answer.text


async def test_a_page_is_only_read(folder: Path) -> None:
    assert (await _asked(folder, "/docs/", "POST")).status_code == 405


async def test_where_it_was_not_built_it_says_how_it_is(tmp_path: Path) -> None:
    for path in ("/docs/", "/docs/finance/index.html"):
        answer = await _asked(tmp_path / "nothing", path)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (404, "text/plain")
        assert "make docs" in answer.text
