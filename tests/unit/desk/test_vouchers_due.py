"""Which records of a settlement post vouchers: of every scenario's records exactly those that have some, in as many companies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from services.desk.vouchers_due import has_vouchers
from services.scenarios.scenario_file import arrivals, load_scenario
from services.scenarios.simulation import Simulation
from shared.events.kinds import SETTLEMENT
from tests.scenario_files import FILES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_voucher_is_waited_for_of_those_records_alone_that_post_one(path: Path) -> None:
    simulation = Simulation()
    for each in arrivals(load_scenario(path)):
        simulation.send(each.record)
    settlement, posting = simulation.books.settlement, simulation.books.posting
    documents = {each.key: each for each in settlement.documents}
    made = Counter(
        (each.settlement.ref, each.ledger, each.record) for each in posting.vouchers if each.kind == SETTLEMENT and each.settlement
    )
    for record in settlement.records:
        companies = {record.lowering.company, record.raising.company}
        wanted = len(companies) if has_vouchers(record, documents) else 0
        assert made[record.run, record.ledger, record.number] == wanted, record
