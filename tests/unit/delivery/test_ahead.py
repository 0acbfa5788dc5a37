"""What was folded before its turn holds as long as nothing has changed that it was folded by."""

from __future__ import annotations

from typing import Any

import pytest

from shared import working_set
from shared.delivery.ahead import Ahead, FoldOutcome, changed
from shared.delivery.folding import Folded
from shared.delivery.inbox import Inbox, InboxKey
from shared.delivery.shell_tables import State
from shared.working_set import Released


class Books(working_set.Books):
    """Rows that are found by their colour."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = self.table("rows", {"colour": lambda colour: (colour,)})
        self.others = self.table("others")


def _state(changes: list[bytes] | None, **other: Any) -> State:
    found: dict[str, Any] = {"epoch": 1, "reference": 2, "base": 0, "released": None, "taken": {}, "opened": {"position": 2}}
    return State(**(found | other), changes_through=5, changes=changes, others=True, later=[])


def _ahead() -> Ahead:
    """A batch that has read row 1, has looked for what is green and found nothing, and makes row 2 blue."""
    books = Books()
    books.rows.loaded(1, "red")
    books.rows.loaded_index("colour", "green", [])
    books.rows.loaded(2, None)
    books.rows.put(2, "blue")
    return Ahead([], _state(None), FoldOutcome(Inbox(), Folded(), {}, books, changed=changed(books.tables)))


def _noted(**rows: Any) -> bytes:
    """What another batch has noted that put these rows (`k1="red"`: row 1) into the table."""
    books = Books()
    for name, colour in rows.items():
        table = books.others if name.startswith("o") else books.rows
        table.put(int(name[1:]), colour)
    return changed(books.tables).noted()


def test_it_holds_if_nobody_has_changed_anything() -> None:
    assert _ahead().holds(_state([]))


def test_it_holds_beside_changes_at_other_places() -> None:
    assert _ahead().holds(_state([_noted(k7="red"), _noted(o1="red", o2="green")]))


@pytest.mark.parametrize(
    "noted",
    [
        pytest.param({"k1": "white"}, id="a row that was read"),
        pytest.param({"k7": "green"}, id="what was looked for and not found"),
        pytest.param({"k2": "white"}, id="a row that is written"),
        pytest.param({"k7": "blue"}, id="an index entry that is written"),
    ],
)
def test_it_does_not_hold_beside_a_change_of(noted: dict[str, str]) -> None:
    assert not _ahead().holds(_state([_noted(k9="red"), _noted(**noted)]))


def test_it_does_not_hold_if_it_is_not_known_what_others_have_changed() -> None:
    assert not _ahead().holds(_state(None))


@pytest.mark.parametrize(
    "now",
    [
        pytest.param({"epoch": 2}, id="the epoch"),
        pytest.param({"reference": 3}, id="how far the reference topic was read"),
        pytest.param({"base": 1}, id="the log of the reference topic"),
        pytest.param({"opened": {"position": 3}}, id="the reference data"),
        pytest.param({"released": Released(("company", "FAB"), 0)}, id="what may resume"),
        pytest.param({"taken": {InboxKey("k"): b"d"}}, id="the ids that are taken"),
    ],
)
def test_it_does_not_hold_beside_another_state_of(now: dict[str, Any]) -> None:
    assert not _ahead().holds(_state([], **now))


def test_what_was_only_prepared_is_folded_in_its_turn() -> None:
    ahead = _ahead()
    ahead.is_whole = False
    assert not ahead.holds(_state([]))
