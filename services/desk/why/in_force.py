"""What inquiry and the desk know about a line beside the owners' facts: the parameters that were in force, and what reversed it.

Invariant: of an entity the version counts that settlement had read when it made the record; of a document's own voucher, which no
record says, the one that was there when it was posted. A reversal's event and reason are those that it was asked for with; the person is
the one who is in the audit with that event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.desk.audit import actions_of
from services.desk.why.facts import Reversal
from services.desk.why.parameters import keys_asked, lookup_of
from services.inquiry.queries.reference import decided_with, entities
from services.inquiry.queries.reversals import reversed_by
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT
from shared.events.reference import PostingProfileDefined, compaction_key

if TYPE_CHECKING:
    from services.desk.schemas import Schemas
    from services.desk.why.facts import Facts, Lookup
    from shared.delivery.ports import Connection


async def as_they_were(schemas: Schemas, connection: Connection, facts: Facts) -> Facts:
    """The facts with the parameters as they were, and of a reversal with what asked for it; `connection`: inquiry's.

    While inquiry has not read the voucher, the parameters are as it has them now, and nothing is known of who reversed.
    """
    return replace(facts, lookup=await _lookup(connection, facts), reversal=await _reversal(schemas, connection, facts))


async def _reversal(schemas: Schemas, connection: Connection, facts: Facts) -> Reversal | None:
    voucher = facts.voucher
    if voucher.kind in {*DOCUMENT_KINDS, SETTLEMENT}:
        return None
    found = await reversed_by(connection, voucher.company, voucher.series, voucher.number)
    if found is None:
        return None
    actors = [row["actor"] for row in await actions_of(schemas, [found.event]) if row["id"] == found.event.id]  # what it sent has its id
    return Reversal(found.event, found.reason, actors[0] if actors else None)


async def _lookup(connection: Connection, facts: Facts) -> Lookup:
    voucher = facts.voucher
    documents = [each for each in (facts.lowering, facts.raising, facts.document) if each is not None]
    partners = [line.partner for line in voucher.lines if line.partner is not None]
    keys = keys_asked([voucher.company, *partners, *(each.company for each in documents)], voucher.ledger)  # type: ignore[arg-type]
    profiles = {(each.company, each.posting_profile) for each in documents if each.posting_profile is not None}
    keys += [compaction_key(PostingProfileDefined(*each)) for each in sorted(profiles)]
    decided = await decided_with(connection, voucher.company, voucher.series, voucher.number)
    return lookup_of(await entities(connection, keys), (lambda _: True) if decided is None else decided.counts)
