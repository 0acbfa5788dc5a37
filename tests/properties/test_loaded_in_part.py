"""The cores do the same with what they ask for, row by row, as with all in memory: what was not loaded is never taken for nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.payment.rules import Books as PaymentBooks
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from services.settlement.rules.fold import Books as SettlementBooks
from shared.events.envelope import Outgoing
from shared.reference import Reference
from tests.builders.loaded import LoadedInPart
from tests.scenario_files import FILES

EACH = 8
"""Of so many scenarios one: each takes a tenth of a second."""

_read = cache(load_scenario)


def _tables(books: Any) -> dict[str, list[str]]:
    """The rows of each table, in no order."""
    return {table.name: sorted(map(repr, table)) for table in books.tables}


@pytest.mark.parametrize("path", FILES[::EACH], ids=lambda path: path.stem)
def test_what_is_loaded_when_it_is_asked_for_gives_what_all_in_memory_gives(path: Path) -> None:
    arriving = arrivals(_read(path))
    said: list[Outgoing] = []
    simulation = Simulation(said.append)
    for arrival in arriving:
        simulation.send(arrival.record)
    loaded = LoadedInPart(*arriving)
    assert loaded.said == said
    whole = [simulation.books.payment, simulation.books.settlement, simulation.books.posting]
    assert [_tables(books) for books in loaded.in_memory()] == [_tables(books) for books in whole]


@pytest.mark.parametrize("books", [PaymentBooks, SettlementBooks])
def test_books_of_a_store_begin_with_its_reference_data_where_the_order_of_arrival_ended(books: Any) -> None:
    reference = Reference()
    made = books(reference, sequence=7)
    assert (made.reference is reference, made.complete, made.next_sequence()) == (True, False, 8)
    assert books().next_sequence() == 1
