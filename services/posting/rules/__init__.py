"""The posting rules: what the settlement service says goes in, balanced vouchers come out.

Invariant: a pure fold, no clock, no randomness, no I/O; every voucher balances in its currencies and in the
company's accounting currency before it leaves; voucher numbers are gapless per company and series, in the order of
posting (rules.md, "Periods and numbers").
"""

from __future__ import annotations

from services.posting.rules.books import Books
from services.posting.rules.fold import fold, prepare
from services.posting.rules.voucher_draft import PostingDefectError

__all__ = ["Books", "PostingDefectError", "fold", "prepare"]
