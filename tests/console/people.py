"""Who signs in to the console in its tests: two who do the work and approve each other's, one who only reads, and one who sends."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import yaml

from tests.console.looking import click

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROLES: Final = {
    "anna": ["reader", "operator", "approver", "master"],
    "bert": ["reader", "operator", "approver", "master"],
    "carla": ["reader"],
    "dora": ["reader", "sender"],
}


def token_of(name: str) -> str:
    """Somebody's token."""
    return f"token-of-{name}-0123456789"


def tokens_file() -> str:
    """The file that HTTP_TOKENS_FILE names."""
    entries = [
        {"name": name, "sha256": hashlib.sha256(token_of(name).encode()).hexdigest(), "roles": roles} for name, roles in ROLES.items()
    ]
    return yaml.safe_dump(entries)


def sign_in(page: Page, name: str, path: str = "/") -> None:
    """Signs somebody in with their token, from the page that they wanted."""
    page.goto(path)
    page.fill("input[name=given]", token_of(name))
    click(page, "form.order button")
