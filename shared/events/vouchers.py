"""What the posting service says on `intercompany.vouchers`, and every service on `intercompany.rejections`.

Invariant: both topics are public: what stands here is promised. A field is only ever added, an event is named by an
object with `source` and `id`, and what an earlier version wrote is still read (`of_earlier_form`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from msgspec import field
from pydantic import Field, WithJsonSchema

from shared.events.envelope import EventRef
from shared.events.structs import EventData

_LONGEST: Final = 204
"""The longest company or document that can be named: the number of a sales payment."""


class EventName(EventData, frozen=True, gc=False):  # type: ignore[misc] # as a dataclass it could not be: the base is not frozen
    """The name of an event on a public topic: who said it and its id there."""

    source: str
    id: str

    @property
    def ref(self) -> EventRef:
        """The same name as the services use it among themselves."""
        return EventRef(self.source, self.id)


_DIGITS: Final = 6


def voucher_number(series: str, number: int) -> str:
    """A voucher's number as an ERP shows it: the series and the count in it (C40)."""
    return f"{series}-{number:0{_DIGITS}}"


class VoucherLine(EventData, gc=False):
    """A line: amounts in `currency`, accounting amounts in the company's accounting currency; 0 where there is none.

    `party`, `party_account` and `settles` are those of the document in this company whose balance the line changes, on its
    receivable or payable lines; None elsewhere.
    """

    posting_type: str
    account: str
    partner: str | None
    party: str | None
    party_account: str | None
    settles: str | None
    currency: str
    debit: Decimal
    credit: Decimal
    accounting_debit: Decimal
    accounting_credit: Decimal
    dimensions: dict[str, str]
    text: str
    rule: str


class Voucher(EventData, gc=False):
    """A balanced voucher, what an ERP imports into its ledger (`voucher.posted`).

    `voucher` is `series` and `number`, gapless per company and series; a series is a ledger and kind. `settlement` names the run
    and `record` that made it, so that the vouchers of one record in several companies are found by each other (F-G07, C40).
    `reference` is the other side's number of `document`, None without one. `digest` ties the voucher to the one before it in its
    series, SHA-256 in hexadecimal, None on vouchers posted before there were any; `sister_contents` are the digests of the contents
    of the vouchers of the same record in other companies, by company.
    """

    voucher: str
    series: str
    number: int
    company: str
    accounting_currency: str
    ledger: str
    kind: str
    date: dt.date
    document: str
    lines: list[VoucherLine]
    settlement: EventName | None = None
    record: int | None = None
    reference: str | None = None
    digest: str | None = None
    sister_contents: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Rejection:
    """A refusal (`event.rejected`): `scope` is `event` or `settlement`, `field` a JSON pointer into the event.

    `type`, `company` and `document` are the refused event's own, as far as it could be read. `at` is when it was refused, by the
    clock of the service that sends it, which sets it when it sends it.
    """

    event: str
    source: str
    type: str | None
    company: str | None
    document: str | None
    scope: str
    code: str
    field: str
    message: str
    at: Annotated[dt.datetime | None, WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")]
    original: dict[str, Any]


def rejection(event: EventRef, scope: str, code: str, field: str, message: str, original: dict[str, Any]) -> Rejection:  # noqa: PLR0913 - what a refusal says
    """The refusal of an event. `original` is the event itself as one document, which says its type, company and document."""
    data = original.get("data")
    company, document = _about(data) if isinstance(data, dict) else (None, None)
    return Rejection(event.id, event.source, _short(original.get("type")), company, document, scope, code, field, message, None, original)


def _about(data: dict[str, Any]) -> tuple[str | None, str | None]:
    """Company and document of an event's data: its own, or those of the document that it names (a reversal)."""
    named = next((data[name] for name in ("document", "payment") if isinstance(data.get(name), dict)), data)
    return _short(named.get("company")), _short(named.get("document"))


def _short(value: Any) -> str | None:
    return value if isinstance(value, str) and value and len(value) <= _LONGEST else None


@dataclass(slots=True)
class EventWaiting:
    """An event, or what it asked for, waits (`event.waiting`), or no longer does (`event.resumed`).

    `what` waits (a document, a run, a reversal, a sales payment, an approval), `for_` the reason of events.md, `key` what is missing,
    `since` when its waiting began; of `event.resumed` they are those that were said before.
    """

    event: str
    source: str
    what: str
    for_: Annotated[str, Field(alias="for")]
    key: dict[str, str]
    since: dt.datetime


_NEW_IN_LINES: Final = ("party", "party_account", "settles")


def of_earlier_form(data: Any) -> Any:
    """The data of a voucher as versions before the contract was published wrote it, in today's form.

    They wrote `settlement` as an array, and neither the accounting currency (left empty here) nor what a line settles.
    """
    if not isinstance(data, dict) or not isinstance(data.get("voucher"), str) or "series" in data:
        return data
    series, _, number = data["voucher"].rpartition("-")
    settlement, lines = data.get("settlement"), data.get("lines")
    return {
        **data,
        "series": series,
        "number": int(number) if number.isdecimal() else 0,
        "accounting_currency": "",
        "settlement": dict(zip(("source", "id"), settlement, strict=False)) if isinstance(settlement, list) else settlement,
        "lines": [_line_of_earlier_form(line) for line in lines] if isinstance(lines, list) else lines,
    }


def _line_of_earlier_form(line: Any) -> Any:
    return {**dict.fromkeys(_NEW_IN_LINES), **line} if isinstance(line, dict) else line
