"""`/v1/search`: what a text may mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.inquiry.queries.search import search
from services.web.access.may import Reader
from services.web.models import Key, ReadTo
from services.web.reading import answered, books, scope_of

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(tags=["books"])


class HitModel(BaseModel):
    """Something that the text may mean."""

    kind: Literal["event", "document", "voucher", "settlement", "account", "company", "party"] = Field(description="What it is.")
    source: str | None = Field(description="Its source, of events and settlements.")
    ledger: str | None = Field(description="Its ledger.")
    company: str | None = Field(description="Its company.")
    name: str = Field(description="Its id or number.")
    title: str | None = Field(description="What it is called or about.")


class HitsModel(BaseModel):
    """What the text may mean."""

    data: list[HitModel] = Field(description="The best first, 20 at most.")
    read_to: ReadTo = Field(description="How far the read side had read.")


@router.get("/v1/search", response_model=HitsModel, summary="What a text may mean")
async def find(
    request: Request,
    actor: Reader,
    q: Annotated[Key, Query(description="An id, a number or the beginning of one, an account, a company, or words of a party's name.")],
) -> Response:
    """Exact ids and numbers first, then accounts and documents whatever their case, what begins with the text, companies and parties."""
    async with books(request) as found:
        hits = await search(found.connection, q, scope_of(actor, None))
    return answered({"data": hits, "read_to": found.read_to})
