"""Whether the books are right after the run: the reconciler, and a sample of payments against the simulation.

Invariant: a sampled payment is compared with all its vouchers in all companies, line by line; only voucher numbers, and the
digests of the chain, may differ, since others post between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.desk.at_owners import posted
from services.desk.reconciliation import reconcile
from services.desk.rows import voucher_rows
from services.desk.schemas import open_schemas
from services.scenarios.simulation import Simulation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.bench.workload import Payment, Workload
    from services.desk.schemas import Schemas
    from shared.events.envelope import Record
    from shared.settings import Settings

SAMPLE: Final = 180
_SHOWN: Final = 5


def simulated(reference: Iterable[Record], payments: Iterable[Payment]) -> Simulation:
    """The rules' books after these payments and their invoices."""
    simulation = Simulation()
    for record in reference:
        simulation.send(record)
    for payment in payments:
        for record in (*payment.invoices, payment.payment):
            simulation.send(record)
    return simulation


async def problems(settings: Settings, workload: Workload, payments: Sequence[Payment]) -> list[str]:
    """All that does not hold, in words; `payments` are those that were sent."""
    sample = payments[:: max(1, len(payments) // SAMPLE)]
    async with open_schemas(settings) as schemas:
        found = [f"{check.name}: {problem}" for check in await reconcile(schemas) for problem in check.problems]
        return found + await _differing(schemas, workload, sample)


async def _differing(schemas: Schemas, workload: Workload, sample: Sequence[Payment]) -> list[str]:
    reference = workload.reference(sorted({workload.pair(each.number) for each in sample}))
    books = simulated(reference, sample).books.posting
    documents = {(each.ledger, each.company, each.document) for each in books.vouchers if each.settlement is None}
    runs = {each.settlement.ref for each in books.vouchers if each.settlement is not None}
    rows = await posted(schemas, sorted(documents), sorted(runs))
    expected = voucher_rows(books)
    live, right = _comparable(rows), _comparable(expected)
    wrong = [f"the simulation does not have: {each}" for each in sorted(live - right)]
    wrong += [f"only the simulation has: {each}" for each in sorted(right - live)]
    if len(rows) != len(expected):
        wrong.append(f"{len(sample)} payments have {len(rows)} vouchers, the simulation's {len(expected)}")
    return wrong[:_SHOWN]


def _comparable(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {repr(sorted((name, value) for name, value in row.items() if name not in {"voucher", "number", "digest"})) for row in rows}
