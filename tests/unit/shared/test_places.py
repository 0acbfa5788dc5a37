"""What was read of a table and what was changed in it is known by its places, by which batches of several instances are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shared.missing import Page
from shared.working_table import ANY, ROW, Table

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping


class Row(NamedTuple):
    """A row of the tests; it is found by its colour, and in the order of its number."""

    key: int
    colour: str
    queue: str = "q"


RED, BLUE = Row(1, "red"), Row(2, "blue")


def _table() -> Table[int, Row]:
    return Table("rows", {"colour": lambda row: (row.colour,), "queue": lambda row: (row.queue,)}, complete=False, ordered=["queue"])


def _places(found: Mapping[str, Iterable[Hashable]]) -> set[tuple[str, Hashable]]:
    return {(index, key) for index, keys in found.items() for key in keys}


def test_what_was_loaded_counts_as_read_also_where_nothing_was_found() -> None:
    table = _table()
    table.loaded(1, RED)
    table.loaded(7, None)
    table.loaded_index("colour", "green", [])
    table.loaded_page("queue", Page("q", "order", 0), [1], are_all=True)
    assert _places(table.places_read()) == {
        (ROW, 1),
        (ROW, 7),
        ("colour", "green"),
        ("queue", "q"),
    }


def test_of_what_was_loaded_whole_only_what_was_asked_for_counts_as_read() -> None:
    table = _table()
    table.loaded_whole(None, [(1, RED), (2, BLUE)])
    assert _places(table.places_read()) == set()
    assert table.find("colour", "green") == []
    assert table.get(7) is None
    assert table.find("colour", "red") == [RED]
    assert _places(table.places_read()) == {("colour", "green"), (ROW, 7), ("colour", "red"), (ROW, 1)}


def test_that_nothing_at_all_is_there_was_read_of_the_whole_table() -> None:
    table = _table()
    table.loaded_whole(None, [])
    assert table.is_empty
    assert _places(table.places_read()) == {(ROW, ANY)}


def test_a_row_that_is_new_or_gone_changes_its_indexes_too() -> None:
    table = _table()
    table.loaded(2, BLUE)
    table.put(1, RED)
    table.put(2, None)
    changed = _places(table.places_changed())
    assert {(ROW, 1), ("colour", "red"), (ROW, 2), ("colour", "blue"), ("queue", "q")} == changed


def test_a_row_that_is_found_as_before_changes_only_itself_and_its_place_in_an_order() -> None:
    table = Table[int, tuple[str, int]](
        "rows", {"colour": lambda row: (row[0],), "queue": lambda _: ("q",)}, complete=False, ordered=["queue"]
    )
    table.loaded(1, ("red", 10))
    table.put(1, ("red", 5))
    assert _places(table.places_changed()) == {(ROW, 1), ("queue", "q")}


def test_a_row_that_moves_changes_where_it_was_and_where_it_is() -> None:
    table = _table()
    table.loaded(1, RED)
    table.put(1, RED._replace(colour="blue"))
    assert {("colour", "red"), ("colour", "blue")} < _places(table.places_changed())


def test_what_was_rolled_back_has_changed_nothing() -> None:
    table = _table()
    table.put(1, RED)
    table.rollback()
    assert _places(table.places_changed()) == set()
