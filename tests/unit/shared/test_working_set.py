"""A table in memory: what was not loaded is never taken for what is not there, and a rollback forgets what was changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from shared.events.envelope import EventRef, Message
from shared.events.reference import CompanyDefined
from shared.working_set import Books, Missing, NotLoadedError, Table


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


def test_a_row_says_where_it_is_found() -> None:
    assert _table(complete=True).places("colour", RED) == ("red",)


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
