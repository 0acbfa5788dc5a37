"""`/v1/companies` and `/v1/parties`: who there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.inquiry.queries.companies import NamedSelection, companies, parties
from services.web.access.may import Reader
from services.web.book_models import Q
from services.web.models import ListOf
from services.web.reading import Page, listed, scope_of

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(tags=["books"])


class PeriodModel(BaseModel):
    """A period that was closed or opened; of those that overlap the last one counts."""

    from_: str = Field(alias="from", description="Its first day.")
    to: str = Field(description="Its last day.")
    state: Literal["closed", "opened"] = Field(description="What was done with it.")


class CompanyModel(BaseModel):
    """A company of the group."""

    company: str = Field(description="Its code.")
    name: str | None = Field(description="Its name.")
    currency: str = Field(description="Its accounting currency.")
    language: str | None = Field(description="Its language.")
    periods: list[PeriodModel] = Field(description="Its periods, in the order in which they were said.")
    open: int = Field(description="How many documents are open.")


class PartyWithAccounts(BaseModel):
    """A party."""

    party: str = Field(description="Its id.")
    name: str | None = Field(description="Its name.")
    customers: dict[str, list[str]] = Field(description="Its customer accounts, by company.")
    vendors: dict[str, list[str]] = Field(description="Its vendor accounts, by company.")


@router.get("/v1/companies", response_model=ListOf[CompanyModel], summary="Companies")
async def list_companies(request: Request, actor: Reader, page: Page, q: Q = None) -> Response:
    """The companies in scope, by code."""
    selection = NamedSelection(scope_of(actor, None), q)
    return await listed(request, page, lambda connection, wanted: companies(connection, selection, wanted))


@router.get("/v1/parties", response_model=ListOf[PartyWithAccounts], summary="Parties")
async def list_parties(request: Request, actor: Reader, page: Page, q: Q = None) -> Response:
    """The parties by id, with their accounts in the companies in scope."""
    selection = NamedSelection(scope_of(actor, None), q)
    return await listed(request, page, lambda connection, wanted: parties(connection, selection, wanted))
