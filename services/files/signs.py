"""The signs of documents: debit positive, on every page and in every file.

A receivable invoice is positive and a payable one negative; payments and credit notes lower, so theirs are the other way round.

Invariant: a document's amount has the sign of its balance, also when nothing of it is open.
"""

from __future__ import annotations

from decimal import Decimal

from shared.events.kinds import LOWERING


def is_debit(ledger: str, kind: str) -> bool:
    """Whether a document debits its party's account."""
    return (ledger == "receivable") == (kind not in LOWERING)


def signed(plain: str, *, is_debit: bool) -> str:
    """An amount of a document, with its sign."""
    return plain if is_debit or Decimal(plain) == 0 else str(-Decimal(plain))
