"""Of a stored row only the columns that can change are written again: no scenario changes any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.scenarios.scenario_file import load_scenario
from services.scenarios.simulation import simulate
from services.settlement.rules.values import Document, RecordInForce
from services.settlement.stored_tables import TABLES, StoredTable
from shared.working_table import Table
from tests.scenario_files import FILES

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN: dict[type, StoredTable] = {Document: TABLES["documents"], RecordInForce: TABLES["records"]}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_of_a_row_is_not_written_again_never_changes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put = Table.put

    def watched(table: Table[Any, Any], key: Any, row: Any) -> None:
        stored = WRITTEN.get(type(row))
        before = table.get(key) if stored is not None else None
        if stored is not None and stored.many is not None and before is not None:
            kept = set(range(len(stored.many.columns))) - {*stored.many.places}
            old, new = stored.row(before), stored.row(row)
            assert [stored.many.columns[place] for place in kept if old[place] != new[place]] == []
        put(table, key, row)

    monkeypatch.setattr(Table, "put", watched)
    simulate(load_scenario(file))
