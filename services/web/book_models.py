"""Models of what several routes show of the books: vouchers, lines, records, and the parameters that several routes have.

Invariant: a model says what shared.rows and inquiry's questions spell, field by field (a live test compares answers with their models).
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from services.web.known import VALUES
from services.web.models import MOST_CHARACTERS, PRINTABLE, ADay, ReadTo

T = TypeVar("T")

TEXT: Final[dict[str, Any]] = {"min_length": 1, "max_length": MOST_CHARACTERS, "pattern": PRINTABLE}
"""What a text in a query string may be."""

OneCompany = Annotated[str | None, Query(description="Of this company alone.", **TEXT)]
Ledger = Annotated[Literal["receivable", "payable"] | None, Query(description="Of this ledger alone.")]
Party = Annotated[str | None, Query(description="Of this party alone.", **TEXT)]
Account = Annotated[str | None, Query(description="Of this account alone.", **TEXT)]
Document = Annotated[str | None, Query(description="Of the documents with this number alone.", **TEXT)]
Kind = Annotated[str | None, Query(description="Of this kind alone.", json_schema_extra={"enum": VALUES["kind"]}, **TEXT)]
Currency = Annotated[str | None, Query(description="In this currency alone.", **TEXT)]
PostingType = Annotated[
    str | None, Query(description="Of this posting type alone.", json_schema_extra={"enum": VALUES["posting_type"]}, **TEXT)
]
Partner = Annotated[str | None, Query(description="Towards this company of the group alone.", **TEXT)]
From = Annotated[ADay | None, Query(alias="from", description="Dated on or after this day.")]
To = Annotated[ADay | None, Query(description="Dated on or before this day.")]
Q = Annotated[str | None, Query(description="Code or name begins with this.", **TEXT)]


SINGLE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": {"ETag": {"description": "Changes with the thing; for `If-None-Match`.", "schema": {"type": "string"}}}},
    304: {"description": "It is still as the tag in `If-None-Match` says."},
}
"""What an operation can answer that gives one thing."""


class One(BaseModel, Generic[T]):
    """One thing."""

    data: T = Field(description="The thing.")
    read_to: ReadTo = Field(description="How far the read side had read.")


class PartyModel(BaseModel):
    """A party."""

    id: str = Field(description="Its id.")
    name: str | None = Field(description="Its name.")


class EventRefModel(BaseModel):
    """An event, by its names."""

    source: str = Field(description="Its source.")
    id: str = Field(description="Its id.")


class VoucherNames(BaseModel):
    """A voucher, by its names."""

    company: str = Field(description="Its company.")
    voucher: str = Field(description="Its number.")


class NamedDocument(BaseModel):
    """A document, by its names."""

    ledger: str | None = Field(description="receivable or payable.")
    company: str | None = Field(description="Its company.")
    document: str | None = Field(description="Its number.")


class CompanyDocument(BaseModel):
    """A document, by company and number."""

    company: str = Field(description="Its company.")
    document: str = Field(description="Its number.")


class NamedVoucher(VoucherNames):
    """A voucher that was posted."""

    kind: str = Field(description="Its kind: invoice, payment, settlement, …")
    date: str = Field(description="Its date.")
    posted_at: str = Field(description="When it was posted.")


class LineModel(BaseModel):
    """A line of a voucher, as in `voucher.posted` (docs/events.md). Of a company out of scope what is hidden is null."""

    posting_type: str = Field(description="What the line is: receivable, payable, cash_discount, due_to, …")
    account: str | None = Field(description="The main account.")
    partner: str | None = Field(description="The other company, on due-to and due-from lines.")
    party: str | None = Field(description="The customer or vendor, on receivable and payable lines.")
    party_account: str | None = Field(description="Their account.")
    settles: str | None = Field(description="The document in this company that the line changes.")
    currency: str = Field(description="The currency of debit and credit.")
    debit: str = Field(description="Debit.")
    credit: str = Field(description="Credit.")
    accounting_debit: str | None = Field(description="Debit in the company's accounting currency.")
    accounting_credit: str | None = Field(description="Credit in the company's accounting currency.")
    dimensions: dict[str, str] | None = Field(description="Financial dimensions.")
    text: str | None = Field(description="The line's text.")
    rule: str | None = Field(description="The rule by which it is posted (`/v1/rules`).")


class RuledLine(LineModel):
    """A line of a voucher, with what its rule is called."""

    line: int = Field(description="The line in the voucher, from 1: `line` of /v1/voucher/why.")
    rule_title: str | None = Field(description="What the rule is called, in the reader's language.")


class ImportedModel(BaseModel):
    """What the company's own system said of a voucher."""

    state: str = Field(description="`imported` or `failed`.")
    at: str = Field(description="When.")
    erp_number: str | None = Field(description="Its number there.")
    message: str | None = Field(description="What went wrong there.")
    said_by: EventRefModel = Field(description="The event that says so.")


