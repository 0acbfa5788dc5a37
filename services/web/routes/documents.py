"""`/v1/documents` and `/v1/document`: what is open, and what was taken from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from services.desk.reservations import held
from services.files.exports.columns import DOCUMENTS
from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.documents import DocumentName as NameInInquiry
from services.inquiry.queries.documents import DocumentSelection, documents
from services.inquiry.queries.documents import document as document_of
from services.web.access.may import Reader
from services.web.access.scope import visible_wait
from services.web.book_models import (
    SINGLE,
    Account,
    Currency,
    Document,
    EventRefModel,
    Kind,
    Ledger,
    NamedDocument,
    NamedVoucher,
    One,
    OneCompany,
    Party,
    PartyModel,
)
from services.web.exporting import EXPORTED, File, exported
from services.web.models import ADay, AnAmount, Company, Key, ListOf
from services.web.reading import Day, KnownAt, Page, books, listed, missing, scope_of, single, today
from services.web.work_models import ReservedByModel, WaitModel
from shared.events.envelope import EventRef

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.desk.reservations import DocumentName
    from services.inquiry.queries.pages import PageOfRows, PageWanted
    from services.web.access.roles import Actor
    from services.web.ports import WebPorts
    from shared.delivery.ports import Connection

router = APIRouter(tags=["books"])

Row = dict[str, Any]


class DiscountModel(BaseModel):
    """The cash discount that is still to be had."""

    amount: str = Field(description="So much, if all that is open were paid on that day.")
    until: str | None = Field(description="The last day for it; null: without a limit.")


class DocumentModel(BaseModel):
    """A document as of a day."""

    company: str = Field(description="Its company.")
    document: str = Field(description="Its number.")
    ledger: str = Field(description="receivable or payable.")
    currency: str = Field(description="Its currency.")
    balance: str = Field(description="What is open, debit positive.")
    kind: str = Field(description="Its kind: invoice, credit_note, payment, …")
    party: PartyModel = Field(description="Its party.")
    account: str = Field(description="The party's account.")
    date: str = Field(description="Its accounting date.")
    due_date: str = Field(description="When it is due.")
    age_days: int | None = Field(
        description="Days since it was due, on the day asked for; negative: not due yet; null: nothing was open "
        "then, or it is a payment or credit note, which is never due."
    )
    amount: str = Field(description="Its amount.")
    open: str = Field(description="What is open of it.")
    accounting_currency: str = Field(description="The company's accounting currency.")
    open_accounting: str = Field(description="What is open of it in that currency.")
    state: Literal["open", "closed", "reversed"] = Field(description="What it was on that day.")
    reversed_on: str | None = Field(description="On which day it was reversed.")
    discount: DiscountModel | None = Field(description="The cash discount that is still to be had.")
    reference: str | None = Field(description="The other side's number of it.")
    text: str | None = Field(description="Its text.")
    event: EventRefModel = Field(description="The event that posted it.")
    posted_at: str = Field(description="When it was posted.")
    reserved_by: ReservedByModel | None = Field(description="What has reserved it now, the first in order of arrival.")
    waits: list[WaitModel] = Field(description="What waits now because of it or over it, the longest first.")


class TakeModel(BaseModel):
    """What a settlement record took from a document."""

    settlement: EventRefModel = Field(description="The settlement run.")
    record: int = Field(description="The record of the run, by its number.")
    other: NamedDocument = Field(description="The other document of the record.")
    date: str = Field(description="The settlement date.")
    amount: str = Field(description="What it took, in the document's currency: the sum of the four parts below.")
    paid: str = Field(description="What was paid of it, or of a payment what was paid with it.")
    cash_discount: str = Field(description="The cash discount that was taken.")
    credit_note_discount: str = Field(description="The discount that a credit note takes back.")
    difference: str = Field(description="An over- or underpayment, or a penny difference, that was accepted.")
    accounting_amount: str = Field(description="What it took, in the company's accounting currency.")
    reversed_on: str | None = Field(description="On which day it was reversed.")
    posted_at: str = Field(description="When it was posted.")


class WholeDocument(DocumentModel):
    """A document with all that was taken from it."""

    takes: list[TakeModel] = Field(description="What was taken from it by that day, that was reversed since included.")
    vouchers: list[NamedVoucher] = Field(description="Its vouchers and those of its settlements, in all companies.")


def _selected(  # noqa: PLR0913 - the filters of documents
    actor: Reader,
    company: OneCompany = None,
    ledger: Ledger = None,
    party: Party = None,
    account: Account = None,
    kind: Kind = None,
    document: Document = None,
    state: Annotated[Literal["open", "closed", "reversed"] | None, Query(description="What they were on that day.")] = None,
    due_to: Annotated[ADay | None, Query(description="Due on or before this day.")] = None,
    currency: Currency = None,
    min_: Annotated[
        AnAmount | None, Query(alias="min", description="At least this is open (`state=open`), else is their amount; in their currency.")
    ] = None,
    sort: Annotated[
        Literal["due_date", "-due_date", "date", "-date"], Query(description="By which date; `-`: the latest first.")
    ] = "due_date",
) -> DocumentSelection:
    """The documents that are asked for, of the companies in scope."""
    return DocumentSelection(scope_of(actor, company), ledger, party, account, kind, document, state, due_to, currency, min_, sort)


Selected = Annotated[DocumentSelection, Depends(_selected)]


@router.get("/v1/documents", response_model=ListOf[DocumentModel], summary="Documents with what is open")
async def list_documents(  # noqa: PLR0913 - which documents, which page, which moment
    request: Request, actor: Reader, page: Page, selected: Selected, as_of: Day = None, known_at: KnownAt = None
) -> Response:
    """Documents as of a day: what was open of each at its end."""
    selection = replace(selected, as_of=page.as_of(as_of, known_at))

    async def question(connection: Connection, wanted: PageWanted) -> PageOfRows:
        found = await documents(connection, selection, wanted)
        return found._replace(rows=await _with_holds(request, found.rows, actor))

    return await listed(request, page, question)


@router.get(
    "/v1/exports/documents", responses=EXPORTED, response_model=None, response_class=StreamingResponse, summary="Documents as a file"
)
async def export_documents(request: Request, file: File, selected: Selected, as_of: Day = None, known_at: KnownAt = None) -> Response:
    """All of /v1/documents, with the signs of their balances: debit positive, so that a column adds up.

    What reserves a document, or waits for it, is left out: that is of now, and not of the moment of the file.
    """
    selection = replace(selected, as_of=AsOf(as_of or today(request), known_at))
    return await exported(request, file, DOCUMENTS, lambda connection, wanted: documents(connection, selection, wanted))


@router.get("/v1/document", responses=SINGLE, response_model=One[WholeDocument], summary="One document")
async def document(  # noqa: PLR0913 - its name and the moment
    request: Request,
    actor: Reader,
    ledger: Annotated[Literal["receivable", "payable"], Query(description="Its ledger.")],
    company: Company,
    document: Annotated[Key, Query(description="Its number.")],
    as_of: Day = None,
    known_at: KnownAt = None,
) -> Response:
    """One document as of a day, with what was taken from it by then, and its vouchers."""
    if not actor.sees(company):
        missing("document")
    async with books(request) as found:
        row = await document_of(found.connection, NameInInquiry(ledger, company, document), AsOf(as_of or today(request), known_at))
    if row is None:
        missing("document")
    (row,) = await _with_holds(request, [row], actor)
    return single(request, row, found.read_to)


async def _with_holds(request: Request, rows: list[Row], actor: Actor) -> list[Row]:
    """Documents with what holds each now, as the services that keep that have it."""
    ports: WebPorts = request.app.state.ports
    held_by = await held(ports.schemas, {_name(row): EventRef(row["event"]["source"], row["event"]["id"]) for row in rows})
    return [
        {**row, "reserved_by": held_by[_name(row)].reserved_by, "waits": [visible_wait(each, actor) for each in held_by[_name(row)].waits]}
        for row in rows
    ]


def _name(row: Row) -> DocumentName:
    return row["ledger"], row["company"], row["document"]
