"""A table in memory: what was not loaded is never taken for what is not there, and a rollback forgets what was changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from shared import working_set
from shared.events.envelope import EventRef, Message
from shared.events.reference import CompanyDefined
from shared.missing import Missing, NotLoadedError, Page
from shared.working_set import Books, Released
from shared.working_table import Table


class Row(NamedTuple):
    """A row of the tests; it is found by its colour."""

    key: int
    colour: str


RED, BLUE = Row(1, "red"), Row(2, "blue")


def _table(*, complete: bool) -> Table[int, Row]:
    return Table("rows", {"colour": lambda row: (row.colour,)}, complete=complete)


def test_what_nobody_loaded_is_asked_for_by_name() -> None:
    table = _table(complete=False)
    with pytest.raises(NotLoadedError) as row:
        table.get(1)
    with pytest.raises(NotLoadedError) as entry:
        table.find("colour", "red")
    assert row.value.missing == Missing("rows", None, 1)
    assert entry.value.missing == Missing("rows", "colour", "red")
    assert str(entry.value) == str(entry.value.missing)


def test_a_complete_table_has_nothing_else() -> None:
    table = _table(complete=True)
    assert (table.get(1), table.find("colour", "red")) == (None, [])
    assert table.knows(Missing("rows", None, 1))


def test_what_was_loaded_is_known_and_so_is_that_there_is_nothing() -> None:
    table = _table(complete=False)
    missing = [Missing("rows", None, 1), Missing("rows", None, 2), Missing("rows", "colour", "red")]
    assert [table.knows(each) for each in missing] == [False, False, False]
    table.loaded(1, RED)
    table.loaded(2, None)
    table.loaded_index("colour", "red", [1])
    assert [table.knows(each) for each in missing] == [True, True, True]
    assert (table.get(1), table.get(2), table.find("colour", "red")) == (RED, None, [RED])
    assert table.changed == {}


def test_all_rows_of_an_index_or_of_the_table_can_be_given_at_once() -> None:
    by_colour, whole = _table(complete=False), _table(complete=False)
    by_colour.loaded_whole("colour", [(1, RED), (2, BLUE)])
    assert (by_colour.find("colour", "red"), by_colour.find("colour", "green")) == ([RED], [])
    assert by_colour.knows(Missing("rows", "colour", "green"))
    assert not by_colour.knows(Missing("rows", None, 3))
    with pytest.raises(NotLoadedError):
        by_colour.get(3)
    whole.loaded_whole(None, [(1, RED), (2, BLUE)])
    assert (whole.get(2), whole.get(3), whole.find("colour", "blue"), list(whole)) == (BLUE, None, [BLUE], [RED, BLUE])


def test_the_indexes_follow_what_is_written_and_deleted() -> None:
    table = _table(complete=True)
    table.put(1, RED)
    table.put(1, RED._replace(colour="blue"))
    table.put(2, BLUE)
    assert (table.find("colour", "red"), len(table.find("colour", "blue"))) == ([], 2)
    table.put(1, None)
    assert (table.get(1), table.find("colour", "blue"), list(table)) == (None, [BLUE], [BLUE])


def test_a_rollback_forgets_the_changes_and_keeps_what_was_loaded() -> None:
    table = _table(complete=False)
    table.loaded_whole(None, [(1, RED)])
    table.put(1, None)
    table.put(2, BLUE)
    table.rollback()
    assert (list(table), table.changed, table.find("colour", "red"), table.find("colour", "blue")) == ([RED], {}, [RED], [])


def test_settled_changes_are_the_new_state() -> None:
    for complete in (True, False):
        table = _table(complete=complete)
        table.loaded(1, RED)
        table.loaded_index("colour", "red", [1])
        table.loaded_index("colour", "blue", [])
        table.put(1, None)
        table.put(2, BLUE)
        table.commit()
        table.rollback()
        assert (list(table), table.changed, table.get(1)) == ([BLUE], {}, None)
        assert (table.find("colour", "red"), table.find("colour", "blue")) == ([], [BLUE])


def test_rows_given_by_one_index_are_not_taken_for_all_of_another() -> None:
    table: Table[int, Row] = Table("rows", {"colour": lambda row: (row.colour,), "key": lambda row: (row.key,)}, complete=False)
    table.loaded_whole("colour", [(1, RED)])
    with pytest.raises(NotLoadedError):
        table.find("key", 1)


def test_a_row_says_where_it_is_found() -> None:
    assert _table(complete=True).places("colour", RED) == ("red",)


FIRST, SECOND, THIRD, FOURTH = (Row(key, "red") for key in (1, 2, 3, 4))


def _ordered() -> Table[int, Row]:
    """In the store: the first three red rows, which it gives last first."""
    table: Table[int, Row] = Table("rows", {"colour": lambda row: (row.colour,)}, complete=False, ordered=["colour"])
    for row in (FIRST, SECOND, THIRD):
        table.loaded(row.key, row)
    return table


def _page(after: int, place: str = "red") -> Missing:
    return Missing("rows", "colour", Page(place, "last first", after))


def _load(table: Table[int, Row], after: int, *keys: int, are_all: bool) -> None:
    table.loaded_page("colour", Page("red", "last first", after), keys, are_all=are_all)


def _rows_until_not_loaded(table: Table[int, Row]) -> list[Row | Missing]:
    rows = table.in_order("colour", "red", "last first", lambda row: -row.key)
    found: list[Row | Missing] = []
    while True:
        try:
            found.append(next(rows))
        except NotLoadedError as error:
            return [*found, error.missing]
        except StopIteration:
            return found


def test_of_rows_in_order_the_next_page_is_asked_for_until_all_are_there() -> None:
    table = _ordered()
    assert _rows_until_not_loaded(table) == [_page(0)]
    _load(table, 0, 3, are_all=False)
    assert _rows_until_not_loaded(table) == [THIRD, _page(1)]
    _load(table, 1, 2, 1, are_all=True)
    assert _rows_until_not_loaded(table) == [THIRD, SECOND, FIRST]


def test_a_page_that_is_given_again_replaces_what_came_after_it() -> None:
    table = _ordered()
    _load(table, 0, 3, 2, are_all=False)
    _load(table, 1, 2, 1, are_all=True)
    assert _rows_until_not_loaded(table) == [THIRD, SECOND, FIRST]


def test_a_page_is_known_as_far_as_it_is_loaded_and_only_at_its_place_and_in_its_order() -> None:
    table = _ordered()
    asked = [_page(0), _page(1), _page(2), _page(0, "blue"), Missing("rows", "colour", Page("red", "arrival", 0))]
    assert [table.knows(each) for each in asked] == [False] * 5
    _load(table, 0, 3, are_all=False)
    assert [table.knows(each) for each in asked] == [True, False, False, False, False]
    _load(table, 1, 2, are_all=True)
    assert [table.knows(each) for each in asked] == [True, True, True, False, False]


@pytest.mark.parametrize("is_looked_into_before", [True, False])
def test_rows_that_have_changed_stand_in_order_where_they_belong_now(is_looked_into_before: bool) -> None:  # noqa: FBT001 - a parameter
    table = _ordered()
    _load(table, 0, 3, 2, 1, are_all=True)
    if is_looked_into_before:
        _rows_until_not_loaded(table)
    table.put(4, FOURTH)
    table.put(3, THIRD._replace(colour="blue"))
    table.put(2, None)
    table.put(5, BLUE._replace(key=5))
    table.put(6, FOURTH._replace(key=6))
    table.put(6, None)
    assert _rows_until_not_loaded(table) == [FOURTH, FIRST]


def test_an_order_that_was_followed_is_forgotten_with_the_changes_and_loaded_again_after_they_are_saved() -> None:
    table = _ordered()
    _load(table, 0, 3, 2, 1, are_all=True)
    _rows_until_not_loaded(table)
    table.put(3, None)
    table.rollback()
    assert _rows_until_not_loaded(table) == [THIRD, SECOND, FIRST]
    table.put(3, None)
    table.commit()
    assert _rows_until_not_loaded(table) == [_page(0)]
    assert table.get(3) is None


def test_of_a_complete_table_the_rows_at_a_place_come_by_their_rank() -> None:
    table: Table[int, Row] = Table("rows", {"colour": lambda row: (row.colour,)}, complete=True, ordered=["colour"])
    for row in (SECOND, FOURTH, FIRST, BLUE._replace(key=9)):
        table.put(row.key, row)
    assert _rows_until_not_loaded(table) == [FOURTH, SECOND, FIRST]


def _defined(company: str) -> Message:
    return Message(EventRef("masters", company), "company.defined", CompanyDefined(company, "EUR"), datetime(2026, 1, 1, tzinfo=UTC))


def _books() -> tuple[Books, Table[int, Row]]:
    books = Books(complete=True, sequence=7)
    return books, books.table("rows")


def test_a_rollback_of_books_takes_back_rows_reference_data_order_and_freed_ids() -> None:
    books, rows = _books()
    books.take_reference(_defined("FAB"))
    books.commit()
    rows.put(1, RED)
    books.take_reference(_defined("FABE"))
    books.freed_ids.add(EventRef("erp", "1"))
    assert books.next_sequence() == 8
    books.rollback()
    assert (rows.get(1), set(books.reference.companies), books.sequence) == (None, {"FAB"}, 7)
    assert (books.reference_events, books.freed_ids) == ([], set())


def test_committed_books_are_the_new_state() -> None:
    books, rows = _books()
    rows.put(1, RED)
    books.take_reference(_defined("FAB"))
    books.next_sequence()
    books.commit()
    assert (books.reference_events, books.freed_ids) == ([], set())
    books.rollback()
    assert (rows.get(1), set(books.reference.companies), books.sequence) == (RED, {"FAB"}, 8)


def test_reference_data_given_to_books_is_never_changed_by_them() -> None:
    books, _ = _books()
    given = books.reference
    books.take_reference(_defined("FAB"))
    assert given.companies == {}
    assert [message.ref.id for message in books.reference_events] == ["FAB"]


def test_a_reference_event_that_contradicts_what_is_defined_is_not_taken() -> None:
    books, _ = _books()
    books.take_reference(_defined("FAB"))
    books.commit()
    other = Message(EventRef("masters", "FAB-2"), "company.defined", CompanyDefined("FAB", "USD"), datetime(2026, 1, 1, tzinfo=UTC))
    books.take_reference(other)
    assert (books.reference.companies["FAB"].currency, books.reference_events) == ("EUR", [])


def test_books_begin_with_the_reference_data_they_are_given() -> None:
    before, _ = _books()
    before.take_reference(_defined("FAB"))
    assert Books(before.reference).reference is before.reference


class Waiter(NamedTuple):
    """A row that waits for something, the place in the order of arrival with it; by its name it would come last first."""

    name: str
    sequence: int
    wakes: str


def _waiter(sequence: int) -> Waiter:
    return Waiter(f"{1000 - sequence}", sequence, "company")


KEY = ("company", "FAB")


def _waiting(books: Books, sequences: range) -> Table[int, Waiter]:
    rows: Table[int, Waiter] = books.table("waiting", {"wakes": lambda row: ((row.wakes, "FAB"),)})
    for sequence in reversed(sequences):
        rows.put(sequence, _waiter(sequence))
    return rows


def _sequences(rows: list[Waiter]) -> list[int]:
    return [row.sequence for row in rows]


def test_what_waited_resumes_in_order_of_arrival_and_nothing_is_noted_if_it_is_no_more_than_a_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(working_set, "SLICE", 3)
    books = Books(complete=True)
    assert _sequences(books.first_released(_waiting(books, range(1, 4)), KEY)) == [1, 2, 3]
    assert books.released.changed == {}


def test_what_is_more_than_a_slice_resumes_slice_after_slice_until_nothing_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    books = Books(complete=True)
    rows = _waiting(books, range(1, 8))
    slices = [_sequences(books.first_released(rows, KEY))]
    for after in (2, 4, 6):
        assert books.released.get(KEY) == Released(KEY, after)
        slices.append(_sequences(books.next_released(rows, Released(KEY, after))))
    assert slices == [[1, 2], [3, 4], [5, 6], [7]]
    assert books.released.changed == {KEY: None}


def test_a_last_slice_that_is_full_leaves_nothing_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    books = Books(complete=True)
    rows = _waiting(books, range(1, 5))
    books.first_released(rows, KEY)
    assert _sequences(books.next_released(rows, Released(KEY, 2))) == [3, 4]
    assert books.released.get(KEY) is None


def test_released_again_it_is_looked_at_from_the_earliest_that_may_not_have_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    for noted, after in ((1, 1), (6, 4)):
        books = Books(complete=True)
        books.released.put(KEY, Released(KEY, noted))
        assert _sequences(books.first_released(_waiting(books, range(3, 8)), KEY)) == [3, 4]
        assert books.released.get(KEY) == Released(KEY, after)


def test_of_rows_loaded_in_part_those_that_are_due_resume_and_one_more_says_that_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_set, "SLICE", 2)
    for due, resumed, rest in (([5, 6, 7], [5, 6], Released(KEY, 6)), ([5, 6], [5, 6], None), ([5, 9], [5], None)):
        books = Books()
        rows = books.table("waiting")
        for sequence in (5, 6, 7):
            rows.loaded(sequence, _waiter(sequence))
        rows.loaded(9, None)
        books.due = due
        assert _sequences(books.next_released(rows, Released(KEY, 4))) == resumed
        assert books.released.get(KEY) == rest


def test_of_an_index_loaded_up_to_a_bound_what_is_beyond_it_is_released_too() -> None:
    for loaded, bound, after in (([4, 5], 5, 5), ([4, 9], 5, 5), ([], 3, 0)):
        books = Books()
        rows: Table[int, Waiter] = books.table("waiting", {"wakes": lambda row: ((row.wakes, "FAB"),)})
        for sequence in loaded:
            rows.loaded(sequence, _waiter(sequence))
        rows.loaded_index("wakes", KEY, loaded, bound)
        assert _sequences(books.first_released(rows, KEY)) == loaded
        assert books.released.get(KEY) == Released(KEY, after)
