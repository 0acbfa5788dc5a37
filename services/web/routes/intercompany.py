"""`/v1/intercompany` and `/v1/intercompany/pair`: what the companies owe each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from services.files.exports.columns import MATRIX, PAIR
from services.inquiry.queries.as_of import AsOf
from services.inquiry.queries.intercompany import MatrixSelection, PairSelection, matrix, pair
from services.inquiry.queries.pages import PageOfRows, PageWanted
from services.web.access.may import Reader
from services.web.book_models import Currency, EventRefModel, From, OneCompany
from services.web.exporting import EXPORTED, File, exported
from services.web.models import Company, Key, ListOf, ReadTo
from services.web.reading import Day, KnownAt, Page, answered, books, listed, missing, refuse_unknown, scope_of, today

if TYPE_CHECKING:
    from starlette.responses import Response

    from services.web.access.roles import Actor
    from shared.delivery.ports import Connection

router = APIRouter(tags=["books"])

Row = dict[str, Any]

_SHOWN: Final = frozenset({"company", "voucher", "due_from", "due_to"})
"""What is shown of the other side's voucher to those who do not see that company."""


class CellModel(BaseModel):
    """What a company and its partner have towards each other in one currency."""

    company: str = Field(description="The company.")
    partner: str = Field(description="The other one.")
    currency: str = Field(description="The transaction currency.")
    due_from: str = Field(description="What the company's books say is due from the partner.")
    due_to: str = Field(description="What they say is due to the partner.")
    net: str = Field(description="Due from less due to.")
    accounting_currency: str = Field(description="The company's accounting currency.")
    accounting_due_from: str = Field(description="Due from, in accounting currency.")
    accounting_due_to: str = Field(description="Due to, in accounting currency.")
    accounting_net: str = Field(description="Due from less due to, in accounting currency.")
    partner_due_from: str = Field(description="What the partner's books say is due from the company.")
    partner_due_to: str = Field(description="What they say is due to the company.")
    partner_net: str = Field(description="Due from less due to, in the partner's books.")
    partner_accounting_currency: str = Field(description="The partner's accounting currency.")
    partner_accounting_due_from: str = Field(description="Due from in the partner's books, in its accounting currency.")
    partner_accounting_due_to: str = Field(description="Due to in the partner's books, in its accounting currency.")
    partner_accounting_net: str = Field(description="Due from less due to in the partner's books, in its accounting currency.")
    mirrored: bool = Field(description="Whether both sides say the same in the transaction currency.")
    last_date: str = Field(description="The last day on which one of them posted towards the other.")
    lines: int = Field(description="How many lines the company has.")


class MatrixModel(BaseModel):
    """What the companies have towards each other."""

    data: list[CellModel] = Field(description="Per ordered pair and currency.")
    read_to: ReadTo = Field(description="How far the read side had read.")


class SideModel(BaseModel):
    """One side's voucher. Of a company out of scope no document and no accounting amount is shown."""

    company: str = Field(description="The company.")
    voucher: str = Field(description="Its voucher.")
    document: str | None = Field(description="The document that the voucher settles.")
    due_from: str = Field(description="Due from the other company, debit positive.")
    due_to: str = Field(description="Due to the other company, credit positive.")
    accounting_due_from: str | None = Field(description="Due from, in accounting currency.")
    accounting_due_to: str | None = Field(description="Due to, in accounting currency.")
    accounting_currency: str | None = Field(description="The company's accounting currency.")


class PairRow(BaseModel):
    """What both sides posted for one settlement record."""

    date: str = Field(description="The date.")
    settlement: EventRefModel | None = Field(description="The settlement run.")
    record: int | None = Field(description="The record of the run, by its number.")
    ledger: str = Field(description="receivable or payable.")
    kind: str = Field(description="The kind of the vouchers.")
    currency: str = Field(description="The transaction currency.")
    company: SideModel | None = Field(description="The company's side; null: it has not posted.")
    partner: SideModel | None = Field(description="The partner's side; null: it has not posted.")
    difference: str = Field(description="What the two sides' nets add up to: 0.00 where they mirror each other.")


def _cells_selected(  # noqa: PLR0913 - the filters of cells
    request: Request, actor: Reader, company: OneCompany = None, currency: Currency = None, as_of: Day = None, known_at: KnownAt = None
) -> MatrixSelection:
    """The cells that are asked for, of the companies in scope."""
    return MatrixSelection(scope_of(actor, company), currency, AsOf(as_of or today(request), known_at))


CellsSelected = Annotated[MatrixSelection, Depends(_cells_selected)]


@router.get("/v1/intercompany", response_model=MatrixModel, summary="What the companies owe each other")
async def list_intercompany(request: Request, selected: CellsSelected) -> Response:
    """Due from and due to per ordered pair and currency, as both sides' books say it; the cells of which one company is in scope."""
    async with books(request) as found:
        cells = await matrix(found.connection, selected)
        if not cells:
            await refuse_unknown(request, found.connection)
    return answered({"data": cells, "read_to": found.read_to})


@router.get(
    "/v1/exports/intercompany",
    responses=EXPORTED,
    response_model=None,
    response_class=StreamingResponse,
    summary="What the companies owe each other, as a file",
)
async def export_intercompany(request: Request, file: File, selected: CellsSelected) -> Response:
    """All of /v1/intercompany."""

    async def question(connection: Connection, _: PageWanted) -> PageOfRows:
        return PageOfRows(await matrix(connection, selected))

    return await exported(request, file, MATRIX, question)


def _pair_selected(
    actor: Reader,
    company: Company,
    partner: Annotated[Key, Query(description="The other company.")],
    currency: Currency = None,
    from_: From = None,
) -> PairSelection:
    """The pair that is asked for; ProblemError (not-found) where none of the two is in scope."""
    if not actor.sees(company, partner):
        missing("company")
    return PairSelection(company, partner, currency, from_)


PairSelected = Annotated[PairSelection, Depends(_pair_selected)]


@router.get("/v1/intercompany/pair", response_model=ListOf[PairRow], summary="Two companies, row by row")
async def list_pair(  # noqa: PLR0913 - which pair, which page, which moment
    request: Request, actor: Reader, page: Page, selected: PairSelected, as_of: Day = None, known_at: KnownAt = None
) -> Response:
    """What both companies posted towards each other, joined by settlement record, the oldest first; one of them has to be in scope."""
    selection = replace(selected, as_of=page.as_of(as_of, known_at))
    return await listed(request, page, lambda connection, wanted: pair(connection, selection, wanted), lambda row: _visible(row, actor))


@router.get(
    "/v1/exports/pair",
    responses=EXPORTED,
    response_model=None,
    response_class=StreamingResponse,
    summary="Two companies, row by row, as a file",
)
async def export_pair(  # noqa: PLR0913 - which pair, which file, which moment
    request: Request, actor: Reader, file: File, selected: PairSelected, as_of: Day = None, known_at: KnownAt = None
) -> Response:
    """All of /v1/intercompany/pair."""
    selection = replace(selected, as_of=AsOf(as_of or today(request), known_at))
    return await exported(
        request, file, PAIR, lambda connection, wanted: pair(connection, selection, wanted), lambda row: _visible(row, actor)
    )


def _visible(row: Row, actor: Actor) -> Row:
    return {**row, **{side: _side(row[side], actor) for side in ("company", "partner")}}


def _side(side: Row | None, actor: Actor) -> Row | None:
    if side is None or actor.sees(side["company"]):
        return side
    return {name: value if name in _SHOWN else None for name, value in side.items()}
