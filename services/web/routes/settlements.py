"""`/v1/settlements`, `/v1/settlement`, `/v1/journals`: what was settled, and what was created in sellers' companies for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.inquiry.queries.journals import JournalSelection, journals
from services.inquiry.queries.settlements import SettlementSelection, settlements
from services.inquiry.queries.settlements import settlement as runs_of
from services.web.access.may import Reader
from services.web.access.scope import visible_record
from services.web.book_models import (
    SINGLE,
    CompanyDocument,
    Document,
    EventRefModel,
    From,
    NamedVoucher,
    One,
    OneCompany,
    Party,
    RecordModel,
    To,
)
from services.web.models import Key, ListOf
from services.web.naming import with_settlement
from services.web.reading import Page, books, listed, missing, scope_of, single

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(tags=["books"])

Row = dict[str, Any]


class RunModel(BaseModel):
    """A settlement run: what one event asked to be settled."""

    settlement: EventRefModel = Field(description="The event that asked for it.")
    records: list[RecordModel] = Field(description="Its records, reversed ones too: those of which a document is in scope.")
    vouchers: list[NamedVoucher] = Field(description="Its vouchers, in all companies.")


class JournalModel(BaseModel):
    """A sales payment journal in a seller's company, as in docs/scenarios.md."""

    company: str = Field(description="The seller's company.")
    journal: str = Field(description="Its name.")
    document: str = Field(description="The payment's number.")
    status: str = Field(description="`created`, `posted`, `reversed` or `refused`.")
    date: str = Field(description="Its date.")
    currency: str = Field(description="Its currency.")
    amount: str = Field(description="Its amount.")
    mirrors: CompanyDocument = Field(description="The vendor payment that it mirrors.")
    reference: str | None = Field(description="The other side's number.")
    account: str | None = Field(description="The customer account.")
    caused_by: EventRefModel = Field(description="The event of the vendor payment.")
    settlement: EventRefModel = Field(description="The settlement run that it was created in.")
    approval: EventRefModel | None = Field(description="The event that approved it.")
    changed_at: str = Field(description="When it changed last.")


@router.get("/v1/settlements", response_model=ListOf[RecordModel], summary="Settlement records")
async def list_settlements(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    page: Page,
    company: OneCompany = None,
    party: Party = None,
    document: Document = None,
    from_: From = None,
    to: To = None,
    state: Annotated[Literal["in_force", "reversed"] | None, Query(description="In force, or reversed since.")] = None,
) -> Response:
    """Settlement records of which one document is in a company in scope, the newest date first."""
    selection = SettlementSelection(scope_of(actor, company), party, document, from_, to, state)
    return await listed(request, page, lambda connection, wanted: settlements(connection, selection, wanted), with_settlement)


@router.get("/v1/settlement", responses=SINGLE, response_model=One[RunModel], summary="One settlement run")
async def settlement(
    request: Request,
    actor: Reader,
    source: Annotated[Key, Query(description="The source of the event that asked for it.")],
    id_: Annotated[Key, Query(alias="id", description="The id of that event.")],
) -> Response:
    """One run in all companies: its records with what decided them, and its vouchers."""
    async with books(request) as found:
        runs = await runs_of(found.connection, id_, source)
    shown = [run for run in (_visible(run, actor) for run in runs) if run is not None]
    if not shown:
        missing("settlement")
    return single(request, shown[0], found.read_to)


def _visible(run: Row, actor: Any) -> Row | None:
    """A run as this reader sees it; None: nothing of it is in scope."""
    records = [with_settlement(record) for record in run["records"] if visible_record(record, actor)]
    is_seen = records or any(actor.sees(voucher["company"]) for voucher in run["vouchers"])
    return {**run, "records": records} if is_seen else None


@router.get("/v1/journals", response_model=ListOf[JournalModel], summary="Sales payment journals")
async def list_journals(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    page: Page,
    company: OneCompany = None,
    status: Annotated[
        Literal["created", "posted", "reversed", "refused"] | None, Query(description="What the payment service decided.")
    ] = None,
    document: Document = None,
) -> Response:
    """What the payment service created in sellers' companies for vendor payments of buyers, by company and document."""
    selection = JournalSelection(scope_of(actor, company), status, document)
    return await listed(request, page, lambda connection, wanted: journals(connection, selection, wanted))
