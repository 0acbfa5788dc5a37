"""SQL stands in the rooms that are named for it, so that a table is found with everything that touches it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import pytest

from tests.house.sources import PRODUCT, Finding, docstrings, files, keep, over, parsed, put_together, strings

ROOMS: Final = (
    "services/*/store.py",
    "services/*/queries.py",
    "services/*/prefetch.py",
    "services/*/stored_tables.py",
    "services/*/settling_order.py",
    "services/*/stored_pages.py",
    "services/inquiry/checks.py",
    "services/inquiry/rebuild.py",
    "services/inquiry/restore.py",
    "services/inquiry/queries/*.py",
    "services/desk/refusal_states.py",
    "services/desk/actions/store.py",
    "services/desk/actions/stored_imports.py",
    "shared/delivery/shell_tables.py",
    "shared/delivery/shell_queries.py",
    "shared/delivery/changes_table.py",
    "shared/delivery/positions_table.py",
    "shared/delivery/reference_table.py",
    "shared/delivery/together.py",
    "shared/delivery/read_positions.py",
    "shared/postgresql/*.py",
    "shared/embedded/database.py",  # makes the database that the others use
    "services/bench/*.py",  # measures the database itself: the COPY loop, sizes, statistics of PostgreSQL
)
STILL_ELSEWHERE: Final = frozenset(
    {
        "shared/delivery/housekeeping.py",
        "shared/delivery/reference_watermark.py",
        "shared/delivery/relay.py",
        "shared/runtime/health.py",
    }
)
"""Files whose SQL has no room yet."""

STATEMENT: Final = re.compile(
    r"""^\s*(
        select\b | insert\s+into\b | update\s+\S+\s+set\b | delete\s+from\b
        | with\s+(recursive\s+)?\w+(\s*\([^)]*\))?\s+as\s+(not\s+)?(materialized\s+)?\(
        | create\s+(table|schema|index|unique|role|temp) | drop\s+(table|schema|index|role|owned) | alter\s+(table|role|default)
        | truncate\s | copy\s+\S+\s+(from|to)\b | lock\s+table | grant\s+\S+.*\b(on|to)\b | revoke\s+\S+.*\b(on|from)\b
        | set\s+(local\s+)?\w+\s*(=|to)\s
    ) | \bfrom\s+[\w."{}]+\s+(where|order\s+by|join|group\s+by|limit)\b | =\s*any\(\$\d""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)


def sql_elsewhere(path: str, text: str) -> Iterator[Finding]:
    """SQL in the strings of a file that is no room for it. Docstrings may speak of it."""
    if any(PurePosixPath(path).match(room) for room in ROOMS):
        return
    tree = parsed(text)
    explained = docstrings(tree)
    for string in strings(tree):
        if id(string) not in explained and STATEMENT.search(str(string.value)):
            yield Finding(path, string.lineno, f"SQL: {' '.join(str(string.value).split())[:60]}")
    for line, whole in put_together(tree):
        if STATEMENT.search(whole):
            yield Finding(path, line, f"SQL, put together: {' '.join(whole.split())[:60]}")


def test_sql_stands_in_its_rooms() -> None:
    keep(over(sql_elsewhere, files(*PRODUCT)), STILL_ELSEWHERE)


def test_the_rooms_for_sql_have_some() -> None:
    everywhere = {path: text for path, text in files(*PRODUCT).items() if any(PurePosixPath(path).match(room) for room in ROOMS)}
    with_sql = {path for path, text in everywhere.items() if any(STATEMENT.search(str(each.value)) for each in strings(parsed(text)))}
    assert {f"services/{name}/store.py" for name in ("payment", "posting", "settlement")} <= with_sql
    assert "services/inquiry/stored_tables.py" in with_sql


def test_planted_sql_is_found_and_words_are_not() -> None:
    query, delete = 'QUERY = "\\n    select number\\n    from vouchers"', 'def f(t: str) -> str:\n    return f"delete from {t}"'
    planted = f'"""Select what is needed."""\n{query}\n\n{delete}\n'
    assert [str(found) for found in sql_elsewhere("services/web/page.py", planted)] == [
        "services/web/page.py:2: SQL: select number from vouchers",
        "services/web/page.py:5: SQL: delete from",
        "services/web/page.py:5: SQL, put together: delete from {}",
    ]
    assert not list(sql_elsewhere("services/posting/queries.py", planted))
    for words in ("selected lines", "update the chart", "with a mark as (if)", "a payment from FAB", "grant it", "Create a company first"):
        assert not list(sql_elsewhere("services/web/page.py", f"TEXT = {words!r}\n")), words


@pytest.mark.parametrize(
    "planted",
    [
        'q = "sel" + "ect number from vouchers"',
        'q = "delete " + "from " + table',
        'q = "insert " + f"into {table} values (1)"',
        'q = " ".join(["update", "vouchers", "set number = 1"])',
        'q = f"sel{x}" + "ect"\nq = "drop "\nq += "table vouchers"',
        'q = f"{verb} number from {table} where true"',
    ],
)
def test_planted_sql_in_pieces_is_found(planted: str) -> None:
    assert list(sql_elsewhere("services/web/page.py", planted))
    assert not list(sql_elsewhere("services/posting/queries.py", planted))
