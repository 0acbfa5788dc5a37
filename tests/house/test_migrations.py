"""Migrations are numbered without gap or repeat, and what was released stays as it was: a database that has it checks it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from tests.house.sources import PRODUCT, files

RELEASED: Final = {
    "shared/delivery/migrations/0001_shell.sql": "98a2699cc90aa713aeb3fbd628c193a8",
    "services/payment/migrations/0001_sales_payment_journals.sql": "bcb8e0b2cd13dcf3758780e3fb9a116d",
    "services/posting/migrations/0001_vouchers.sql": "99cf8983bc9fae49a7201982213c2492",
    "services/settlement/migrations/0001_books.sql": "154424c53e221ecefd80828e84b0dd9c",
    "services/settlement/migrations/0002_created_journals.sql": "8a28ae9809da650004685b8239257791",
}
"""The files of 0.1.0, with the digests that its databases have noted of them."""


def wrong_numbers(paths: Iterable[str]) -> list[str]:
    """The files whose number is not the next one in their folder."""
    rooms: dict[PurePosixPath, list[str]] = defaultdict(list)
    for path in map(PurePosixPath, sorted(paths)):
        rooms[path.parent].append(path.name)
    return [
        f"{room}/{name}: its number should be {number:04}"
        for room, names in rooms.items()
        for number, name in enumerate(names, start=1)
        if not name.startswith(f"{number:04}_")
    ]


def _migrations() -> dict[str, str]:
    return {path: text for path, text in files(*PRODUCT, suffix=".sql").items() if PurePosixPath(path).parent.name == "migrations"}


def test_every_number_is_the_next_one() -> None:
    assert not wrong_numbers(_migrations())


def test_a_number_given_twice_or_left_out_is_found() -> None:
    planted = [f"services/web/migrations/{name}.sql" for name in ("0001_a", "0002_b", "0002_c", "0004_d")]
    assert wrong_numbers(planted) == ["services/web/migrations/0002_c.sql: its number should be 0003"]
    assert wrong_numbers(planted[::3]) == ["services/web/migrations/0004_d.sql: its number should be 0002"]


def test_what_was_released_is_unchanged() -> None:
    there = _migrations()
    assert {path: hashlib.blake2b(there[path].encode(), digest_size=16).hexdigest() for path in RELEASED} == RELEASED
