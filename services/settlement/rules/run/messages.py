"""What is said of a run, in messages that the broker takes: a run of very many records is told in several.

Invariant: each record is told once, with its documents beside it; no message has more than MOST_RECORDS_SAID records or more
than LARGEST_PARTS bytes of dimensions and parts of discounts, one record at least. A run that asks for sales payment journals
is told in one, because its answer is of the whole: what would be larger than a message is refused before it is a fact, and an
automatic run ends earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from shared.events.codec import as_json
from shared.events.settlements import SettledDocument, SettlementPosted, SettlementRecord
from shared.events.values import LARGEST_MESSAGE, size_of_dimensions

MOST_RECORDS_SAID: Final = 1_000
LARGEST_PARTS: Final = 2 * 1024 * 1024
_LARGEST_WHOLE: Final = LARGEST_MESSAGE - 64 * 1024
"""What is left for key, headers and framing is more than they can take."""
_PART: Final = 200


def messages_of(settlement: SettlementPosted) -> Iterator[SettlementPosted]:
    """The run's settlement in one message, or in several."""
    if settlement.reply_expected:
        yield settlement
        return
    groups = list(_groups(settlement))
    yield from [settlement] if len(groups) == 1 else (_part(settlement, group) for group in groups)


def is_too_large(settlement: SettlementPosted) -> bool:
    """Whether a run that can only be told in one message is larger than one may be."""
    if not settlement.reply_expected or len(list(_groups(settlement))) == 1:
        return False
    return len(as_json(settlement)) > _LARGEST_WHOLE


def _groups(settlement: SettlementPosted) -> Iterator[list[SettlementRecord]]:
    if len(settlement.records) == 1:
        yield settlement.records
        return
    group: list[SettlementRecord] = []
    size = 0
    for record in settlement.records:
        more = _size(settlement.documents, record)
        if group and (len(group) >= MOST_RECORDS_SAID or size + more > LARGEST_PARTS):
            yield group
            group, size = [], 0
        group.append(record)
        size += more
    yield group


def _size(documents: list[SettledDocument], record: SettlementRecord) -> int:
    """The bytes of what has no limit of its own in a record: the documents' dimensions, the parts of its discounts."""
    size = sum(size_of_dimensions(documents[place].dimensions) for place in (record.lowering, record.raising))
    for discount in (record.discount, record.credit_note_discount):
        if discount is not None:
            size += sum(_PART + size_of_dimensions(part.dimensions) for part in discount.parts)
            size += sum(_PART + size_of_dimensions(tax.dimensions) for tax in discount.tax)
    return size


def _part(settlement: SettlementPosted, records: list[SettlementRecord]) -> SettlementPosted:
    """These records with the documents that they name, in their order."""
    named = {place for record in records for place in (record.lowering, record.raising)}
    if settlement.primary is not None:
        named.add(settlement.primary)
    places = _numbered(sorted(named))
    return replace(
        settlement,
        primary=None if settlement.primary is None else places[settlement.primary],
        documents=[settlement.documents[place] for place in places],
        records=[replace(each, lowering=places[each.lowering], raising=places[each.raising]) for each in records],
    )


def _numbered(places: Iterable[int]) -> dict[int, int]:
    return {place: number for number, place in enumerate(places)}
