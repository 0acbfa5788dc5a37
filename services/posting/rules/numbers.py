"""Voucher numbers: one series per ledger and kind in each company, gapless, given in the order of posting (C40).

Invariant: a number is the series and the next count in it: `AR-SET-000001`. The last one of a series is kept with its digest.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.events.kinds import KINDS
from shared.events.vouchers import voucher_number
from shared.reference import PAYABLE, RECEIVABLE

_LEDGERS: Final = {RECEIVABLE: "AR", PAYABLE: "AP"}
SERIES: Final = {(ledger, name): f"{short}-{kind.series}" for ledger, short in _LEDGERS.items() for name, kind in KINDS.items()}
"""The series of a ledger and kind."""


class LastVoucher(NamedTuple):
    """The last voucher of a series: its number and its digest, None where it was posted before there were digests."""

    number: int
    digest: bytes | None


class VoucherKey(NamedTuple):
    """What names a voucher: the company, its series there and the count in it, 1 for the first."""

    company: str
    series: str
    number: int

    @property
    def voucher(self) -> str:
        """The voucher number as an ERP shows it."""
        return voucher_number(self.series, self.number)
