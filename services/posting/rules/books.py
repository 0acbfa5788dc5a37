"""The working set of the posting rules: vouchers, the last number of each series, balances, the reference data.

Invariant: a voucher is written once and never changed; balances are the sums of the vouchers' lines, so what
is new in them follows from the new vouchers and nobody has to load them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from services.posting.rules.chain import NOTHING_BEFORE, Numbered, chained
from services.posting.rules.numbers import VoucherKey
from shared import working_set
from shared.events.envelope import EventRef
from shared.events.kinds import DOCUMENT_KINDS, SETTLEMENT
from shared.events.vouchers import Voucher
from shared.money import ZERO
from shared.reference import Reference
from shared.working_table import Table


class BalanceKey(NamedTuple):
    """What a balance is kept for; `partner` is the other company on `due_to` and `due_from`."""

    company: str
    account: str
    posting_type: str
    partner: str | None
    currency: str


class Balance(NamedTuple):
    """Running sums: debit and credit in the key's currency and in the company's accounting currency."""

    debit: Decimal = ZERO
    credit: Decimal = ZERO
    accounting_debit: Decimal = ZERO
    accounting_credit: Decimal = ZERO

    def plus(self, other: Balance) -> Balance:
        """Both together."""
        return Balance(
            self.debit + other.debit,
            self.credit + other.credit,
            self.accounting_debit + other.accounting_debit,
            self.accounting_credit + other.accounting_credit,
        )


def balances_of(vouchers: Iterable[Voucher]) -> dict[BalanceKey, Balance]:
    """What these vouchers post, by company, account, posting type, partner and currency."""
    sums: dict[tuple[str, str, str, str | None, str], list[Decimal]] = {}
    for voucher in vouchers:
        for line in voucher.lines:
            key = (voucher.company, line.account, line.posting_type, line.partner, line.currency)
            total = sums.get(key)
            if total is None:
                sums[key] = [line.debit, line.credit, line.accounting_debit, line.accounting_credit]
                continue
            total[0] += line.debit
            total[1] += line.credit
            total[2] += line.accounting_debit
            total[3] += line.accounting_credit
    return {BalanceKey(*key): Balance(*total) for key, total in sums.items()}


def by_record(voucher: Voucher) -> tuple[Hashable, ...]:
    """Under which settlement record (run, ledger, number) a voucher is found: only the record's own, no reversal."""
    if voucher.settlement is None or voucher.kind != SETTLEMENT:
        return ()
    return ((voucher.settlement.ref, voucher.ledger, voucher.record),)


def by_document(voucher: Voucher) -> tuple[Hashable, ...]:
    """Under which document (ledger, company, number) a voucher is found: only the document's own."""
    return ((voucher.ledger, voucher.company, voucher.document),) if voucher.kind in DOCUMENT_KINDS else ()


INDEXES: Final[dict[str, Callable[[Voucher], tuple[Hashable, ...]]]] = {"record": by_record, "document": by_document}
"""How a reversal finds the vouchers that it mirrors."""


class Books(working_set.Books):
    """All that the posting core reads and writes.

    Vouchers are found by `record` (run, ledger, number: those of a settlement) and by `document` (ledger, company, number).
    `numbers` and `digests` are those of the last voucher of each series. `written_lines`: the lines of the vouchers posted since the
    last commit as their digests cover them, which is as they are stored.
    """

    def __init__(self, reference: Reference | None = None, *, complete: bool = False) -> None:
        super().__init__(reference, complete=complete)
        self.vouchers: Table[VoucherKey, Voucher] = self.table("vouchers", INDEXES)
        self.numbers: Table[tuple[str, str], int] = self.table("numbers")
        self.digests: Table[tuple[str, str], bytes] = self.table("digests")
        self.written_lines: dict[VoucherKey, bytes] = {}
        self.balances: dict[BalanceKey, Balance] = {}

    def next_key(self, company: str, series: str) -> VoucherKey:
        """The next voucher of a series; its number is taken by this."""
        number = (self.numbers.get((company, series)) or 0) + 1
        self.numbers.put((company, series), number)
        return VoucherKey(company, series, number)

    def post(self, numbered: Numbered, sisters: Mapping[str, bytes]) -> None:
        """Writes a voucher, tied to the last of its series that was written; vouchers come in the order of their numbers."""
        key, voucher, lines, content, _ = numbered
        series = (key.company, key.series)
        digest = chained(self.digests.get(series) or NOTHING_BEFORE, content, sisters)
        self.digests.put(series, digest)
        voucher.digest = digest.hex()
        if sisters:
            voucher.sister_contents = {company: sister.hex() for company, sister in sisters.items()}
        self.vouchers.put(key, voucher)
        self.written_lines[key] = lines

    def of_record(self, run: EventRef, ledger: str, number: int) -> list[Voucher]:
        """The vouchers of a settlement record, one per company, in the order of the companies' codes."""
        return sorted(self.vouchers.find("record", (run, ledger, number)), key=lambda voucher: voucher.company)

    def of_document(self, ledger: str, company: str, document: str) -> Voucher | None:
        """A document's own voucher."""
        return next(iter(self.vouchers.find("document", (ledger, company, document))), None)

    @property
    def new_vouchers(self) -> list[Voucher]:
        """The vouchers posted since the last commit, in the order of posting."""
        return [voucher for voucher in self.vouchers.changed.values() if voucher is not None]

    def commit(self) -> None:
        """Takes the changes as the new state; a simulation's balances follow."""
        if self.complete:
            for key, new in balances_of(self.new_vouchers).items():
                self.balances[key] = self.balances.get(key, Balance()).plus(new)
        self.written_lines.clear()
        super().commit()

    def rollback(self) -> None:
        """Forgets all changes; what was loaded stays."""
        self.written_lines.clear()
        super().rollback()
