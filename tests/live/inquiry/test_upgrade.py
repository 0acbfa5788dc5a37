"""Tables of an earlier version are brought to this one with what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from services.inquiry import store
from tests.live.inquiry.asking import Asked
from tests.scenario_files import IC_4, ROOT

pytestmark = pytest.mark.embedded

MIGRATION: Final = Path(store.__file__).parent / "migrations" / "0002_sums_between_companies.sql"
BEFORE: Final = """
drop view reference_taken;
alter table reference_history drop column digest;
drop table between_months, between_days;
drop statistics lines_of_pairs;
drop index daily_between;
alter table lines drop column posted_at"""
"""Makes of today's tables those of the version before."""
OWN: Final = ROOT / "tests" / "scenarios"
SCENARIOS: Final = (IC_4, OWN / "discounts" / "tiers-by-days-and-until.yaml", OWN / "reversals" / "every-run-concerned.yaml")
"""The latter two have several days in one month."""
ROWS: Final = (
    "select * from between_months order by company, partner, currency, posting_type, month",
    "select * from between_days order by company, partner, currency, posting_type, date, posted_on",
    "select company, series, number, line, posted_at from lines order by company, series, number, line",
)


def rows(books: Asked) -> list[Any]:
    return [[tuple(row) for row in books.run(books.connection.fetch(each))] for each in ROWS]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda file: file.stem)
def test_sums_between_companies_are_made_of_what_was_read_before(books: Asked, scenario: Path) -> None:
    books.listen(scenario)
    made = rows(books)
    assert made[0], "companies owe each other"
    books.run(books.connection.execute(BEFORE))
    books.run(books.connection.execute(MIGRATION.read_text(encoding="utf-8")))
    assert rows(books) == made
