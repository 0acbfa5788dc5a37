"""Pages of lists: each row once, whatever comes in between, and a cursor only with the filters that it was given for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.cursors import PageRequest, Pages, counted, etag, is_unchanged
from services.web.problems import ProblemError

MOMENT = datetime(2026, 3, 12, 12, 0, 0, 123456, tzinfo=UTC)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
KEYS = st.one_of(st.text(), st.integers(-(2**53), 2**53), st.dates(), st.datetimes(timezones=st.just(UTC)), DECIMALS)


@given(key=st.lists(KEYS, min_size=1, max_size=4), known_at=st.none() | st.datetimes(timezones=st.just(UTC)))
def test_a_cursor_gives_back_the_sort_key_and_the_time_of_the_first_page(key: list[Any], known_at: datetime | None) -> None:
    pages = Pages("vouchers", {"company": "FAB"}, "-date")
    cursor = pages.next(PageRequest(50, None, known_at), key)
    page = pages.page(cursor, 20, MOMENT)
    assert page == PageRequest(20, tuple(key), known_at)
    assert [type(value) for value in page.after or ()] == [type(value) for value in key]


@pytest.mark.parametrize(
    ("name", "filters", "sort"),
    [
        ("vouchers", {"company": "FABE"}, "-date"),
        ("vouchers", {"company": "FAB", "kind": "invoice"}, "-date"),
        ("vouchers", {}, "-date"),
        ("vouchers", {"company": "FAB"}, "date"),
        ("documents", {"company": "FAB"}, "-date"),
    ],
)
def test_a_cursor_of_another_question_is_not_taken(name: str, filters: dict[str, Any], sort: str) -> None:
    cursor = Pages("vouchers", {"company": "FAB"}, "-date").next(PageRequest(50), ["x"])
    with pytest.raises(ProblemError) as caught:
        Pages(name, filters, sort).page(cursor)
    assert caught.value.code == "cursor-invalid"


def test_a_filter_that_is_not_set_is_the_same_as_none() -> None:
    cursor = Pages("vouchers", {"company": "FAB", "kind": None}).next(PageRequest(50), ["x"])
    assert Pages("vouchers", {"company": "FAB"}).page(cursor).after == ("x",)


@given(text=st.text(alphabet="ABCabc0123456789-_", max_size=60))
def test_what_is_no_cursor_is_refused_and_never_fails(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        Pages("vouchers", {}).page(text)
    assert caught.value.code == "cursor-invalid"


def test_a_cursor_that_was_changed_is_not_taken() -> None:
    pages = Pages("vouchers", {})
    cursor = pages.next(PageRequest(50), ["2026-03-12", 7])
    for place in range(len(cursor)):
        other = "B" if cursor[place] != "B" else "C"
        with pytest.raises(ProblemError):
            pages.page(cursor[:place] + other + cursor[place + 1 :])


def test_pages_together_are_the_whole_list_and_the_last_has_no_next() -> None:
    numbers = list(range(23))
    pages, page, seen = Pages("numbers", {}), PageRequest(5, None, MOMENT), list[int]()
    while True:
        after = page.after[0] if page.after else -1
        rows = [number for number in numbers if number > after][: page.fetched]
        envelope = pages.envelope(page, rows, lambda number: (number,), {"time": None})
        seen += envelope.data
        if envelope.next is None:
            break
        page = pages.page(envelope.next, 5)
        assert page.known_at == MOMENT
    assert seen == numbers
    assert envelope.as_row().keys() == {"data", "next", "read_to"}


def test_a_count_is_exact_up_to_ten_thousand() -> None:
    assert [counted(number) for number in (0, 10_000, 10_001)] == [0, 10_000, "10000+"]


def test_an_entity_tag_tells_what_changed() -> None:
    tag = etag(b"one")
    assert tag == etag(b"one") != etag(b"two")
    assert [is_unchanged(given, tag) for given in (None, tag, f'W/{tag}, "other"', "*", '"other"')] == [False, True, True, True, False]


def test_sort_keys_are_exact() -> None:
    pages = Pages("documents", {})
    key = (date(2026, 3, 31), Decimal("980.00"), 2**60)
    assert pages.page(pages.next(PageRequest(1), key)).after == key
