"""Numbers that read the same: what waits for a document whose number looks like that of one that is there (events.md).

Invariant: numbers read the same if they are equal once compatible characters are one (NFKC) and spaces are left out; that
names a document for people and settles nothing: `A 1` and `A1` stay two documents.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

from services.settlement.rules.values import DocumentKey
from shared.reference import PAYABLE, RECEIVABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.events.values import Ledger


def plain(number: str) -> str:
    """A number as it reads: `\N{FULLWIDTH LATIN CAPITAL LETTER I}\N{NO-BREAK SPACE}1` is `I1`."""
    return "".join(unicodedata.normalize("NFKC", number).split())


def awaited(reason: str, key: Mapping[str, str]) -> DocumentKey | None:
    """The document that is waited for; None where it is something else."""
    named = reason == "document" and "company" in key and "document" in key
    ledger: Ledger = PAYABLE if key.get("ledger") == PAYABLE else RECEIVABLE
    return DocumentKey(ledger, key["company"], key["document"]) if named else None


class Lookalikes:
    """Documents that are there, found by how their numbers read."""

    def __init__(self, there: Iterable[DocumentKey]) -> None:
        self._numbers: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for key in there:
            self._numbers[key.ledger, key.company, plain(key.document)].append(key.document)

    def of(self, wanted: DocumentKey | None) -> list[str]:
        """The numbers, other than its own, that read like that of a document which is waited for."""
        if wanted is None:
            return []
        alike = self._numbers.get((wanted.ledger, wanted.company, plain(wanted.document)), [])
        return sorted(number for number in alike if number != wanted.document)
