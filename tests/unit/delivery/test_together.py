"""Several statements in one: whose parameters are whose."""

from __future__ import annotations

from shared.delivery.together import written_with

LAST = ("with moved as (update positions set next_offset = $1) select $2", (7, b"row"))


def test_each_statement_keeps_its_own_parameters_behind_those_of_the_one_that_ends_the_batch() -> None:
    many = "insert into counts values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    text, parameters = written_with(LAST, [(many, range(20, 31)), ("delete from gone where id = $1", (40,))])
    assert text == (
        "with w0 as (insert into counts values ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)),\n"
        "w1 as (delete from gone where id = $14),\nmoved as (update positions set next_offset = $1) select $2"
    )
    assert list(parameters) == [7, b"row", *range(20, 31), 40]


def test_with_nothing_to_write_a_statement_stays_as_it_is() -> None:
    assert written_with(LAST, []) == LAST
