"""The ledger by itself, and each voucher beside what it posts.

The vouchers are gone through in the order of their numbers, up to the last ones of the moment at which the balances were read.

Invariant: a number that was given has a voucher; vouchers up to the numbers of a moment add up to the balances of that moment.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from services.desk.checking import Check
from services.desk.differences import unbalanced, voucher_differs
from services.desk.intercompany import disagreements, sums_of_balances
from services.posting import queries as posting_queries
from services.posting.rules.books import Balance, BalanceKey
from services.posting.rules.numbers import VoucherKey
from services.registry import POSTING, SETTLEMENT
from services.settlement import queries as settlement_queries
from services.settlement.rules.values import DocumentKey, RecordKey
from shared.events.vouchers import voucher_number
from shared.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.desk.schemas import Schemas
    from services.posting.queries import LedgerStand
    from shared.events.vouchers import Voucher

Series = tuple[str, str]


async def check_ledger(schemas: Schemas) -> list[Check]:
    """What each voucher posts, whether it balances, the numbers, the balances, and what companies owe each other."""
    async with schemas.moment_of(POSTING.name) as posting:
        ledger = await posting_queries.ledger(posting)
    going = _GoingThrough(ledger)
    page: list[Voucher] = []
    while True:
        async with schemas.of(POSTING.name) as posting:
            page = await posting_queries.voucher_page(posting, _key(page[-1]) if page else None, ledger.currencies)
        if not page:
            break
        going.take(page)
        await _look_up_causes(schemas, page, going.caused)
    going.end()
    await _numbers_beyond(schemas, going)
    sums = sums_of_balances({**key._asdict(), **balance._asdict()} for key, balance in ledger.balances.items())
    mirrored = Check("what A is due from B is what B is due to A, per currency", f"{len(sums)} pairs").found(*disagreements(sums))
    return [*going.checks(), mirrored]


def _key(voucher: Voucher) -> VoucherKey:
    return VoucherKey(voucher.company, voucher.series, voucher.number)


async def _look_up_causes(schemas: Schemas, page: Sequence[Voucher], check: Check) -> None:
    """After the vouchers were read: what has caused them was committed before them."""
    runs = [RecordKey(each.settlement.ref, each.ledger, each.record or 0) for each in page if each.settlement]  # type: ignore[arg-type]
    keys = [DocumentKey(each.ledger, each.company, each.document) for each in page if each.settlement is None]  # type: ignore[arg-type]
    async with schemas.of(SETTLEMENT.name) as settlement:
        records = await settlement_queries.records_by_key(settlement, dict.fromkeys(runs))
        of_records = (key for record in records.values() for key in (record.lowering, record.raising))
        documents = await settlement_queries.documents_by_key(settlement, dict.fromkeys([*keys, *of_records]))
    for voucher in page:
        check.found(*voucher_differs(voucher, documents, records))


async def _numbers_beyond(schemas: Schemas, going: _GoingThrough) -> None:
    """Vouchers above the last number of that moment are newer; then their numbers have been given by now."""
    async with schemas.of(POSTING.name) as posting:
        for (company, series), highest in going.beyond.items():
            given = await posting_queries.last_number(posting, company, series)
            if highest > given:
                voucher, last = voucher_number(series, highest), voucher_number(series, given)
                going.numbered.found(f"{company} {voucher} is there, and the last number that was given is {last}")


class _GoingThrough:
    """What is known of the vouchers gone through so far; their sums are as many as there are balances."""

    def __init__(self, ledger: LedgerStand) -> None:
        self._ledger = ledger
        self._last = dict.fromkeys(ledger.numbers, 0)
        self._sums: dict[BalanceKey, list[Decimal]] = {}
        self._count = 0
        self.beyond: dict[Series, int] = {}
        self.caused = Check("each voucher has its document or settlement record, with its amount", "")
        self.balanced = Check("every voucher balances in its currencies and in accounting currency", "")
        self.numbered = Check("voucher numbers are gapless", "")
        self.added_up = Check("balances are the sums of the lines", f"{len(ledger.balances)} balances")

    def checks(self) -> list[Check]:
        """The checks, once all was gone through."""
        self.caused.compared = self.balanced.compared = self.numbered.compared = f"{self._count} vouchers"
        return [self.caused, self.balanced, self.numbered, self.added_up]

    def take(self, page: Sequence[Voucher]) -> None:
        """The next vouchers, in order."""
        self._count += len(page)
        for voucher in page:
            self.balanced.found(*unbalanced(voucher))
            series = (voucher.company, voucher.series)
            if voucher.number > self._ledger.numbers.get(series, 0):
                self.beyond[series] = voucher.number
                continue
            self._missing_between(series, voucher.number)
            self._last[series] = voucher.number
            self._add(voucher)

    def _missing_between(self, series: Series, number: int) -> None:
        first, last = self._last[series] + 1, number - 1
        if first <= last:
            company, name = series
            upto = f" to {voucher_number(name, last)}" if last > first else ""
            self.numbered.found(f"{company} {voucher_number(name, first)}{upto} {'are' if upto else 'is'} missing")

    def _add(self, voucher: Voucher) -> None:
        for line in voucher.lines:
            key = BalanceKey(voucher.company, line.account, line.posting_type, line.partner, line.currency)
            total = self._sums.setdefault(key, [ZERO, ZERO, ZERO, ZERO])
            for place, amount in enumerate((line.debit, line.credit, line.accounting_debit, line.accounting_credit)):
                total[place] += amount

    def end(self) -> None:
        """After the last voucher."""
        for series, number in self._ledger.numbers.items():
            self._missing_between(series, number + 1)
        for key in sorted({*self._sums, *self._ledger.balances}, key=lambda key: tuple(map(str, key))):
            balance, summed = self._ledger.balances.get(key, Balance()), Balance(*self._sums.get(key, [ZERO] * 4))
            if balance != summed:
                self.added_up.found(self._differing(key, balance, summed))

    def _differing(self, key: BalanceKey, balance: Balance, summed: Balance) -> str:
        account = " ".join(dict.fromkeys(filter(None, (key.company, key.posting_type, key.account, key.partner))))
        own = self._ledger.currencies.get(key.company, "")
        sides = (
            f"{amounts.debit:,} debit and {amounts.credit:,} credit {key.currency}"
            f" ({amounts.accounting_debit:,} and {amounts.accounting_credit:,} {own})"
            for amounts in (balance, summed)
        )
        return "{}: the balance is {}, the lines add up to {}".format(account, *sides)
