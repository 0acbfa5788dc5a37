"""The parameters as they were in force when a line was decided, out of what inquiry keeps of the reference data.

Invariant: of an entity the version counts that settlement had read when it made the record; of a document's own voucher, which no
record says, the one that was there when it was posted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.desk.why.parameters import keys_asked, lookup_of
from services.inquiry.queries.reference import decided_with, entities

if TYPE_CHECKING:
    from services.desk.why.facts import Facts, Lookup
    from shared.delivery.ports import Connection


async def as_they_were(connection: Connection, facts: Facts) -> Lookup:
    """The parameters as they were when the line was decided; while inquiry has not read the voucher, as it has them now."""
    voucher = facts.voucher
    documents = [each for each in (facts.lowering, facts.raising, facts.document) if each is not None]
    partners = [line.partner for line in voucher.lines if line.partner is not None]
    keys = keys_asked([voucher.company, *partners, *(each.company for each in documents)], voucher.ledger)  # type: ignore[arg-type]
    decided = await decided_with(connection, voucher.company, voucher.series, voucher.number)
    return lookup_of(await entities(connection, keys), (lambda _: True) if decided is None else decided.counts)
