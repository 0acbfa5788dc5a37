"""Vouchers and their lines as rows, and what the lines of a day add up to.

Invariant: a voucher is the same whenever it is read; sums are made of vouchers that were not known before alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import BetweenDayRow, BetweenMonthRow, DailyRow, LineRow, PostedVoucher, VoucherRow
from services.inquiry.rules.said import broker_time, cause_of, first_of
from shared.events.envelope import Message
from shared.events.vouchers import Voucher, VoucherLine
from shared.money import ZERO

K = TypeVar("K", bound=tuple[Any, ...])

_Between = tuple[str, str, str, str]
"""Company, partner, currency, posting type."""

BETWEEN: Final = frozenset({"due_from", "due_to"})
"""The posting types of what companies owe each other."""


def take_voucher(books: InquiryBooks, message: Message) -> None:
    """`voucher.posted`."""
    data: Voucher = message.data
    key = (data.company, data.series, data.number)
    if books.vouchers.get(key) is None:
        voucher = _voucher(message, data)
        lines = (_line(voucher, number, line) for number, line in enumerate(data.lines, start=1))
        books.vouchers.put(key, PostedVoucher(voucher, tuple(lines)))


def _voucher(message: Message, data: Voucher) -> VoucherRow:
    run = None if data.settlement is None else data.settlement.ref
    return VoucherRow(
        company=data.company,
        series=data.series,
        number=data.number,
        ledger=data.ledger,
        kind=data.kind,
        date=data.date,
        document=data.document,
        reference=data.reference,
        accounting_currency=data.accounting_currency,
        run_source=None if run is None else run.source,
        run_id=None if run is None else run.id,
        record=data.record,
        posted_at=broker_time(message),
        event_id=message.ref.id,
        cause_source=cause_of(message).source,
        cause_id=cause_of(message).id,
        first_source=first_of(message).source,
        first_id=first_of(message).id,
        digest=data.digest,
    )


def _line(voucher: VoucherRow, number: int, line: VoucherLine) -> LineRow:
    is_debit = bool(line.debit or line.accounting_debit)  # a gain's lines are 0.00 in the document's currency
    return LineRow(
        company=voucher.company,
        series=voucher.series,
        number=voucher.number,
        line=number,
        date=voucher.date,
        posting_type=line.posting_type,
        account=line.account,
        partner=line.partner,
        party=line.party,
        party_account=line.party_account,
        settles=line.settles,
        currency=line.currency,
        debit=line.debit if is_debit else None,
        credit=None if is_debit else line.credit,
        accounting_debit=line.accounting_debit if is_debit else None,
        accounting_credit=None if is_debit else line.accounting_credit,
        dimensions=orjson.dumps(line.dimensions).decode() if line.dimensions else None,
        text=line.text,
        rule=line.rule,
        posted_at=voucher.posted_at,
    )


class _Day(NamedTuple):
    """What a daily row is kept for, in the order of its key."""

    company: str
    account: str
    posting_type: str
    partner: str
    currency: str
    date: dt.date


@dataclass(slots=True)
class _Sums:
    """What the lines of a key add up to."""

    debit: Decimal = ZERO
    credit: Decimal = ZERO
    accounting_debit: Decimal = ZERO
    accounting_credit: Decimal = ZERO
    lines: int = 0

    def add(self, line: LineRow) -> None:
        """One more line."""
        self.debit += line.debit or ZERO
        self.credit += line.credit or ZERO
        self.accounting_debit += line.accounting_debit or ZERO
        self.accounting_credit += line.accounting_credit or ZERO
        self.lines += 1

    def join(self, other: _Sums) -> None:
        """More lines that have been added up."""
        self.debit += other.debit
        self.credit += other.credit
        self.accounting_debit += other.accounting_debit
        self.accounting_credit += other.accounting_credit
        self.lines += other.lines

    @property
    def amounts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """The four sums."""
        return self.debit, self.credit, self.accounting_debit, self.accounting_credit


def daily_sums(lines: Iterable[LineRow]) -> list[DailyRow]:
    """What these lines add up to by company, account, posting type, partner, currency and date, in the order of these."""
    keyed = ((_Day(line.company, line.account, line.posting_type, line.partner or "", line.currency, line.date), line) for line in lines)
    return [DailyRow(*day, *total.amounts, total.lines) for day, total in _summed(keyed)]


def sums_between(posted: Iterable[PostedVoucher]) -> tuple[list[BetweenMonthRow], list[BetweenDayRow]]:
    """What the lines due from and due to other companies add up to, per month and per day, in the order of their keys."""
    days = _summed(_between(posted))
    months: dict[tuple[_Between, dt.date], _Sums] = {}
    last: dict[tuple[_Between, dt.date], dt.date] = {}
    for (of, date, _), total in days:
        month = (of, date.replace(day=1))
        months.setdefault(month, _Sums()).join(total)
        last[month] = max(date, last.get(month, date))
    return (
        [BetweenMonthRow(*key[0], key[1], *months[key].amounts, last[key], months[key].lines) for key in sorted(months)],
        [BetweenDayRow(*of, date, posted_on, *total.amounts, total.lines) for (of, date, posted_on), total in days],
    )


def _between(posted: Iterable[PostedVoucher]) -> Iterator[tuple[tuple[_Between, dt.date, dt.date], LineRow]]:
    """The lines that count, each with its key: accounting date and day of posting in UTC beside the pair."""
    for voucher, lines in ((each.voucher, each.lines) for each in posted):
        posted_on = voucher.posted_at.astimezone(dt.UTC).date()
        for line in lines:
            if line.partner is not None and line.posting_type in BETWEEN:
                yield ((line.company, line.partner, line.currency, line.posting_type), line.date, posted_on), line


def _summed(keyed: Iterable[tuple[K, LineRow]]) -> list[tuple[K, _Sums]]:
    """What the lines of each key add up to, in the order of the keys."""
    sums: dict[K, _Sums] = {}
    for key, line in keyed:
        sums.setdefault(key, _Sums()).add(line)
    return sorted(sums.items(), key=lambda each: each[0])
