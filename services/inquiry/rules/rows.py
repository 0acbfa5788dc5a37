"""The rows of the inquiry service's tables, one class per table of migrations, fields in the order of its columns.

A row holds what one message says. What only several messages together say (is an event the current version of its id, when is a
document due, is it reversed, what is open of it) is derived: by projection.py in memory, by store.py in the database.

Invariant: amounts are positive but where the SQL file says otherwise; rows are never changed, only replaced.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple


class EventRow(NamedTuple):
    """An inbound event as it was sent with one content; `digest` tells the contents of one id apart, `data` is JSON."""

    source: str
    id: str
    digest: bytes
    type: str
    time: dt.datetime
    topic: str
    partition: int
    offset: int
    received_at: dt.datetime
    last_received_at: dt.datetime
    last_offset: int
    company: str | None
    account: str | None
    document: str | None
    currency: str | None
    amount: Decimal | None
    data: str


class RefusedVersionRow(NamedTuple):
    """A version of an event that was refused as a whole; `is_conflicting`: because its id was taken by other data.

    `last_refused_at`: so that what was sent again since is told from what was refused.
    """

    source: str
    id: str
    digest: bytes
    is_conflicting: bool
    last_refused_at: dt.datetime


class DocumentRow(NamedTuple):
    """A document as it was posted; `due_date` of a payment alone, what an invoice says is in its event."""

    ledger: str
    company: str
    document: str
    kind: str
    sign: int
    party: str
    account: str
    date: dt.date
    due_date: dt.date | None
    currency: str
    amount: Decimal
    accounting_currency: str
    exchange_rate: Decimal
    accounting_amount: Decimal
    summary_account: str
    reference: str | None
    text: str | None
    event_source: str
    event_id: str
    first_source: str
    first_id: str
    posted_at: dt.datetime


class DocumentReversalRow(NamedTuple):
    """The reversal of a document, on the accounting date `date`."""

    ledger: str
    company: str
    document: str
    date: dt.date
    reason: str
    event_source: str
    event_id: str
    posted_at: dt.datetime


class TakeRow(NamedTuple):
    """What a record takes from one of its documents: `amount` in its currency, `value` in its company's accounting currency."""

    run_source: str
    run_id: str
    ledger: str
    number: int
    side: str
    company: str
    document: str
    date: dt.date
    amount: Decimal
    value: Decimal
    posted_at: dt.datetime


class RecordRow(NamedTuple):
    """A settlement record; the currencies of its amounts stand in the SQL file."""

    run_source: str
    run_id: str
    ledger: str
    number: int
    date: dt.date
    party: str
    primary_company: str | None
    primary_document: str | None
    lowering_company: str
    lowering_document: str
    raising_company: str
    raising_document: str
    enlarges: bool
    lowering_currency: str
    raising_currency: str
    amount: Decimal
    applied: Decimal
    cash_discount: Decimal
    cash_discount_rule: str | None
    credit_note_discount: Decimal
    overpayment: Decimal
    underpayment: Decimal
    penny_difference: Decimal
    penny_currency: str | None
    realized_gain: Decimal
    gain_currency: str
    event_source: str
    event_id: str
    first_source: str
    first_id: str
    reference: int
    why: str | None
    posted_at: dt.datetime


class RecordReversalRow(NamedTuple):
    """The reversal of a settlement record, on the accounting date `date`."""

    run_source: str
    run_id: str
    ledger: str
    number: int
    date: dt.date
    reason: str
    event_source: str
    event_id: str
    posted_at: dt.datetime


class LineRow(NamedTuple):
    """A voucher's line: None on the side that it is not on."""

    company: str
    series: str
    number: int
    line: int
    date: dt.date
    posting_type: str
    account: str
    partner: str | None
    party: str | None
    party_account: str | None
    settles: str | None
    currency: str
    debit: Decimal | None
    credit: Decimal | None
    accounting_debit: Decimal | None
    accounting_credit: Decimal | None
    dimensions: str | None
    text: str
    rule: str
    posted_at: dt.datetime


class VoucherRow(NamedTuple):
    """A voucher without its lines."""

    company: str
    series: str
    number: int
    ledger: str
    kind: str
    date: dt.date
    document: str
    reference: str | None
    accounting_currency: str
    run_source: str | None
    run_id: str | None
    record: int | None
    posted_at: dt.datetime
    event_id: str
    cause_source: str
    cause_id: str
    first_source: str
    first_id: str
    digest: str | None


class PostedVoucher(NamedTuple):
    """A voucher with its lines."""

    voucher: VoucherRow
    lines: tuple[LineRow, ...]


class DailyRow(NamedTuple):
    """What the lines of one day add up to; `lines`: how many they are."""

    company: str
    account: str
    posting_type: str
    partner: str
    currency: str
    date: dt.date
    debit: Decimal
    credit: Decimal
    accounting_debit: Decimal
    accounting_credit: Decimal
    lines: int


class BetweenMonthRow(NamedTuple):
    """What the lines of one month due from or due to another company add up to; `lines`: how many they are."""

    company: str
    partner: str
    currency: str
    posting_type: str
    month: dt.date
    debit: Decimal
    credit: Decimal
    accounting_debit: Decimal
    accounting_credit: Decimal
    last_date: dt.date
    lines: int


class BetweenDayRow(NamedTuple):
    """The same of one day, of what was posted on one day in UTC."""

    company: str
    partner: str
    currency: str
    posting_type: str
    date: dt.date
    posted_on: dt.date
    debit: Decimal
    credit: Decimal
    accounting_debit: Decimal
    accounting_credit: Decimal
    lines: int


class JournalRow(NamedTuple):
    """A sales payment journal: `status` is created, posted or reversed."""

    company: str
    document: str
    journal: str
    status: str
    account: str
    date: dt.date
    currency: str
    amount: Decimal
    reference: str | None
    payer_company: str
    payer_document: str
    payer_source: str
    payer_id: str
    run_source: str
    run_id: str
    approval_source: str | None
    approval_id: str | None
    changed_at: dt.datetime


class JournalRefusalRow(NamedTuple):
    """A journal whose number was taken in the seller's books."""

    company: str
    document: str
    refused_at: dt.datetime


class RefusalRow(NamedTuple):
    """A refusal; `original` is the refused event as JSON. `again_at`: of one that was told with several times the last."""

    id: str
    at: dt.datetime
    service: str
    source: str
    event: str
    type: str | None
    scope: str
    code: str
    field: str
    message: str
    company: str | None
    document: str | None
    original: str
    again_at: dt.datetime | None = None


class ReferenceRow(NamedTuple):
    """A version of an entity of the reference data; `position` is its offset in the topic, `data` JSON, `digest` that of its event."""

    key: str
    position: int
    type: str
    data: str
    event_source: str
    event_id: str
    from_time: dt.datetime
    digest: bytes


class ImportedRow(NamedTuple):
    """What a company's own system said last of a voucher (`series-number`): `state` is imported or failed; `event`: that said it."""

    company: str
    voucher: str
    state: str
    at: dt.datetime
    erp_number: str | None
    message: str | None
    event_source: str
    event_id: str
