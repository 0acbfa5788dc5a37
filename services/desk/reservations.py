"""What holds documents back, as the settlement and payment services keep it: what has reserved them, and what waits because of them.

Invariant: it is as of now, whatever the day that a document is shown of; some few queries, however many documents are asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from services.desk.waiting import items_of, waiting_of_events, with_lookalikes
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey
from shared.rows import instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.desk.schemas import Schemas
    from services.desk.waiting import WaitingItem
    from services.settlement.queries import Holds
    from shared.events.envelope import EventRef

Row = dict[str, Any]

DocumentName = tuple[str, str, str]
"""Ledger, company and number of a document."""
_NOTHING: Final = settlement_queries.Holds([], [], [])


@dataclass(frozen=True, slots=True)
class Held:
    """What holds a document: `reserved_by`, the first in order of arrival that has reserved it; `waits`, what waits over it."""

    reserved_by: Row | None = None
    waits: list[Row] = field(default_factory=list)


async def held(schemas: Schemas, documents: Mapping[DocumentName, EventRef]) -> dict[DocumentName, Held]:
    """What holds these documents, each with the event that posted it."""
    if not documents:
        return {}
    keys = {name: DocumentKey("receivable" if name[0] == "receivable" else "payable", *name[1:]) for name in documents}
    async with schemas.of("settlement") as connection:
        holding = await settlement_queries.holds(connection, keys.values())
    of_events = await waiting_of_events(schemas, documents.values())
    waits = {name: _unique([*_over(holding.get(key, _NOTHING)), *of_events.get(documents[name], ())]) for name, key in keys.items()}
    shown = iter(await with_lookalikes(schemas, [item for items in waits.values() for item in items]))
    return {
        name: Held(_reserved_by(holding.get(keys[name], _NOTHING)), [next(shown).as_row() for _ in items]) for name, items in waits.items()
    }


def _over(holds: Holds) -> list[WaitingItem]:
    return items_of("settlement", [*holds.reserving, *holds.reversing])


def _unique(items: list[WaitingItem]) -> list[WaitingItem]:
    """Each once, the one that has waited longest first; what an event has waiting may be over its own document too."""
    return sorted({item.place: item for item in items}.values(), key=lambda item: item.place)


def _reserved_by(holds: Holds) -> Row | None:
    """The run or journal that came first; a reversal reserves nothing."""
    found: list[tuple[int, Row]] = [
        (run.sequence, {"what": run.what, "event": _ref(run.event), "since": instant(run.since), "journal": None})
        for run in holds.reserving[:1]
    ]
    found += [
        (
            each.sequence,
            {
                "what": "sales payment",
                "event": _ref(each.run),
                "since": None,
                "journal": {"company": each.company, "document": each.document},
            },
        )
        for each in holds.journals
    ]
    return min(found, key=lambda each: each[0])[1] if found else None


def _ref(event: EventRef) -> Row:
    return {"source": event.source, "id": event.id}
