"""Vouchers and their lines as rows, and what the lines of a day add up to.

Invariant: a voucher is the same whenever it is read; sums are made of vouchers that were not known before alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import orjson

from services.inquiry.rules.books import InquiryBooks
from services.inquiry.rules.rows import DailyRow, LineRow, PostedVoucher, VoucherRow
from services.inquiry.rules.said import broker_time, cause_of, first_of
from shared.events.envelope import Message
from shared.events.vouchers import Voucher, VoucherLine
from shared.money import ZERO


def take_voucher(books: InquiryBooks, message: Message) -> None:
    """`voucher.posted`."""
    data: Voucher = message.data
    key = (data.company, data.series, data.number)
    if books.vouchers.get(key) is None:
        lines = (_line(data, number, line) for number, line in enumerate(data.lines, start=1))
        books.vouchers.put(key, PostedVoucher(_voucher(message, data), tuple(lines)))


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
    )


def _line(voucher: Voucher, number: int, line: VoucherLine) -> LineRow:
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


def daily_sums(lines: Iterable[LineRow]) -> list[DailyRow]:
    """What these lines add up to by company, account, posting type, partner, currency and date, in the order of these."""
    sums: dict[_Day, _Sums] = {}
    for line in lines:
        key = _Day(line.company, line.account, line.posting_type, line.partner or "", line.currency, line.date)
        sums.setdefault(key, _Sums()).add(line)
    return [
        DailyRow(*key, total.debit, total.credit, total.accounting_debit, total.accounting_credit, total.lines)
        for key, total in sorted(sums.items(), key=lambda entry: entry[0])
    ]