class VoucherHead(BaseModel):
    """What a voucher has beside its number and lines, one that would be posted too."""

    company: str = Field(description="Its company.")
    series: str = Field(description="Its series.")
    accounting_currency: str | None = Field(description="The company's accounting currency.")
    ledger: str | None = Field(description="receivable or payable.")
    kind: str = Field(description="Its kind: invoice, payment, settlement, …")
    date: str = Field(description="Its accounting date.")
    document: str | None = Field(description="The document that it posts or settles.")
    settlement: EventRefModel | None = Field(description="The settlement run that it comes of.")
    record: int | None = Field(description="The record of the run, by its number.")
    reference: str | None = Field(description="The other side's number of the document.")


class VoucherModel(VoucherHead):
    """A voucher. Of a company out of scope only names, kind, date and what it owes to the reader's companies are shown."""

    voucher: str = Field(description="Its number, with the series.")
    number: int = Field(description="Its number in the series.")
    lines: list[RuledLine] = Field(description="Its lines.")
    digest: str | None = Field(description="What ties it to the voucher before it in its series; null before there were digests.")
    posted_at: str | None = Field(description="When it was posted.")
    caused_by: EventRefModel | None = Field(description="The event from outside that it came of.")
    sisters: list[VoucherNames] | None = Field(description="The vouchers of the same record in other companies.")
    imported: ImportedModel | None = Field(description="What the company's own system said of it.")


class RecordModel(BaseModel):
    """A settlement record, as in docs/scenarios.md."""

    settlement: EventRefModel = Field(description="The run, by the event that asked for it.")
    record: int = Field(description="The record's number in its run and ledger.")
    ledger: str = Field(description="receivable or payable.")
    date: str = Field(description="The settlement date.")
    debit_company: str = Field(description="The company of the document that is debited.")
    debit_document: str = Field(description="That document.")
    credit_company: str = Field(description="The company of the document that is credited.")
    credit_document: str = Field(description="That document.")
    amount: str = Field(description="What was settled, in the currency of the document that lowers.")
    cash_discount: str = Field(description="Cash discount, in the currency of the document that raises.")
    credit_note_discount: str = Field(description="Discount that a credit note gives back.")
    overpayment: str = Field(description="Overpayment that was written off.")
    underpayment: str = Field(description="Underpayment that was written off.")
    penny_difference: str = Field(description="Penny difference that was written off.")
    realized_gain: str = Field(description="Realized exchange gain; a loss is negative.")
    party: str = Field(description="The party.")
    primary: CompanyDocument | None = Field(description="The document that was marked as primary.")
    reversed_on: str | None = Field(description="On which day it was reversed.")
    why: dict[str, Any] | None = Field(description="What decided it; null where nothing was said.")
    posted_at: str = Field(description="When it was posted.")
    caused_by: EventRefModel = Field(description="The event from outside that it came of.")
