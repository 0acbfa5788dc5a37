"""What the posting service says on `intercompany.vouchers`, and every service on `intercompany.rejections`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.events.envelope import EventRef


@dataclass(slots=True)
class VoucherLine:
    """A line: amounts in `currency`, accounting amounts in the company's accounting currency; 0 where there is none."""

    posting_type: str
    account: str
    partner: str | None
    currency: str
    debit: Decimal
    credit: Decimal
    accounting_debit: Decimal
    accounting_credit: Decimal
    dimensions: dict[str, str]
    text: str
    rule: str


@dataclass(slots=True)
class Voucher:
    """A balanced voucher, what an ERP imports into its ledger (`voucher.posted`).

    `voucher` is gapless per company and series; a series is a ledger and kind. `settlement` names the run and record
    that made it, so that the vouchers of one record in several companies are found by each other (F-G07, C40).
    `reference` is the other side's number of `document`, None without one.
    """

    voucher: str
    company: str
    ledger: str
    kind: str
    date: dt.date
    document: str
    lines: list[VoucherLine]
    settlement: EventRef | None = None
    record: int | None = None
    reference: str | None = None


@dataclass(slots=True)
class Rejection:
    """A refusal (`event.rejected`): `scope` is `event` or `settlement`, `field` a JSON pointer into the event."""

    event: str
    source: str
    scope: str
    code: str
    field: str
    message: str
    original: dict[str, Any]
