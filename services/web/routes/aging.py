"""`/v1/aging`: what is open by how long it has been due."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.inquiry.queries.aging import BUCKETS, MOST_ROWS, AgingSelection, aging
from services.inquiry.queries.as_of import AsOf
from services.web.access.may import Reader
from services.web.book_models import Ledger, OneCompany, Party, PartyModel
from services.web.models import DAYS, ReadTo
from services.web.reading import Day, KnownAt, answered, books, refuse_unknown, scope_of, today

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(tags=["books"])

_FIRST: Final = date(1, 1, 2)
_LAST: Final = date(9999, 12, 30)
"""Between these two the database can say how many days are between two dates."""


class Bucketed(BaseModel):
    """Amounts by bucket, debit positive."""

    amounts: dict[str, str] = Field(description="What is open in each bucket, by its name.")
    total: str = Field(description="What is open in all of them.")
    documents: int = Field(description="How many documents.")


class AgingRow(Bucketed):
    """What is open of a company or party, in one currency."""

    company: str | None = Field(default=None, description="The company, with `by=company`.")
    party: PartyModel | None = Field(default=None, description="The party, with `by=party`.")
    ledger: str = Field(description="receivable or payable.")
    currency: str = Field(description="The documents' currency.")


class AgingSum(Bucketed):
    """What is open in a company's ledger, in its accounting currency."""

    company: str = Field(description="The company.")
    ledger: str = Field(description="receivable or payable.")
    accounting_currency: str = Field(description="Its accounting currency.")


class AgingModel(BaseModel):
    """What is open by how long it has been due."""

    buckets: list[str] = Field(
        description="The names of the buckets in their order: not_due, 1-30, …; last `unapplied`, which has no age: "
        "payments and credit notes that are not settled yet."
    )
    data: list[AgingRow] = Field(description="Per company or party, ledger and currency.")
    left_out: int = Field(description="How many rows there are beside these, which have the largest totals.")
    sums: list[AgingSum] = Field(description="Per company and ledger, in accounting currency; of all rows.")
    read_to: ReadTo = Field(description="How far the read side had read.")


@router.get("/v1/aging", response_model=AgingModel, summary="What is open by how long it has been due")
async def list_aging(  # noqa: PLR0913 - its filters
    request: Request,
    actor: Reader,
    company: OneCompany = None,
    ledger: Ledger = None,
    party: Party = None,
    by: Annotated[Literal["company", "party"], Query(description="A row for each of these, per ledger and currency.")] = "company",
    buckets: Annotated[
        str,
        Query(
            description="The last day overdue of each bucket, in any order.",
            pattern=DAYS,
            examples=["30,60,90"],
        ),
    ] = ",".join(map(str, BUCKETS)),
    top: Annotated[int, Query(description="Only so many rows, those with the largest totals.", ge=1, le=MOST_ROWS)] = MOST_ROWS,
    as_of: Day = None,
    known_at: KnownAt = None,
) -> Response:
    """Open documents as of a day, by how long they had been due then: not due, 1-30 days, and so on.

    Payments and credit notes are never due: what of them is not settled yet stands in `unapplied`.
    """
    day = min(max(as_of or today(request), _FIRST), _LAST)
    ends = tuple(sorted(set(map(int, buckets.split(",")))))
    selection = AgingSelection(scope_of(actor, company), ledger, party, by, ends, AsOf(day, known_at), day, top)
    async with books(request) as found:
        said: Any = await aging(found.connection, selection)
        if not said.rows:
            await refuse_unknown(request, found.connection)
    return answered({"buckets": said.buckets, "data": said.rows, "left_out": said.left_out, "sums": said.sums, "read_to": found.read_to})
