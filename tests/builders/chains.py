"""Ledgers with chains of vouchers in memory, and what the walk along them finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from services.desk.chain_walk import AROUND, ChainWalk, Head, Sister
from services.posting.rules import Books
from services.posting.rules.chain import NOTHING_BEFORE, chained, lines_content, written_line
from services.posting.rules.numbers import LastVoucher, VoucherKey
from services.posting.stored_pages import StoredVoucher
from shared.events.envelope import EventRef
from shared.events.settlements import ReversedRecord, SettlementPosted, SettlementReversed
from shared.events.vouchers import voucher_number
from tests.builders.posting import DAY, books, document, post, record, reversed_document, run

AT = "2026-03-31T00:00:00Z"
FOUND = tuple[str, str, str]
"""Company, voucher and problem."""


def runs(payments: int) -> list[Any]:
    """What settlement says of so many payments in FAB, each of an invoice in FABE."""
    said: list[Any] = []
    for number in range(1, payments + 1):
        payment, invoice = document(f"PAY-{number}", "payment", "580.00"), document(f"INV-{number}", "invoice", "600.00", company="FABE")
        settled: SettlementPosted = run(payment, invoice, record("580.00"))
        said += [payment, invoice, replace(settled, run=_run_of(number))]
    return said


def reversed_payment(payment: int) -> SettlementReversed:
    """What settlement says of the reversal of what a payment has settled."""
    return SettlementReversed("receivable", [ReversedRecord("receivable", _run_of(payment), 1, DAY)], [_run_of(payment)], [])


def _run_of(payment: int) -> EventRef:
    return EventRef("scenario", f"PAY-{payment}")


class Ledger(NamedTuple):
    """What stands in the tables: vouchers by key, and the last of each series."""

    vouchers: dict[VoucherKey, StoredVoucher]
    lasts: dict[tuple[str, str], LastVoucher]

    @classmethod
    def of(cls, group: Books) -> Ledger:
        """What these books would write."""
        stored = [StoredVoucher(voucher, lines_content(list(map(written_line, voucher.lines)))) for voucher in group.vouchers]
        lasts = {each.key[:2]: LastVoucher(group.numbers.get(each.key[:2]) or 0, group.digests.get(each.key[:2])) for each in stored}
        return cls({each.key: each for each in stored}, lasts)

    def put(self, stored: StoredVoucher, **changed: Any) -> None:
        """Writes a voucher, with other values."""
        voucher = replace(stored.voucher, **changed)
        voucher.voucher = voucher_number(voucher.series, voucher.number)
        self.write(StoredVoucher(voucher, stored.lines))

    def write(self, stored: StoredVoucher) -> None:
        """Writes a voucher as it is."""
        self.vouchers[stored.key] = stored

    def get(self, company: str, number: int, series: str = "AR-SET") -> StoredVoucher:
        """A voucher."""
        return self.vouchers[VoucherKey(company, series, number)]

    def take_out(self, company: str, number: int, series: str = "AR-SET") -> StoredVoucher:
        """Deletes a voucher; it."""
        return self.vouchers.pop(VoucherKey(company, series, number))

    def compute_again(self, company: str, number: int, series: str = "AR-SET") -> None:
        """All digests of a series from a number on, computed again, as whoever owns the database can; the last one too."""
        before = self.vouchers.get(VoucherKey(company, series, number - 1))
        self.compute_from_nothing(company, number, series, NOTHING_BEFORE if before is None else bytes.fromhex(before.voucher.digest or ""))

    def compute_from_nothing(self, company: str, number: int, series: str, digest: bytes = NOTHING_BEFORE) -> None:
        """The same after another digest: as if the chain began here."""
        while (stored := self.vouchers.get(VoucherKey(company, series, number))) is not None:
            sisters = {of: bytes.fromhex(content) for of, content in stored.voucher.sister_contents.items()}
            digest = chained(digest, stored.content(), sisters)
            self.put(stored, digest=digest.hex())
            number += 1
        self.lasts[company, series] = LastVoucher(number - 1, digest)

    def heads(self) -> list[Head]:
        """What is written down of its chains."""
        return self.walked().as_heads(AT)

    def walked(self, heads: tuple[Head, ...] | list[Head] = (), told: dict[VoucherKey, str | None] | None = None) -> ChainWalk:
        """The walk along all of it; `told`: what the read side knows."""
        walk = ChainWalk(self.lasts, heads)
        for key, stored in sorted(self.vouchers.items()):
            walk.take(stored, self._sisters(stored))
            walk.told(stored.voucher, (told or {}).get(key))
            for suspect in walk.suspects:
                walk.judge(suspect, self._around(key))
            walk.suspects.clear()
        walk.end(self.lasts)
        return walk

    def found(self, *heads: Head) -> list[FOUND]:
        """What is not as it was posted."""
        return [(each.company, each.voucher, each.problem) for each in self.walked(heads).findings]

    def _sisters(self, stored: StoredVoucher) -> list[Sister]:
        others = [each for each in self.vouchers.values() if each.record == stored.record and each.record and each.key != stored.key]
        us = stored.voucher.company
        return [Sister(each.voucher.company, each.voucher.voucher, each.content(), each.voucher.sister_contents.get(us)) for each in others]

    def _around(self, key: VoucherKey) -> list[tuple[int, str | None]]:
        near = (each.voucher for other, each in self.vouchers.items() if other[:2] == key[:2] and abs(other.number - key.number) <= AROUND)
        return [(voucher.number, voucher.digest) for voucher in near]


def ledger(payments: int = 6) -> Ledger:
    """The ledger of a group: payments, their invoices and settlements, one of which is reversed, and a reversed invoice."""
    group = books()
    post(group, *runs(payments))
    post(group, reversed_payment(2), reversed_document("INV-2", "FABE"))
    return Ledger.of(group)
